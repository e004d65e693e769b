/** ProposalVote (chapter 03 §5.5). */
import { concatBytes } from "../../protocol/bytes.ts";
import { encode, u64, u8 } from "../../protocol/codec/codec.ts";
import { checkSigner } from "../../protocol/validation/signer.ts";
import { PRECOMMIT, PREVOTE, type ProposalVote } from "../../protocol/objects/consensus.ts";
import { ROUNDS_AHEAD_MAX } from "../limits.ts";
import { decodeVote, isNil, tryDecode, voteScope } from "../objects.ts";
import type { NodeState } from "../state.ts";
import { ignore, reject, type Inspection } from "../verdict.ts";

export function inspectVote(state: NodeState, payload: Uint8Array): Inspection<ProposalVote> {
  const vote = tryDecode(decodeVote, payload);
  if (vote === undefined) return reject("malformed");
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
  const scope = voteScope(vote);
  return {
    object: vote,
    identifier: voteIdentifier(state, vote),
    signature: { publicKey: facts.get(vote.nodeId)!.nodePubkey, message: scope, signature: vote.signature },
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

/** A vote has no class tag: author, window, round, phase and value name it (§6.5). */
function voteIdentifier(state: NodeState, vote: ProposalVote) {
  const key = concatBytes(vote.nodeId, encode(u64, vote.windowIndex), encode(u8, vote.round), encode(u8, vote.phase));
  return state.crypto.sha256(concatBytes(key, vote.proposalHash));
}
