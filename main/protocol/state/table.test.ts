import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { byteKey, compareBytes, type AccountId } from "../bytes.ts";
import { MemoryAccountTable, MemoryState } from "./memory.ts";
import { anyCandidate, anyNode, collidingAccount, fewAccountIds, fewNodeIds } from "./records.fixture.ts";
import type { AccountRecord } from "./records.ts";
import { AccountTableDraft, StateDraft, type AccountTable } from "./table.ts";

type Step = { readonly put: AccountRecord } | { readonly remove: AccountId };
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    collidingAccount.map((put) => ({ put })),
    fewAccountIds.map((remove) => ({ remove })),
  ),
  { maxLength: 20 },
);

/** What a table must be after steps, in the plainest form. */
class Model {
  readonly rows = new Map<string, AccountRecord>();

  take(taken: readonly Step[]): this {
    for (const step of taken) {
      if ("put" in step) this.rows.set(byteKey(step.put.accountId), step.put);
      else this.rows.delete(byteKey(step.remove));
    }
    return this;
  }

  sorted(): AccountRecord[] {
    return [...this.rows.values()].sort((a, b) => compareBytes(a.accountId, b.accountId));
  }
}

function tableOf(taken: readonly Step[]): MemoryAccountTable {
  const table = new MemoryAccountTable();
  for (const step of taken) {
    table.apply("put" in step ? [{ id: step.put.accountId, row: step.put }] : [{ id: step.remove, row: undefined }]);
  }
  return table;
}

function draftOf(base: AccountTable, taken: readonly Step[]): AccountTableDraft {
  const draft = new AccountTableDraft(base);
  for (const step of taken) {
    if ("put" in step) draft.put(step.put);
    else draft.remove(step.remove);
  }
  return draft;
}

function expectTable(table: AccountTable, model: Model): void {
  const rows = model.sorted();
  expect([...table.rows()]).toEqual(rows);
  expect(table.size).toBe(rows.length);
  expect(table.totalBalance).toBe(rows.reduce((sum, row) => sum + row.balance, 0n));
  for (const row of rows) expect(table.get(row.accountId)).toEqual(row);
}

/** The indexes may name more ids than they must, but none that must be named is missing. */
function expectIndexes(table: AccountTable, model: Model): void {
  const stale = new Set([...table.staleSnapshots()].map(byteKey));
  for (const row of model.sorted()) {
    if (row.accountChainLengthSnapshot !== row.accountChainLength) expect(stale).toContain(byteKey(row.accountId));
  }
  for (let window = 0; window <= 4; window++) {
    const empty = new Set([...table.emptySince(BigInt(window))].map(byteKey));
    for (const row of model.sorted()) {
      if (row.balance === 0n && row.lastOpWindow <= window) expect(empty).toContain(byteKey(row.accountId));
    }
  }
}

describe("an account table in memory", () => {
  it("is what puts and removes made of it", () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const table = tableOf(taken);
        const model = new Model().take(taken);
        expectTable(table, model);
        expectIndexes(table, model);
      }),
    );
  });

  it("names nobody in an index who does not belong there", () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const table = tableOf(taken);
        for (const id of table.staleSnapshots()) {
          const row = table.get(id)!;
          expect(row.accountChainLengthSnapshot).not.toBe(row.accountChainLength);
        }
        for (const id of table.emptySince(2n)) expect(table.get(id)).toMatchObject({ balance: 0n });
      }),
    );
  });
});

describe("a draft", () => {
  it("is the base with the changes made, and leaves the base as it was", () => {
    fc.assert(
      fc.property(steps, steps, (before, after) => {
        const base = tableOf(before);
        const draft = draftOf(base, after);
        const model = new Model().take(before).take(after);
        expectTable(draft, model);
        expectIndexes(draft, model);
        expectTable(base, new Model().take(before));
      }),
    );
  });

  it("over a draft is like one draft with both changes", () => {
    fc.assert(
      fc.property(steps, steps, steps, (before, first, second) => {
        const draft = draftOf(draftOf(tableOf(before), first), second);
        const model = new Model().take(before).take(first).take(second);
        expectTable(draft, model);
        expectIndexes(draft, model);
      }),
    );
  });

  it("gives changes, ascending by id, that turn the base into it", () => {
    fc.assert(
      fc.property(steps, steps, (before, after) => {
        const table = tableOf(before);
        const draft = draftOf(table, after);
        const changes = draft.changes();
        expect(changes.map(({ id }) => id)).toEqual(changes.map(({ id }) => id).toSorted(compareBytes));
        const rows = [...draft.rows()];
        table.apply(changes);
        expect([...table.rows()]).toEqual(rows);
      }),
    );
  });

  it("may be changed while an index of it is walked", () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const draft = draftOf(tableOf(taken), []);
        for (const id of draft.staleSnapshots()) draft.remove(id);
        for (const row of draft.rows()) expect(row.accountChainLengthSnapshot).toBe(row.accountChainLength);
      }),
    );
  });
});

it("a state draft keeps the three tables apart", () => {
  fc.assert(
    fc.property(anyNode, anyCandidate, fewNodeIds, (node, candidate, nodeId) => {
      const state = new MemoryState().load({ nodes: [{ ...node, nodeId }] });
      const draft = new StateDraft(state);
      draft.candidates.put({ ...candidate, nodeId });
      draft.nodes.remove(nodeId);
      expect(state.nodes.size).toBe(1);
      state.apply(draft.changes());
      expect([...state.nodes.rows()]).toEqual([]);
      expect([...state.candidates.rows()]).toEqual([{ ...candidate, nodeId }]);
      expect(state.accounts.size).toBe(0);
    }),
  );
});
