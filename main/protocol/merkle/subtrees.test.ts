import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Hash32 } from "../bytes.ts";
import { TreeArena } from "./arena.ts";
import { leafHash } from "./hashing.ts";
import { changes, crypto, key, Model, naiveSubtree } from "./model.fixture.ts";
import { prefixOf } from "./order.ts";
import { foldSubtreeRoots, prefixSubtreeRoots, subtreeDepths } from "./subtrees.ts";
import { SparseMerkleTree } from "./tree.ts";

describe("subtree roots", () => {
  it("are those of the keys with each prefix, in tree order, and fold to the root at any depth", () => {
    fc.assert(
      fc.property(changes, fc.nat(7), (some, depth) => {
        const tree = SparseMerkleTree.empty(crypto).update(some);
        const roots = tree.subtreeRoots(depth);
        const { leaves } = new Model().update(some);
        for (const [prefix, root] of roots.entries()) {
          const under = leaves.filter(({ key }) => prefixOf(key, depth) === prefix);
          expect(root).toEqual(naiveSubtree(under, 256 - depth));
        }
        expect(foldSubtreeRoots(crypto, roots)).toEqual(tree.root);
      }),
    );
  });

  it("can be asked for in part, deeper than all of them could be listed", () => {
    fc.assert(
      fc.property(changes, key, (some, near) => {
        const tree = SparseMerkleTree.empty(crypto).update(some);
        const first = Math.max(0, prefixOf(near, 40) - 1);
        const roots = tree.subtreeRoots(40, first, 2);
        const { leaves } = new Model().update(some);
        for (const [i, root] of roots.entries()) {
          const under = leaves.filter(({ key }) => prefixOf(key, 40) === first + i);
          expect(root).toEqual(naiveSubtree(under, 216));
        }
      }),
    );
  });

  it("leave the tree and its memory as they were", () => {
    fc.assert(
      fc.property(changes, key, (some, near) => {
        const arena = new TreeArena();
        const tree = SparseMerkleTree.empty(crypto, arena).update(some);
        const nodes = arena.liveNodes;
        const roots = tree.subtreeRoots(5);
        tree.siblings(near);
        expect(arena.liveNodes).toBe(nodes);
        expect(tree.subtreeRoots(5)).toEqual(roots);
        expect(tree.update([]).root).toEqual(new Model().update(some).root);
      }),
    );
  });

  it("are refused where they would not fit in memory, and a fold where they are no power of two", () => {
    const tree = SparseMerkleTree.empty(crypto);
    expect(() => tree.subtreeRoots(21)).toThrow(RangeError);
    expect(() => tree.subtreeRoots(49, 0, 1)).toThrow(RangeError);
    expect(() => tree.subtreeRoots(2, 3, 2)).toThrow(RangeError);
    expect(() => foldSubtreeRoots(crypto, [])).toThrow("bad-count");
    expect(() => foldSubtreeRoots(crypto, tree.subtreeRoots(2).slice(1))).toThrow("bad-count");
  });

  it("number d = ⌈log₂(N/16)⌉ and e = d − 4, neither below 0", () => {
    const depths = [0, 1, 16, 17, 32, 33, 256, 257, 1_000_000, 1_000_000_000].map(subtreeDepths);
    expect(depths.map(({ manifest }) => manifest)).toEqual([0, 0, 0, 1, 1, 2, 4, 5, 16, 26]);
    expect(depths.map(({ prefix }) => prefix)).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 12, 22]);
  });

  it("of one prefix follow from its records alone", () => {
    const depths = { manifest: 6, prefix: 2 };
    const entries = Array.from({ length: 200 }, (_, i) => {
      const key: Hash32 = crypto.sha256(Uint8Array.of(i));
      return { key, record: key };
    });
    const all = entries.map(({ key, record }) => ({ key, leaf: leafHash(crypto, record) }));
    const roots = SparseMerkleTree.empty(crypto).update(all).subtreeRoots(depths.manifest);
    for (let prefix = 0; prefix < 4; prefix++) {
      const under = entries.filter(({ key }) => prefixOf(key, depths.prefix) === prefix);
      const found = prefixSubtreeRoots(crypto, depths, prefix, under);
      expect(found).toEqual(roots.slice(16 * prefix, 16 * (prefix + 1)));
      expect(prefixSubtreeRoots(crypto, depths, prefix, under.slice(1))).not.toEqual(found);
    }
    expect(() => prefixSubtreeRoots(crypto, depths, 1, entries)).toThrow("wrong-prefix");
  });
});
