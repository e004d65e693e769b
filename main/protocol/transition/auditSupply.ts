/** τ₂ task 4 (chapter 02 §4.5): the balances must add up to what was credited since genesis. */
import { ProtocolError } from "../errors.ts";
import { creditedBy } from "../state/supply.ts";
import type { AccountTable } from "../state/table.ts";

/** Halts: `supply-mismatch`. */
export function auditSupply(accounts: AccountTable, window: bigint, emissionMoneta: bigint): void {
  const expected = creditedBy(emissionMoneta, window);
  const found = accounts.totalBalance;
  if (found !== expected) throw new ProtocolError("supply-mismatch", { window, expected, found });
}
