/** Bad links, partitions, and messages of one kind that do not arrive. */
import type { Message } from "../../../main/consensus/objects.ts";
import { PREVOTE } from "../../../main/protocol/objects/consensus.ts";
import { linkName, type LinkQuality } from "../network.ts";
import type { Random } from "../random.ts";
import { WINDOW_MS } from "../world.ts";
import { repeatedly, type Run } from "./run.ts";

const DEAF_TO = ["bundle", "reveal", "header", "body", "prevote", "precommit", "precommit"] as const;
const VOTE_PHASE_OFFSET = 41;

export function worsenLinks({ world, random }: Run): void {
  const draw = (worse: number): LinkQuality => ({
    delayMinMs: 5,
    delayMaxMs: worse * drawDelayMs(random),
    loss: random.chance(0.6) ? random.between(0, 0.3) : 0,
    duplication: random.chance(0.4) ? random.between(0, 0.2) : 0,
  });
  world.network.quality = draw(1);
  if (!random.chance(0.5)) return;
  for (const { index } of random.sample(world.nodes, random.integer(1, Math.ceil(world.nodes.length / 3)))) {
    for (const peer of world.peersOf(index)) {
      world.network.special.set(linkName(index, peer), draw(2));
      if (random.chance(0.5)) world.network.special.set(linkName(peer, index), draw(2));
    }
  }
  for (const node of world.nodes) if (random.chance(0.15)) node.slowness = random.between(2, 30);
}

function drawDelayMs(random: Random): number {
  const draw = random.next();
  if (draw < 0.1) return random.between(5000, 20_000);
  return draw < 0.3 ? random.between(1500, 5000) : random.between(50, 1500);
}

export function planPartitions(run: Run): void {
  const { world, random } = run;
  repeatedly(run, WINDOW_MS, 14 * WINDOW_MS, () => {
    const side = new Set(random.sample(world.nodes, random.integer(1, world.nodes.length)).map(({ index }) => index));
    const isOneWay = random.chance(0.4);
    world.show(isOneWay ? "partitions, one-way" : "partitions");
    world.network.isBlocked = (from, to) =>
      isOneWay ? side.has(from) && !side.has(to) : side.has(from) !== side.has(to);
    world.clock.after(random.between(0.1, 5) * WINDOW_MS, () => {
      world.network.isBlocked = () => false;
    });
  });
}

interface Deafness {
  readonly kind: string;
  readonly speakers: ReadonlySet<number>;
  readonly deaf: ReadonlySet<number>;
}

/** Messages of one kind from some nodes do not reach some others for a while: what the voting rules are there for. */
export function planDeafness(run: Run): void {
  const { world, random } = run;
  const active: Deafness[] = [];
  const isLost = (from: number, to: number, message: Message): boolean => {
    const kind = kindOf(message);
    return active.some((each) => each.kind === kind && each.speakers.has(from) && each.deaf.has(to));
  };
  const some = () =>
    new Set(random.sample(world.nodes, random.integer(1, world.nodes.length)).map(({ index }) => index));
  repeatedly(run, 0.1 * WINDOW_MS, 3 * WINDOW_MS, () => {
    world.show("deafness");
    const everybody = new Set(world.nodes.map(({ index }) => index));
    const few = () => new Set(random.sample(world.nodes, Math.ceil(world.nodes.length / 8)).map(({ index }) => index));
    // Some who do not see the proposal and some whose precommits nobody sees: the hardest case for the lock.
    const isHardCase = random.chance(0.4);
    const added = isHardCase
      ? [
          { kind: "header", speakers: everybody, deaf: few() },
          { kind: "precommit", speakers: few(), deaf: everybody },
        ]
      : [{ kind: random.pick(DEAF_TO)!, speakers: some(), deaf: some() }];
    active.push(...added);
    world.isLost = isLost;
    world.clock.after(random.between(0.3, 2) * WINDOW_MS, () => {
      for (const each of added) active.splice(active.indexOf(each), 1);
      if (active.length === 0) world.isLost = undefined;
    });
  });
}

function kindOf({ type, payload }: Message): string {
  if (type !== "vote") return type;
  return payload[VOTE_PHASE_OFFSET] === PREVOTE ? "prevote" : "precommit";
}
