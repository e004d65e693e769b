/** What the tests of this folder share: the tree as chapter 02 §4.2 writes it down, and keys that are hard on a tree. */
import fc from "fast-check";
import { loadCrypto } from "../../native/index.ts";
import { byteKey, type Hash32 } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { emptySubtree, nodeHash } from "./hashing.ts";
import { bit, TREE_DEPTH } from "./order.ts";
import type { LeafChange } from "./tree.ts";

export const crypto: Crypto = loadCrypto().crypto;

/** `subtree(set, L)` of §4.2, word for word. */
export function naiveSubtree(leaves: readonly LeafChange[], level: number): Hash32 {
  if (leaves.length === 0) return emptySubtree(crypto, level);
  if (level === 0) return leaves[0]!.leaf!;
  const left = leaves.filter(({ key }) => bit(key, level - 1) === 0);
  const right = leaves.filter(({ key }) => bit(key, level - 1) === 1);
  return nodeHash(crypto, naiveSubtree(left, level - 1), naiveSubtree(right, level - 1));
}

/** The map that a tree stands for. */
export class Model {
  readonly #leaves: ReadonlyMap<string, LeafChange>;

  constructor(leaves: ReadonlyMap<string, LeafChange> = new Map()) {
    this.#leaves = leaves;
  }

  update(changes: readonly LeafChange[]): Model {
    const leaves = new Map(this.#leaves);
    for (const change of changes) {
      if (change.leaf === undefined || change.leaf.every((byte) => byte === 0)) leaves.delete(byteKey(change.key));
      else leaves.set(byteKey(change.key), change);
    }
    return new Model(leaves);
  }

  get leaves(): LeafChange[] {
    return [...this.#leaves.values()];
  }

  get(key: Hash32): Hash32 | undefined {
    return this.#leaves.get(byteKey(key))?.leaf;
  }

  get root(): Hash32 {
    return naiveSubtree(this.leaves, TREE_DEPTH);
  }
}

export function withBitFlipped<T extends Uint8Array>(bytes: T, index: number): T {
  const copy = bytes.slice() as T;
  copy[index >> 3]! ^= 1 << (index & 7);
  return copy;
}

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }) as fc.Arbitrary<Hash32>;
const ZEROS = new Uint8Array(32) as Hash32;
const ONES = new Uint8Array(32).fill(0xff) as Hash32;

/** Few enough to meet again, with neighbours at every level: one bit apart from all-zero and all-one keys, and any others. */
export const key: fc.Arbitrary<Hash32> = fc.oneof(
  fc.constantFrom(ZEROS, ONES),
  fc
    .tuple(fc.constantFrom(ZEROS, ONES), fc.constantFrom(0, 1, 7, 8, 127, 128, 247, 254, 255))
    .map(([base, index]) => withBitFlipped(base, index)),
  fc.tuple(fc.constantFrom(ZEROS, ONES), fc.nat(255)).map(([base, index]) => withBitFlipped(base, index)),
  hash,
);

export const present: fc.Arbitrary<Hash32> = hash.filter((leaf) => leaf.some((byte) => byte !== 0));

export const change: fc.Arbitrary<LeafChange> = fc.record({
  key,
  leaf: fc.oneof(
    { weight: 4, arbitrary: present },
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constant(ZEROS) },
  ),
});

export const changes = fc.array(change, { maxLength: 12 });
