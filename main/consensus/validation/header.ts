/** Proposal header (chapter 03 §5.3, and of §5.4 what needs the header alone). */
import { equalBytes, ZERO_HASH } from "../../protocol/bytes.ts";
import { checkHeader } from "../../protocol/validation/header.ts";
import type { ProposalHeader } from "../../protocol/objects/consensus.ts";
import { DEPTHS_AHEAD_MAX } from "../limits.ts";
import type { Known } from "../objectBytes.ts";
import type { ProposalFailure } from "../pools/proposals.ts";
import type { NodeState } from "../state.ts";
import { ignore, reject, type Inspection } from "../verdict.ts";

export function inspectHeader(state: NodeState, payload: Uint8Array): Inspection<ProposalHeader> {
  const known = state.objects.read("header", payload);
  if (known === undefined) return reject("malformed");
  const header = known.object;
  const { window, crypto } = state;
  const isNext = header.windowIndex === window + 1n;
  if (header.windowIndex !== window && !isNext) {
    return header.windowIndex < window ? ignore("window-not-monotone") : inspectFarHeader(state, known);
  }
  const previous = isNext ? { ...header, windowIndex: window } : state.chain.previous?.header;
  const { facts } = state.chain;
  const failure = checkHeader(crypto, header, previous, facts, state.self.protocolVersionMax, {
    signature: "assume-valid",
  });
  // Another proposer than the table's may only be unknown here as yet; the version is a call to upgrade, not a fault.
  if (failure === "protocol-version-unsupported") return unverified(state, known);
  if (failure === "unknown-proposer" && isNext) return ignore(failure);
  if (failure !== undefined) return reject(failure);
  if (!isNext) {
    if (!equalBytes(header.proposerNodeId, state.chain.proposerAt(header.fallbackDepth))) {
      return reject("proposer-not-canonical");
    }
    const { identifier } = known;
    if (state.proposals.get(identifier) !== undefined) return ignore("duplicate");
    const isWithinBounds =
      header.fallbackDepth <= state.round.round + DEPTHS_AHEAD_MAX && state.proposals.hasRoomAt(header.fallbackDepth);
    if (!isWithinBounds && !state.isWanted(identifier)) return ignore("surplus");
  }
  return unverified(state, known);
}

/** Says at most that this node is behind. */
function inspectFarHeader(state: NodeState, known: Known<ProposalHeader>): Inspection<ProposalHeader> {
  return state.chain.facts.get(known.object.proposerNodeId) === undefined
    ? ignore("unknown-proposer")
    : unverified(state, known);
}

function unverified(
  state: NodeState,
  { object: header, identifier, scope }: Known<ProposalHeader>,
): Inspection<ProposalHeader> {
  const node = state.chain.facts.get(header.proposerNodeId);
  if (node === undefined) return ignore("unknown-proposer");
  return {
    object: header,
    identifier,
    signature: {
      publicKey: node.nodePubkey,
      message: scope,
      signature: header.signature,
    },
  };
}

/** Checks 1 to 4 of §5.4 for a header of the open window; undefined where they hold or T_W is not known yet. */
export function checkHeaderInContext(state: NodeState, header: ProposalHeader): ProposalFailure | undefined {
  const { chain, timechainValue } = state;
  if (!equalBytes(header.prevProposalHash, chain.previous?.hash ?? ZERO_HASH)) return "wrong-parent";
  if (!equalBytes(header.proposerNodeId, chain.proposerAt(header.fallbackDepth))) return "proposer-not-canonical";
  if (timechainValue !== undefined && !equalBytes(header.timechainValue, timechainValue))
    return "wrong-timechain-value";
  return header.target === chain.facts.target ? undefined : "wrong-target";
}
