import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dumpTree, loadTree } from "./dump.ts";
import { changes, crypto, withBitFlipped } from "./model.fixture.ts";
import { SparseMerkleTree } from "./tree.ts";

const manyLeaves = Array.from({ length: 9000 }, (_, i) => {
  const key = crypto.sha256(Uint8Array.of(i, i >> 8));
  return { key, leaf: crypto.sha256(key) };
});

describe("dumpTree and loadTree", () => {
  it("give back a tree that behaves like the one that was dumped", () => {
    fc.assert(
      fc.property(changes, changes, (some, later) => {
        const tree = SparseMerkleTree.empty(crypto).update(some);
        const loaded = loadTree(crypto, [...dumpTree(crypto, tree)], tree.root);
        expect(loaded.size).toBe(tree.size);
        expect(loaded.root).toEqual(tree.root);
        expect(loaded.update(later).root).toEqual(tree.update(later).root);
      }),
    );
  });

  it("write many leaves as many chunks, and need no fold of a leaf to read them", () => {
    const tree = SparseMerkleTree.empty(crypto).update(manyLeaves);
    const chunks = [...dumpTree(crypto, tree)];
    expect(chunks.map((chunk) => (chunk.length - 36) / 96)).toEqual([4096, 4096, 808]);
    let hashes = 0;
    const counted = {
      ...crypto,
      sha256: (message: Uint8Array) => crypto.sha256(message),
      sha256Batch: (...[messages, length, digests]: Parameters<typeof crypto.sha256Batch>) => {
        hashes += messages.length / length;
        crypto.sha256Batch(messages, length, digests);
      },
      foldLoneLeaves: (...[keys, hashesAt, from, to]: Parameters<typeof crypto.foldLoneLeaves>) => {
        for (const [i, level] of from.entries()) hashes += to[i]! - level;
        crypto.foldLoneLeaves(keys, hashesAt, from, to);
      },
    };
    expect(loadTree(counted, chunks, tree.root).root).toEqual(tree.root);
    expect(hashes).toBeLessThan(2 * manyLeaves.length);
  });

  it("refuse a dump with any changed bit", () => {
    fc.assert(
      fc.property(changes, fc.nat(), (some, at) => {
        const tree = SparseMerkleTree.empty(crypto).update(some);
        const [chunk] = [...dumpTree(crypto, tree)];
        if (chunk === undefined) return;
        const changed = withBitFlipped(chunk, at % (8 * chunk.length));
        expect(() => loadTree(crypto, [changed], tree.root)).toThrow("corrupted-tree");
      }),
    );
  });

  it("refuse chunks in another order, twice, and a dump that is not the tree of the root", () => {
    const tree = SparseMerkleTree.empty(crypto).update(manyLeaves);
    const [first, second, third] = [...dumpTree(crypto, tree)] as [Uint8Array, Uint8Array, Uint8Array];
    expect(() => loadTree(crypto, [second, first, third], tree.root)).toThrow("corrupted-tree");
    expect(() => loadTree(crypto, [first, first, second, third], tree.root)).toThrow("corrupted-tree");
    expect(() => loadTree(crypto, [first, third], tree.root)).toThrow("tree-root-mismatch");
    expect(() => loadTree(crypto, [], tree.root)).toThrow("tree-root-mismatch");
    expect(() => loadTree(crypto, [new Uint8Array(36)], tree.root)).toThrow("corrupted-tree");
    expect(() => loadTree(crypto, [new Uint8Array(0)], tree.root)).toThrow("corrupted-tree");
  });
});
