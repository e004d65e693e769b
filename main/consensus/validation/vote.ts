/** ProposalVote (chapter 03 §5.5). */
import { checkSigner } from "../../protocol/validation/signer.ts";
import { PRECOMMIT, PREVOTE, type ProposalVote } from "../../protocol/objects/consensus.ts";
import { ROUNDS_AHEAD_MAX } from "../limits.ts";
import { isNil } from "../objects.ts";
import type { NodeState } from "../state.ts";
import { ignore, reject, type Inspection } from "../verdict.ts";

export function inspectVote(state: NodeState, payload: Uint8Array): Inspection<ProposalVote> {
  const known = state.objects.read("vote", payload);
  if (known === undefined) return reject("malformed");
  const vote = known.object;
  const { facts } = state.chain;
  const signerFailure = checkSigner(facts, vote.nodeId);
  if (signerFailure === "unknown-node") return ignore(signerFailure);
  if (signerFailure !== undefined) return reject(signerFailure);
  if (vote.windowIndex < state.window) return ignore("wrong-window");
  if (vote.round === 0) return reject("round-out-of-range");
  if (vote.phase !== PREVOTE && vote.phase !== PRECOMMIT) return reject("phase-out-of-range");
  if (vote.windowIndex === state.window) {
    if (facts.weights.of(vote.nodeId) === 0n) return ignore("no-weight");
    const placement = state.votes.place(vote);
    if (placement === "duplicate" || placement === "surplus") return ignore(placement);
    if (!isKept(state, vote)) return ignore("round-too-far");
  }
  return {
    object: vote,
    identifier: known.identifier,
    signature: { publicKey: facts.get(vote.nodeId)!.nodePubkey, message: known.scope, signature: vote.signature },
  };
}

/** Of rounds that are too far ahead only a node's highest vote is kept: it tells when a third of the weight is there. */
function isKept(state: NodeState, vote: ProposalVote): boolean {
  if (vote.round <= state.round.round + ROUNDS_AHEAD_MAX) return true;
  return vote.round > state.votes.highestRoundOf(vote.nodeId) || isWantedValue(state, vote);
}

/** Precommits of a round that this node skipped still make the certificate of a proposal that it asks for. */
function isWantedValue(state: NodeState, vote: ProposalVote): boolean {
  return !isNil(vote.proposalHash) && state.isWanted(vote.proposalHash);
}
