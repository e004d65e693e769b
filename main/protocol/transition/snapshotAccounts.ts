/** τ₂ task 1 (chapter 04 §4.8): freeze the chain length of every account that moved in the epoch. */
import type { StateDraft } from "../state/table.ts";

export function snapshotAccounts(draft: StateDraft): void {
  for (const id of draft.accounts.staleSnapshots()) {
    const account = draft.accounts.get(id);
    if (account === undefined || account.accountChainLengthSnapshot === account.accountChainLength) continue;
    draft.accounts.put({ ...account, accountChainLengthSnapshot: account.accountChainLength });
  }
}
