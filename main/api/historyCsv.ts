/** A wallet's history as CSV, as RFC 4180 has it. No text in it comes from others, so no cell can begin a formula. */
import { formatAmount } from "../wallet/amounts.ts";
import { HISTORY_PAGE_MAX, type HistoryEntry, type Input, type Output } from "./contract.ts";
import type { WalletService } from "./services.ts";

const COLUMNS = ["window", "kind", "direction", "state", "amount", "amount_nj", "account", "counterparty", "operation"];
const END = "\r\n";

/** At most `limit` lines from before `before` on, those of the columns' names apart. */
export async function historyCsvPage(
  wallet: Pick<WalletService, "history">,
  { before, limit }: Input<"historyCsv">,
): Promise<Output<"historyCsv">> {
  const lines = before === undefined ? [COLUMNS.join(",")] : [];
  let next = before;
  let hasMore = true;
  for (let left = limit; left > 0 && hasMore;) {
    const page = await wallet.history({
      limit: Math.min(left, HISTORY_PAGE_MAX),
      ...(next === undefined ? {} : { before: next }),
    });
    lines.push(...page.entries.map(lineOf));
    left -= page.entries.length;
    next = page.entries.at(-1)?.id ?? next;
    hasMore = page.hasMore && page.entries.length > 0;
  }
  return { text: lines.map((line) => line + END).join(""), next: hasMore ? (next ?? null) : null };
}

function lineOf(entry: HistoryEntry): string {
  const { window, kind, direction, state, amount, accountId, counterparty, opHash } = entry;
  const shown = amount === null ? "" : formatAmount(BigInt(amount)).replace(/ \D+$/, "");
  const cells = [
    window ?? "",
    kind,
    direction,
    state,
    shown,
    amount ?? "",
    accountId,
    counterparty ?? "",
    opHash ?? "",
  ];
  return cells.join(",");
}
