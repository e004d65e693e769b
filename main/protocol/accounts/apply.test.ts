import fc from "fast-check";
import { expect, test } from "vitest";

import { equalBytes, type Hash32 } from "../bytes.ts";
import { TYPE_ANCHOR, TYPE_CHANGE_KEY, TYPE_CREATE, TYPE_TRANSFER, type Operation } from "../objects/operations.ts";
import { accountIdOf, SUITE_MLDSA65 } from "../identity/ids.ts";
import type { AccountRecord } from "../state/records.ts";
import { AccountTableDraft } from "../state/table.ts";
import {
  accountOf,
  anchor,
  changeKey,
  create,
  crypto,
  hashOf,
  held,
  ids,
  tableOf,
  transfer,
} from "./accounts.fixture.ts";
import { applyOperation } from "./apply.ts";
import { validateOperation } from "./validate.ts";

const TAU2 = 3n;
const U32_MAX = 2 ** 32 - 1;

interface Step {
  readonly kind: "transfer" | "create" | "change-key" | "anchor";
  readonly from: number;
  readonly to: number;
  readonly amount: bigint;
}

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom("transfer", "create", "change-key", "anchor"),
    from: fc.nat(4),
    to: fc.nat(4),
    amount: fc.bigInt(0n, 600n),
  }),
  { maxLength: 25 },
);

/** An operation that continues the chain of its sender as it is in `frontier`. */
function operationOf({ kind, from, to, amount }: Step, prevHash: Hash32): Operation {
  if (kind === "transfer") return transfer(from, ids[to]!, amount, { prevHash });
  if (kind === "create") return create(from, to, amount, { prevHash });
  return kind === "change-key" ? changeKey(from, to, { prevHash }) : anchor(from, hashOf(to), { prevHash });
}

/** Plays one step a window on three funded accounts and shows each operation that took effect. */
function play(
  history: readonly Step[],
  look: (
    op: Operation,
    before: ReadonlyMap<AccountRecord["accountId"], AccountRecord | undefined>,
    table: ReturnType<typeof tableOf>,
    window: bigint,
  ) => void,
): ReturnType<typeof tableOf> {
  const table = tableOf(accountOf(0), accountOf(1), accountOf(2));
  for (const [i, step] of history.entries()) {
    const window = BigInt(i) + 2n;
    const prevHash = table.get(ids[step.from]!)?.frontierHash ?? hashOf("nobody");
    const op = operationOf(step, prevHash);
    const before = new Map(ids.map((id) => [id, table.get(id)]));
    if (validateOperation(crypto, op, table, window, TAU2, { signature: "assume-valid" }) !== undefined) continue;
    const draft = new AccountTableDraft(table);
    applyOperation(op, held(op).opHash, draft, window);
    table.apply(draft.changes());
    look(op, before, table, window);
  }
  return table;
}

test("The histories of these tests hold operations of every kind that took effect", () => {
  const kinds = new Set<number>();
  for (const history of fc.sample(steps, 30)) play(history, (op) => kinds.add(op.type));
  expect(kinds).toEqual(new Set([TYPE_TRANSFER, TYPE_CREATE, TYPE_CHANGE_KEY, TYPE_ANCHOR]));
});

test("No operation makes or destroys coins", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const table = play(history, (_, __, { totalBalance }) => {
        expect(totalBalance).toBe(3000n);
      });
      expect(table.totalBalance).toBe(3000n);
    }),
    { numRuns: 30 },
  );
});

test("Only the sender's chain moves, by one, and its frontier becomes the operation", () => {
  fc.assert(
    fc.property(steps, (history) => {
      play(history, (op, before, table, window) => {
        const sender = table.get(op.sender)!;
        const was = before.get(op.sender)!;
        expect(sender.frontierHash).toEqual(held(op).opHash);
        expect(op.prevHash).toEqual(was.frontierHash);
        expect([sender.opHeight, sender.accountChainLength]).toEqual([was.opHeight + 1, was.accountChainLength + 1]);
        expect(sender.opHeight).toBe(sender.accountChainLength);
        expect(sender.lastOpWindow).toBe(Number(window));
        for (const [id, account] of before) {
          if (equalBytes(id, op.sender) || account === undefined) continue;
          const { balance } = table.get(id)!;
          expect(table.get(id)).toEqual({ ...account, balance });
        }
      });
    }),
    { numRuns: 30 },
  );
});

test("An account keeps its id, and its windows stay in order", () => {
  fc.assert(
    fc.property(steps, (history) => {
      play(history, (_, before, table, window) => {
        for (const account of table.rows()) {
          const { creationWindow, lastOpWindow, lastActivationWindow } = account;
          expect(creationWindow).toBeLessThanOrEqual(lastOpWindow);
          expect(BigInt(lastOpWindow)).toBeLessThanOrEqual(window);
          expect(lastActivationWindow).toBeLessThanOrEqual(lastOpWindow);
          const isNew = before.get(ids.find((id) => equalBytes(id, account.accountId))!) === undefined;
          if (isNew) {
            expect(account.accountId).toEqual(accountIdOf(crypto, SUITE_MLDSA65, account.currentPubkey));
            expect([account.opHeight, account.creationWindow]).toEqual([0, Number(window)]);
          }
        }
      });
    }),
    { numRuns: 30 },
  );
});

test("Two creates of one sender settle at least τ₂ windows apart", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const last = new Map<AccountRecord["accountId"], bigint>();
      play(history, (op, _, __, window) => {
        if (op.type !== TYPE_CREATE) return;
        const sender = ids.find((id) => equalBytes(id, op.sender))!;
        expect(window - (last.get(sender) ?? -TAU2)).toBeGreaterThanOrEqual(TAU2);
        last.set(sender, window);
      });
    }),
    { numRuns: 30 },
  );
});

test("Whatever else a sender has waiting behind the same frontier is dead once one took effect", () => {
  const table = tableOf(accountOf(0), accountOf(1));
  const rivals = [
    transfer(0, ids[1]!, 1n),
    transfer(0, ids[1]!, 2n),
    create(0, 2, 1n),
    changeKey(0, 3),
    anchor(0, hashOf(1)),
  ];
  for (const settled of rivals) {
    const draft = new AccountTableDraft(table);
    applyOperation(settled, held(settled).opHash, draft, 9n);
    for (const rival of rivals) expect(validateOperation(crypto, rival, draft, 9n, TAU2)).toBe("invalid-prev-hash");
  }
});

test.each([
  ["the sender is gone", transfer(3, ids[1]!, 1n), {}, 7n, "sender-missing"],
  ["the amount is not there", transfer(0, ids[1]!, 1001n), {}, 7n, "balance-underflow"],
  [
    "the height is full",
    anchor(0, hashOf(1)),
    { opHeight: U32_MAX, accountChainLength: U32_MAX },
    7n,
    "op-height-overflow",
  ],
  [
    "the chain is full",
    anchor(0, hashOf(1)),
    { accountChainLength: U32_MAX },
    2n ** 32n,
    "account-chain-length-overflow",
  ],
  ["the window is too high", transfer(0, ids[4]!, 1n), {}, 2n ** 32n, "window-exceeds-u32"],
  ["the receiver is gone", transfer(0, ids[4]!, 1n), {}, 7n, "receiver-missing"],
  ["the receiver is full", transfer(0, ids[2]!, 1n), {}, 7n, "balance-overflow"],
] as const)("A halt because %s leaves no change", (_, op, sender, window, code) => {
  const draft = new AccountTableDraft(
    tableOf(accountOf(0, sender), accountOf(1), accountOf(2, { balance: 2n ** 128n - 1n })),
  );
  expect(() => {
    applyOperation(op, held(op).opHash, draft, window);
  }).toThrow(expect.objectContaining({ code }));
  expect(draft.changes()).toEqual([]);
});
