import fc from "fast-check";
import { expect, test } from "vitest";

import { byteKey, compareBytes, type Hash32 } from "../../protocol/bytes.ts";
import { PackedRows } from "./packedRows.ts";
import { crypto } from "./store.fixture.ts";

const ROW_SIZE = 115;
const ids = Array.from({ length: 3000 }, (_, i) => crypto.sha256(Uint8Array.of(i & 255, i >> 8)));
const rowOf = (id: Hash32, content: number): Uint8Array => {
  const row = new Uint8Array(ROW_SIZE).fill(content);
  row.set(id);
  return row;
};

/** Runs of neighbouring ids come and go, so that the index grows, fills and empties. */
const operation = fc.record({
  do: fc.constantFrom("put" as const, "put" as const, "remove" as const),
  first: fc.nat(ids.length - 1),
  count: fc.nat(400),
  content: fc.nat(255),
});

test("packed rows find, order and store what a map holds, through any changes and a reload", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
      const packed = new PackedRows(ROW_SIZE);
      const model = new Map<string, Uint8Array>();
      for (const { do: what, first, count, content } of operations) {
        for (const id of ids.slice(first, first + count)) {
          const slot = packed.find(id);
          expect(slot >= 0).toBe(model.has(byteKey(id)));
          const row = rowOf(id, content);
          if (what === "put") {
            if (slot >= 0) packed.replace(slot, row);
            else expect(packed.insert(row)).toBe(packed.find(id));
            model.set(byteKey(id), row);
          } else if (slot >= 0) {
            packed.remove(slot);
            model.delete(byteKey(id));
          }
        }
      }
      expectSame(packed, model);
      const reloaded = new PackedRows(ROW_SIZE);
      for (let group = 0; group < packed.groups; group++) {
        reloaded.loadGroup(group, packed.copyGroup(group), (row) => row.some((byte) => byte !== 0));
      }
      reloaded.finishLoading();
      expectSame(reloaded, model);
    }),
    { numRuns: 12, endOnFailure: true },
  );
});

function expectSame(packed: PackedRows, model: ReadonlyMap<string, Uint8Array>): void {
  expect(packed.size).toBe(model.size);
  const rows = Array.from(packed.order(), (slot) => packed.row(slot).slice());
  expect(rows).toEqual([...model.values()].sort(compareBytes));
  for (const row of model.values()) expect(packed.row(packed.find(row.slice(0, 32) as Hash32))).toEqual(row);
  const free = packed.peekFreeSlots(5);
  expect(new Set(free).size).toBe(5);
  for (const slot of free) expect(packed.isFree(slot)).toBe(true);
}
