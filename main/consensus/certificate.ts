/** A commit certificate (chapter 03 §3.6): what makes a decided header final for whoever was not there. */
import { equalBytes, type Hash32 } from "../protocol/bytes.ts";
import type { Crypto } from "../protocol/crypto.ts";
import { PRECOMMIT, type ProposalVote } from "../protocol/objects/consensus.ts";
import type { Weights } from "../protocol/quorum/weights.ts";
import { checkSigner, type NodeKeys } from "../protocol/validation/signer.ts";
import { isNil, voteScope } from "./objects.ts";

export type CertificateFailure =
  "nil-value" | "foreign-vote" | "unknown-node" | "unsupported-suite" | "no-quorum" | "invalid-signature";

/** What is known of the window that the certificate is for, from the tables before it. */
export interface CertificateContext {
  readonly window: bigint;
  readonly nodes: NodeKeys;
  readonly weights: Weights;
}

/** Are `votes` precommits of one round for `proposalHash` by signers of weight ≥ quorum? The first failing check, or undefined. */
export function verifyCertificate(
  crypto: Crypto,
  { window, nodes, weights }: CertificateContext,
  proposalHash: Hash32,
  votes: readonly ProposalVote[],
): CertificateFailure | undefined {
  if (isNil(proposalHash)) return "nil-value";
  const round = votes[0]?.round;
  for (const vote of votes) {
    const isOfKind = vote.windowIndex === window && vote.round === round && vote.phase === PRECOMMIT;
    if (!isOfKind || !equalBytes(vote.proposalHash, proposalHash)) return "foreign-vote";
    const failure = checkSigner(nodes, vote.nodeId);
    if (failure !== undefined) return failure;
  }
  if (!weights.isQuorum(weights.sumOf(votes.map(({ nodeId }) => nodeId)))) return "no-quorum";
  const verdicts = crypto.mldsa65.verifyBatch(
    votes.map((vote) => ({
      publicKey: nodes.get(vote.nodeId)!.nodePubkey,
      message: voteScope(vote),
      signature: vote.signature,
    })),
  );
  return verdicts.every(Boolean) ? undefined : "invalid-signature";
}
