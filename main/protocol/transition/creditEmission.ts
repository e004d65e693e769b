/** Step 2 (chapter 02 §4.5, chapter 05 PW-5): exactly one credit of the window's emission. */
import { creditAccount } from "../accounts/apply.ts";
import type { AccountId, NodeId } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import type { StateDraft } from "../state/table.ts";

/** In a received proposal these reject it; in the node's own derivation of the state they halt (decision E6). */
export type EmissionFailure = "winner-not-in-node-table" | "operator-account-missing";

/**
 * Credits the operator account of `recipient`: the node admitted in this window if there is one, else the winner of the
 * window before. The payment is never skipped: throws `ProtocolError<EmissionFailure>`, or `balance-overflow`.
 */
export function creditEmission(draft: StateDraft, emissionMoneta: bigint, recipient: NodeId): AccountId {
  const node = draft.nodes.get(recipient);
  if (node === undefined) throw new ProtocolError<EmissionFailure>("winner-not-in-node-table");
  const operator = draft.accounts.get(node.operatorAccountId);
  if (operator === undefined) throw new ProtocolError<EmissionFailure>("operator-account-missing");
  draft.accounts.put(creditAccount(operator, emissionMoneta));
  return operator.accountId;
}
