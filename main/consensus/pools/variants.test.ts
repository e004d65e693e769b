import { expect, test } from "vitest";

import type { Hash32, NodeId } from "../../protocol/bytes.ts";
import { VariantPool } from "./variants.ts";

interface Item {
  readonly nodeId: NodeId;
  readonly windowIndex: bigint;
}

const bytes = (fill: number) => new Uint8Array(32).fill(fill);
const item = (node: number, window = 5n): Item => ({ nodeId: bytes(node) as NodeId, windowIndex: window });
const hash = (fill: number) => bytes(fill) as Hash32;

test("the first variant of a node counts, a second is evidence, a third is kept only where a rule asks for it", () => {
  const pool = new VariantPool<Item>();
  expect(pool.place(item(1), hash(10), false)).toBe("first");
  pool.add(item(1), hash(10));
  expect(pool.place(item(1), hash(10), true)).toBe("duplicate");
  expect(pool.place(item(1), hash(11), false)).toBe("second");
  pool.add(item(1), hash(11));
  expect(pool.place(item(1), hash(12), false)).toBe("surplus");
  expect(pool.place(item(1), hash(12), true)).toBe("second");
  expect(pool.firsts(5n).map((held) => held.hash)).toEqual([hash(10)]);
  expect(pool.all(5n)).toHaveLength(2);
});

test("what turns out to be invalid makes room for the next variant", () => {
  const pool = new VariantPool<Item>();
  const [wrong, right] = [item(1), item(1)];
  pool.add(wrong, hash(10));
  pool.add(right, hash(11));
  pool.retain(5n, (each) => each === right);
  expect(pool.firstOf(5n, bytes(1) as NodeId)?.hash).toEqual(hash(11));
  expect(pool.get(hash(10))).toBeUndefined();
});

test("old windows are forgotten as a whole", () => {
  const pool = new VariantPool<Item>();
  pool.add(item(1, 4n), hash(10));
  pool.add(item(1, 5n), hash(11));
  pool.forgetBefore(5n);
  expect(pool.get(hash(10))).toBeUndefined();
  expect(pool.all(4n)).toEqual([]);
  expect(pool.get(hash(11))).toBeDefined();
});
