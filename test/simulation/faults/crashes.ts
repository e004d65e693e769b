/** Crashes, power cuts, and stores from old backups. */
import type { SimulatedNode } from "../node.ts";
import { WINDOW_MS } from "../world.ts";
import { repeatedly, type Run } from "./run.ts";

const OLD_STORE_WINDOWS_MAX = 12;
/** Of the writes of a network of one. */
const TORN_WRITES = 0.03;
const WRITE_MS = 20;

export function planCrashes(run: Run): void {
  const { world, random } = run;
  repeatedly(run, 0.2 * WINDOW_MS, 8 * WINDOW_MS, () => {
    const isPowerCut = random.chance(0.08);
    world.show(isPowerCut ? "power cuts" : "crashes");
    for (const node of isPowerCut ? world.nodes : [random.pick(world.nodes)!]) {
      if (node.isUp) stop(run, node);
    }
  });
}

/** Crashes in the middle of a write, as often in a large network as in a small one. */
export function planTornWrites(run: Run): void {
  const { world, random } = run;
  world.writing = (node) => {
    if (run.isOver || !random.chance(TORN_WRITES / world.nodes.length)) return;
    world.clock.after(random.between(0, WRITE_MS), () => {
      if (node.isUp) stop(run, node);
    });
  };
}

/** An old backup takes the place of a store whose windows others hold; the signed log is as it was. */
export function planOldStores(run: Run): void {
  const { world, random } = run;
  repeatedly(run, 10 * WINDOW_MS, 60 * WINDOW_MS, () => {
    const node = random.pick(world.honest)!;
    const { disk } = node;
    const isElsewhere = world.honest.some((other) => other !== node && other.isUp && other.window >= disk.floor);
    const windows = random.integer(1, OLD_STORE_WINDOWS_MAX);
    if (!node.isUp || !isElsewhere || disk.archive.length <= windows) return;
    world.show("old stores");
    stop(run, node);
    disk.restoreStore(windows);
    world.recount();
  });
}

function stop({ world, random }: Run, node: SimulatedNode): void {
  node.crash();
  world.clock.after(random.between(0.01, 3) * WINDOW_MS, () => {
    if (!node.isUp) node.start();
  });
}
