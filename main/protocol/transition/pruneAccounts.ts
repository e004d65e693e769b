/** τ₂ task 2 (chapter 02 §4.8): empty accounts that have been idle for `pruningIdleWindows` leave the state. */
import { byteKey, compareBytes, type AccountId } from "../bytes.ts";
import type { StateDraft } from "../state/table.ts";

/**
 * Gives the removed ids, ascending. Operators stay, and so do accounts that a candidate names as its operator (PW-14). No
 * cemented registration waits beside the pool: a control set is applied whole in its window.
 */
export function pruneAccounts(draft: StateDraft, window: bigint, pruningIdleWindows: bigint): AccountId[] {
  if (window < pruningIdleWindows) return [];
  const protectedIds = new Set(Array.from(draft.candidates.rows(), (row) => byteKey(row.operatorAccountId)));
  const idleSince = window - pruningIdleWindows;
  const pruned: AccountId[] = [];
  for (const id of draft.accounts.emptySince(idleSince)) {
    const account = draft.accounts.get(id);
    if (account?.balance !== 0n || account.isNodeOperator) continue;
    if (BigInt(account.lastOpWindow) > idleSince || protectedIds.has(byteKey(id))) continue;
    draft.accounts.remove(id);
    pruned.push(id);
  }
  return pruned.sort(compareBytes);
}
