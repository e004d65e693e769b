/**
 * What must hold of records that a peer sent (chapter 02 §5.2, R2 to R5). Roots decide whether a snapshot is the network's;
 * a fault under right roots means that the network itself has left the rules, and is worth a loud report.
 */
import { equalBytes } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import type { NetworkRules } from "../genesis/rules.ts";
import { nodeIdOf, SUITE_MLDSA65 } from "../identity/ids.ts";
import type { AccountRecord, CandidateRecord, NodeRecord } from "./records.ts";
import { creditedBy } from "./supply.ts";
import type { State } from "./table.ts";

export type RecordFault =
  | "unknown-suite"
  | "snapshot-above-chain-length"
  | "height-differs-from-chain-length"
  | "operation-before-creation"
  | "window-after-anchor"
  | "wrong-node-id"
  | "no-chain-length"
  | "checkpoints-not-ascending"
  | "checkpoint-above-chain-length"
  | "wrong-expiry"
  | "expired";

/** R2, on the state after window `anchor`. Not asked of profile `rc1`. */
export function findAccountFault(account: AccountRecord, anchor: bigint): RecordFault | undefined {
  if (account.suiteId !== SUITE_MLDSA65) return "unknown-suite";
  if (account.accountChainLengthSnapshot > account.accountChainLength) return "snapshot-above-chain-length";
  if (account.opHeight !== account.accountChainLength) return "height-differs-from-chain-length";
  if (account.creationWindow > account.lastOpWindow) return "operation-before-creation";
  if (account.lastOpWindow > anchor || account.lastActivationWindow > anchor) return "window-after-anchor";
  return undefined;
}

/** R3 as far as the node alone tells. */
export function findNodeFault(crypto: Crypto, node: NodeRecord, anchor: bigint): RecordFault | undefined {
  if (!equalBytes(node.nodeId, nodeIdOf(crypto, node.nodePubkey))) return "wrong-node-id";
  if (node.suiteId !== SUITE_MLDSA65) return "unknown-suite";
  if (node.chainLength < 1n) return "no-chain-length";
  const checkpoints = node.chainLengthCheckpoints;
  if (checkpoints.some((checkpoint, i) => i > 0 && checkpoint < checkpoints[i - 1]!)) {
    return "checkpoints-not-ascending";
  }
  if (checkpoints.some((checkpoint) => checkpoint > node.chainLength)) return "checkpoint-above-chain-length";
  if (node.startWindow > anchor || node.lastConfirmationWindow > anchor) return "window-after-anchor";
  return undefined;
}

/** R4 as far as the candidate alone tells. */
export function findCandidateFault(
  crypto: Crypto,
  rules: NetworkRules,
  candidate: CandidateRecord,
  anchor: bigint,
): RecordFault | undefined {
  if (!equalBytes(candidate.nodeId, nodeIdOf(crypto, candidate.nodePubkey))) return "wrong-node-id";
  if (candidate.expires !== candidate.registrationWindow + rules.params.candidateExpiryWindows) return "wrong-expiry";
  if (candidate.expires <= anchor) return "expired";
  if (candidate.registrationWindow > anchor) return "window-after-anchor";
  return undefined;
}

export type StateFault = "operator-account-missing" | "operator-flag-missing" | "candidate-is-node" | "supply-mismatch";

/** What R3, R4 and R5 say about the tables together. Not R5 of profile `rc1`, whose chain has lost rewards. */
export function findStateFault(rules: NetworkRules, state: State, anchor: bigint): StateFault | undefined {
  for (const node of state.nodes.rows()) {
    const operator = state.accounts.get(node.operatorAccountId);
    if (operator === undefined) return "operator-account-missing";
    if (!operator.isNodeOperator) return "operator-flag-missing";
  }
  for (const candidate of state.candidates.rows()) {
    if (state.nodes.get(candidate.nodeId) !== undefined) return "candidate-is-node";
  }
  if (rules.profile === "spec" && state.accounts.totalBalance !== creditedBy(rules.params.emissionMoneta, anchor)) {
    return "supply-mismatch";
  }
  return undefined;
}
