import { describe, expect, it } from "vitest";

import type { HistoryEntry } from "../../../main/api/contract.ts";
import { HISTORY_FILTERS, historyRow, mergeHistory, passes } from "./historyRows.ts";

const SENT: HistoryEntry = {
  ...{ id: "a", kind: "transfer", direction: "out", state: "settled", reason: null, window: 7 },
  ...{ accountId: "0a".repeat(32), counterparty: "0b".repeat(32), amount: "1000000000", opHash: "0c".repeat(32) },
};
const REWARD: HistoryEntry = { ...SENT, id: "b", kind: "emission", direction: "in", counterparty: null };

describe("a row of the history", () => {
  it("is named by what happened and signed by where the money went", () => {
    const rows = [
      SENT,
      { ...SENT, direction: "in" } as const,
      { ...SENT, direction: "self" } as const,
      { ...SENT, kind: "create" } as const,
      { ...SENT, kind: "create", direction: "in" } as const,
      REWARD,
      { ...REWARD, kind: "bonus" } as const,
    ].map(historyRow);
    expect(rows.map(({ title, amount }) => `${title} ${amount}`)).toEqual([
      ...["sent -1000000000", "received 1000000000", "moved 1000000000", "created -1000000000"],
      ...["activated 1000000000", "reward 1000000000", "bonus 1000000000"],
    ]);
  });

  it("offers to take back what may still happen, and to send again what expired", () => {
    const open = (["queued", "signed", "cementing", "confirmed", "expired"] as const).map((state) =>
      historyRow({ ...SENT, state }),
    );
    expect(open.map(({ canCancel }) => canCancel)).toEqual([true, true, true, false, true]);
    expect(open.map(({ canSendAgain }) => canSendAgain)).toEqual([false, false, false, false, true]);
    expect(historyRow({ ...SENT, direction: "in", state: "confirmed" })).toMatchObject({
      ...{ canCancel: false, canSendAgain: false },
    });
    expect(historyRow({ ...SENT, kind: "anchor", direction: "self", state: "signed" }).canCancel).toBe(false);
  });

  it("passes the filters it belongs to", () => {
    const seen = (entry: HistoryEntry) => HISTORY_FILTERS.filter((filter) => passes(historyRow(entry), filter));
    expect(seen(SENT)).toEqual(["all", "payments"]);
    expect(seen({ ...SENT, state: "expired" })).toEqual(["all", "payments", "open"]);
    expect(seen(REWARD)).toEqual(["all", "rewards"]);
  });
});

describe("pages of the history", () => {
  it("become one list with the newest word on each entry, none twice", () => {
    const changed: HistoryEntry = { ...SENT, state: "skipped" };
    expect(mergeHistory([[SENT, REWARD], [REWARD]], [changed])).toEqual([changed, REWARD]);
  });
});
