/** The chain of a candidate, one segment of D iterations a window, seeded by a window and the node's id (chapter 05 §4.2). */
import { equalBytes, type Hash32, type NodeId } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { taggedHash } from "../hash.ts";
import { vdfStep } from "./vdf.ts";

/** v_0 of the chain of `nodeId`; `timechainValue` is T(W_start), `aggregate` cba(W_start − 2). */
export function candidateVdfInit(crypto: Crypto, timechainValue: Hash32, aggregate: Hash32, nodeId: NodeId): Hash32 {
  return taggedHash(crypto, "mt-candidate-vdf-init", timechainValue, aggregate, nodeId);
}

/**
 * v_(i + segments) from v_i. `d` is D(W_start) for every segment, also beyond an epoch boundary. A longer chain goes on from
 * the endpoint of a shorter one. Blocks.
 */
export function extendCandidateChain(crypto: Crypto, value: Hash32, d: bigint, segments: bigint): Hash32 {
  return vdfStep(crypto, value, d * segments);
}

export interface CandidateChainClaim {
  readonly init: Hash32;
  /** D(W_start). */
  readonly d: bigint;
  readonly segments: bigint;
  readonly endpoint: Hash32;
}

/**
 * Recomputes the chain where that takes at most `iterationsMax` hashes. `unverified` where it would take more: the object
 * holds no intermediate values, so there is no cheaper check (chapter 05 §4.3). A confirmer's choice, never part of a
 * transition. Blocks.
 */
export function checkCandidateChain(
  crypto: Crypto,
  claim: CandidateChainClaim,
  iterationsMax: bigint,
): "valid" | "invalid" | "unverified" {
  const { init, d, segments, endpoint } = claim;
  if (d * segments > iterationsMax) return "unverified";
  return equalBytes(extendCandidateChain(crypto, init, d, segments), endpoint) ? "valid" : "invalid";
}
