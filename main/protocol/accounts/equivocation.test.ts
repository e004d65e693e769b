import fc from "fast-check";
import { expect, test } from "vitest";

import { equalBytes, type AccountId } from "../bytes.ts";
import { operation } from "../objects/operations.ts";
import { anchor, hashOf, held, ids, transfer } from "./accounts.fixture.ts";
import { Attestations, OperationSlots } from "./equivocation.ts";

const PLENTY = 10 ** 8;
const equally = (): bigint => 0n;
const [first, second, third] = [1n, 2n, 3n].map((amount) => held(transfer(0, ids[1]!, amount))) as [
  ReturnType<typeof held>,
  ReturnType<typeof held>,
  ReturnType<typeof held>,
];
const SIZE = operation.encode(first.operation).length;

test("The second operation of a slot makes it equivocated, a third is of no use", () => {
  const slots = new OperationSlots(PLENTY);
  expect(slots.offer(first, 5n, equally)).toBe("new");
  expect(slots.offer(first, 6n, equally)).toBe("duplicate");
  expect(slots.offer(second, 7n, equally)).toBe("equivocation");
  expect(slots.offer(second, 7n, equally)).toBe("duplicate");
  expect(slots.offer(third, 8n, equally)).toBe("surplus");
  expect(slots.slotOf(first.operation)).toMatchObject({ first, second, since: 7n });
  expect(slots.bytes).toBe(2 * SIZE);
});

test("A slot in which nothing settles is forgotten after 13 windows, counted from the equivocation", () => {
  const slots = new OperationSlots(PLENTY);
  slots.offer(first, 5n, equally);
  slots.offer(second, 10n, equally);
  expect(slots.expire(22n)).toEqual([]);
  expect(slots.expire(23n)).toMatchObject([{ first, second }]);
  expect([...slots.slots()]).toEqual([]);
  expect(slots.bytes).toBe(0);
  expect(slots.offer(third, 23n, equally)).toBe("new");
});

test("A sender has two slots at most, and settling keeps only the one behind the new frontier", () => {
  const slots = new OperationSlots(PLENTY);
  const next = held(anchor(0, hashOf("next"), { prevHash: first.opHash }));
  const far = held(anchor(0, hashOf("far"), { prevHash: next.opHash }));
  expect([first, next, far].map((each) => slots.offer(each, 5n, equally))).toEqual(["new", "new", "surplus"]);
  slots.settle(ids[0]!, first.opHash);
  expect([...slots.slots()].map((slot) => slot.first)).toEqual([next]);
  expect(slots.bytes).toBe(operation.encode(next.operation).length);
});

test("When the limit is passed, the senders of lowest priority lose their slots", () => {
  const slots = new OperationSlots(2 * SIZE);
  const priorityOf = (sender: AccountId): bigint => BigInt(ids.findIndex((id) => equalBytes(id, sender)));
  for (const from of [2, 0, 1]) slots.offer(held(transfer(from, ids[3]!, 1n)), 5n, priorityOf);
  expect([...slots.slots()].map(({ sender }) => sender)).toEqual([ids[2]]);
});

test("What is held never exceeds the limit, whatever arrives", () => {
  const arrivals = fc.array(fc.tuple(fc.nat(4), fc.nat(3), fc.nat(3)), { maxLength: 30 });
  fc.assert(
    fc.property(arrivals, (list) => {
      const slots = new OperationSlots(4 * SIZE);
      for (const [from, data, prev] of list) {
        slots.offer(held(anchor(from, hashOf(data), { prevHash: hashOf(`prev${prev}`) })), 5n, equally);
        const held_ = [...slots.slots()].flatMap((slot) => [slot.first, slot.second ?? []].flat());
        expect(slots.bytes).toBe(held_.reduce((sum, each) => sum + operation.encode(each.operation).length, 0));
        expect(slots.bytes).toBeLessThanOrEqual(4 * SIZE);
      }
    }),
    { numRuns: 20 },
  );
});

test("An attestation binds for 13 windows, and ends when its slot is forgotten", () => {
  const attestations = new Attestations();
  attestations.record([first], 5n);
  expect(attestations.in(second.operation, 18n)).toEqual(first.opHash);
  expect(attestations.in(second.operation, 19n)).toBeUndefined();
  attestations.forget(first.operation);
  expect(attestations.in(second.operation, 6n)).toBeUndefined();
});
