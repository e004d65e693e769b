/** From a seed to a network, its faults, and a verdict. */
import { Byzantine, MISDEEDS } from "./byzantine.ts";
import { Violation } from "./checkers.ts";
import { planClients } from "./faults/clients.ts";
import { planCrashes, planOldStores, planTornWrites } from "./faults/crashes.ts";
import { planDeafness, planPartitions, worsenLinks } from "./faults/links.ts";
import { chooseLiars, watchWeights } from "./faults/liars.ts";
import { planNewcomers } from "./faults/newcomers.ts";
import type { Run } from "./faults/run.ts";
import { DifferentStates } from "./ledger.ts";
import { GOOD_LINK } from "./network.ts";
import { Random } from "./random.ts";
import { World, WINDOW_MS } from "./world.ts";

export interface ScenarioOptions {
  readonly seed: number;
  /** Drawn from the seed, from the first to the second of them; small networks as often as large ones. */
  readonly nodes?: readonly [number, number];
  readonly windows: number;
  /** Simulates without faults where false. */
  readonly faults?: boolean;
}

export interface ScenarioResult {
  readonly seed: number;
  readonly nodes: number;
  readonly windows: number;
  readonly simulatedMs: number;
  readonly byzantine: readonly string[];
  readonly messages: number;
  readonly deepestRound: number;
  /** What happened, and how often. */
  readonly shown: Readonly<Record<string, number>>;
  /** Of everything that honest nodes decided, and when: the same for the same seed. */
  readonly digest: string;
  readonly failure: string | undefined;
}

export const NODES_DEFAULT = [4, 40] as const;
/** The part of the windows after which faults stop. */
const FAULTY_PART = 0.6;
/** After the faults: to notice, to catch up, and to let rounds that have grown long end. */
const RECOVERY_MS = 60 * WINDOW_MS;
/** Fault-free windows may take so many times their VDF. */
const SLACK = 4;
const TAU2_WINDOWS = 40n;

export function runScenario(options: ScenarioOptions): ScenarioResult {
  const { seed, windows, faults = true } = options;
  const random = new Random(seed * 7919 + 17);
  const [least, most] = options.nodes ?? NODES_DEFAULT;
  const nodes = Math.round(least * (most / least) ** random.next());
  const clockRates = Array.from({ length: nodes }, () => (faults && random.chance(0.4) ? random.between(0.5, 2) : 1));
  const world = new World({ seed, nodes, clockRates, tau2Windows: TAU2_WINDOWS });
  const run: Run = { world, random, isOver: false };
  const failure = failureOf(run, windows, faults);
  const { network, shown, checkers, liars } = world;
  for (const [what, count] of [
    ["messages lost", network.lost],
    ["sent twice", network.duplicated],
  ] as const) {
    if (count > 0) shown.set(what, count);
  }
  return {
    seed,
    nodes,
    windows: Number(world.lowestWindow),
    simulatedMs: Math.round(world.clock.now),
    byzantine: Array.from(liars, ([index, liar]) => `${index}:${liar.misdeeds.join("+")}`),
    messages: network.sent,
    deepestRound: Math.max(0, ...world.nodes.map(({ deepestRound }) => deepestRound)),
    shown: Object.fromEntries([...shown].sort(([a], [b]) => (a < b ? -1 : 1))),
    digest: Buffer.from(world.crypto.sha256(Buffer.from(checkers.trace.join("\n")))).toString("hex"),
    failure,
  };
}

/** What went wrong, if anything. */
function failureOf(run: Run, windows: number, hasFaults: boolean): string | undefined {
  try {
    simulate(run, windows, hasFaults);
    return undefined;
  } catch (error) {
    if (error instanceof Violation || error instanceof DifferentStates) return error.message;
    throw error;
  }
}

function simulate(run: Run, windows: number, hasFaults: boolean): void {
  const { world } = run;
  const target = BigInt(windows);
  world.start();
  planClients(run);
  planNewcomers(run);
  if (hasFaults) {
    chooseLiars(run, MISDEEDS, (node, misdeeds) => new Byzantine(world, node, misdeeds));
    watchWeights(run);
    worsenLinks(run);
    planPartitions(run);
    planDeafness(run);
    planCrashes(run);
    planTornWrites(run);
    planOldStores(run);
    const part = BigInt(Math.floor(windows * FAULTY_PART));
    world.runUntil(() => world.lowestWindow >= part, windows * WINDOW_MS * SLACK);
    heal(run);
  }
  const left = windows - Number(world.lowestWindow);
  if (world.runUntil(() => world.lowestWindow >= target, RECOVERY_MS + left * WINDOW_MS * SLACK)) return;
  const at = world.nodes.map(({ window, isUp }) => `${window}${isUp ? "" : " (down)"}`).join(" ");
  throw new Violation(`not live: ${target} windows expected, nodes are at ${at}`);
}

/** The network is timely from here on; faulty nodes go on lying. */
function heal(run: Run): void {
  const { world } = run;
  run.isOver = true;
  world.network.quality = GOOD_LINK;
  world.network.special.clear();
  world.network.isBlocked = () => false;
  world.isLost = undefined;
  for (const node of world.nodes) {
    node.slowness = 1;
    if (!node.isUp) node.start();
  }
}
