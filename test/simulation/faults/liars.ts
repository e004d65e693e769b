/** Faulty nodes, up to the weight that the rules allow. */
import { quorum } from "../../../main/protocol/quorum/quorum.ts";
import { weightsAt } from "../../../main/protocol/quorum/weights.ts";
import type { Byzantine, Misdeed } from "../byzantine.ts";
import type { SimulatedNode } from "../node.ts";
import { WINDOW_MS } from "../world.ts";
import type { Run } from "./run.ts";

/** Of the protocol: what the tests of the checkers break is judged by the real number. */
const QUORUM = { confirmationQuorumNum: 67, confirmationQuorumDen: 100 };
/** Windows 0 and 1 know one proposer: they need it honest. */
const FIRST_LYING_WINDOW = 3n;

/** Runs without a faulty node. */
const FAULTLESS = 0.3;

/** As many as may be faulty while all weigh the same. */
export function chooseLiars(
  { world, random }: Run,
  all: readonly Misdeed[],
  make: (node: SimulatedNode, misdeeds: readonly Misdeed[]) => Byzantine,
): void {
  const count = world.nodes.length;
  const tolerated = count - Number(quorum(QUORUM, BigInt(count)));
  for (const node of random.sample(
    world.nodes,
    random.chance(FAULTLESS) ? 0 : random.integer(Math.min(1, tolerated), tolerated),
  )) {
    const some = random.sample(
      all.filter((each) => each !== "silence"),
      random.integer(1, 4),
    );
    world.liars.set(node.index, make(node, random.chance(0.1) ? ["silence"] : some));
    world.checkers.faulty.add(node.index);
  }
  world.recount();
}

/** Presence makes weight: faulty nodes that weigh more than is tolerated, because others were away, behave for a while. */
export function watchWeights(run: Run): void {
  const { world } = run;
  const watched = world.honest[0];
  if (watched === undefined) return;
  const { view } = watched.disk;
  const weights = weightsAt(view.nodes, view.window, world.rules);
  const weight = weights.sumOf(Array.from(world.liars.keys(), (index) => world.nodes[index]!.member.nodeId));
  const isTolerated = weight <= weights.total - quorum(QUORUM, weights.total);
  world.isLyingAllowed = isTolerated && view.window >= FIRST_LYING_WINDOW;
  world.clock.after(WINDOW_MS / 4, () => watchWeights(run));
}
