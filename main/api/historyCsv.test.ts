import { expect, it } from "vitest";

import type { HistoryEntry } from "./contract.ts";
import { historyCsvPage } from "./historyCsv.ts";

const entry = (i: number): HistoryEntry => ({
  ...{ id: `e${i}`, kind: "transfer", direction: "out", state: "confirmed", reason: null, window: i },
  ...{ accountId: "11".repeat(32), counterparty: null, amount: "1500000000", opHash: null },
});
const all = Array.from({ length: 450 }, (_, i) => entry(450 - i));
/** Pages as the wallet gives them. */
const wallet = {
  history({ before, limit }: { readonly before?: string | undefined; readonly limit: number }) {
    const start = before === undefined ? 0 : all.findIndex(({ id }) => id === before) + 1;
    return Promise.resolve({ entries: all.slice(start, start + limit), hasMore: start + limit < all.length });
  },
};

it("a history comes as CSV in pages, each entry once and the columns' names first", async () => {
  const texts: string[] = [];
  let next: string | null = null;
  do {
    const page = await historyCsvPage(wallet, { limit: 250, ...(next === null ? {} : { before: next }) });
    texts.push(page.text);
    ({ next } = page as { next: string | null });
  } while (next !== null);
  expect(texts).toHaveLength(2);
  const lines = texts.join("").split("\r\n");
  expect(lines.pop()).toBe("");
  expect(lines).toHaveLength(451);
  expect(lines[0]).toBe("window,kind,direction,state,amount,amount_nj,account,counterparty,operation");
  expect(lines[1]).toBe(`450,transfer,out,confirmed,1.5,1500000000,${"11".repeat(32)},,`);
  expect(new Set(lines).size).toBe(451);
});
