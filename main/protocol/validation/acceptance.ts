/** Checks of a proposal in its context (chapter 03 §5.4), each for one kind of fact; the roots and the state are not here. */
import { equalBytes, type Hash32, type NodeId } from "../bytes.ts";
import { winnerOf, type Candidate } from "../lottery/winner.ts";
import { isCemented, type QuorumParams } from "../quorum/quorum.ts";

/** Check 2: `designated` is the cascade's entry at the header's depth. */
export function checkProposer(proposer: NodeId, designated: NodeId): "proposer-not-canonical" | undefined {
  return equalBytes(proposer, designated) ? undefined : "proposer-not-canonical";
}

/** Check 7: do the included bundles reach the quorum of their window? */
export function checkBundlesThreshold(
  params: QuorumParams,
  includedWeight: bigint,
  activeWeight: bigint,
): "insufficient-bundles" | undefined {
  return isCemented(params, includedWeight, activeWeight) ? undefined : "insufficient-bundles";
}

/** Check 9: exactly the cemented reveals, in the same order. */
export function checkIncludedReveals(
  proposed: readonly Hash32[],
  cemented: readonly Hash32[],
): "included-reveals-mismatch" | undefined {
  const isSame = proposed.length === cemented.length && proposed.every((hash, i) => equalBytes(hash, cemented[i]!));
  return isSame ? undefined : "included-reveals-mismatch";
}

/** Check 10. Without candidates nobody can be the winner: window 0 and windows without reveals are settled before. */
export function checkWinner(winnerId: NodeId, candidates: readonly Candidate[]): "wrong-winner" | undefined {
  const winner = winnerOf(candidates);
  return winner !== undefined && equalBytes(winner.nodeId, winnerId) ? undefined : "wrong-winner";
}
