/** Checks of a proposal header alone, in the reference's order (chapter 03 §5.3). */
import type { ValidationOptions } from "../accounts/validate.ts";
import type { Crypto } from "../crypto.ts";
import { SUITE_MLDSA65 } from "../identity/ids.ts";
import { proposalHeader, type ProposalHeader } from "../objects/consensus.ts";
import type { NodeKeys } from "./signer.ts";

export type HeaderFailure =
  | "fallback-depth-zero"
  | "window-not-monotone"
  | "protocol-version-decreased"
  | "protocol-version-unsupported"
  | "unknown-proposer"
  | "unsupported-suite"
  | "invalid-signature";

/** What a header continues; window 0 continues nothing. */
export type HeaderPredecessor = Pick<ProposalHeader, "windowIndex" | "protocolVersion"> | undefined;

/** Checks 1 to 7. `nodes` is the Node Table before the header's window. */
export function checkHeader(
  crypto: Crypto,
  header: ProposalHeader,
  previous: HeaderPredecessor,
  nodes: NodeKeys,
  protocolVersionMax: number,
  options: ValidationOptions = {},
): HeaderFailure | undefined {
  if (header.fallbackDepth === 0) return "fallback-depth-zero";
  // The last u64 has no successor: the sum does not wrap.
  if (header.windowIndex !== (previous === undefined ? 0n : previous.windowIndex + 1n)) return "window-not-monotone";
  if (previous !== undefined && header.protocolVersion < previous.protocolVersion) return "protocol-version-decreased";
  if (header.protocolVersion > protocolVersionMax) return "protocol-version-unsupported";
  const proposer = nodes.get(header.proposerNodeId);
  if (proposer === undefined) return "unknown-proposer";
  if (proposer.suiteId !== SUITE_MLDSA65) return "unsupported-suite";
  if (options.signature === "assume-valid") return undefined;
  return proposalHeader.verify(crypto, proposer.nodePubkey, header) ? undefined : "invalid-signature";
}
