/** Who wins a window (chapter 03 §4.13). */
import { compareBytes, type NodeId } from "../bytes.ts";

export interface Candidate {
  readonly nodeId: NodeId;
  /** Weighted ticket. */
  readonly ticket: bigint;
}

/** Candidate order: ticket ascending, then node id ascending. Does not depend on the order given. */
export function inCandidateOrder<C extends Candidate>(candidates: readonly C[]): C[] {
  return candidates.toSorted(compareCandidates);
}

/** First in candidate order; undefined where there is none. */
export function winnerOf<C extends Candidate>(candidates: readonly C[]): C | undefined {
  return candidates.length === 0 ? undefined : candidates.reduce((a, b) => (compareCandidates(b, a) < 0 ? b : a));
}

/**
 * winner_V: the best of the reveals of V that the proposal of V + 1 includes, which holds none of a penalised node. Where
 * there is none, the best of all nodes active in V, whatever the target.
 */
export function winnerOfWindow<C extends Candidate>(included: readonly C[], active: readonly C[]): C | undefined {
  return winnerOf(included) ?? winnerOf(active);
}

function compareCandidates(a: Candidate, b: Candidate): number {
  if (a.ticket !== b.ticket) return a.ticket < b.ticket ? -1 : 1;
  return compareBytes(a.nodeId, b.nodeId);
}
