import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareBytes, type Hash32 } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { BRANCH_BYTES, LEAF_BYTES, TreeArena } from "./arena.ts";
import { emptySubtree, leafHash } from "./hashing.ts";
import { change, changes, crypto, key, Model, present, withBitFlipped } from "./model.fixture.ts";
import { rootOf, SparseMerkleTree, type LeafChange } from "./tree.ts";

const EMPTY_ROOT = emptySubtree(crypto, 256);

/** One step of a life with many versions; `pick` chooses among those that are alive. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("update" as const), pick: fc.nat(), changes }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("release" as const), pick: fc.nat() }) },
);

/** Counts node and leaf hashes as the chapter does. */
function counting(): { readonly crypto: Crypto; hashes: number } {
  const counter = {
    hashes: 0,
    crypto: {
      ...crypto,
      sha256: (message: Uint8Array) => crypto.sha256(message),
      sha256Batch(messages: Uint8Array, length: number, digests: Uint8Array) {
        counter.hashes += messages.length / length;
        crypto.sha256Batch(messages, length, digests);
      },
      foldLoneLeaves(keys: Uint8Array, hashes: Uint8Array, from: Uint16Array, to: Uint16Array) {
        for (const [i, level] of from.entries()) counter.hashes += to[i]! - level;
        crypto.foldLoneLeaves(keys, hashes, from, to);
      },
    },
  };
  return counter;
}

function someLeaves(count: number, seed = 0): LeafChange[] {
  return Array.from({ length: count }, (_, i) => ({
    key: crypto.sha256(Uint8Array.of(seed, i, i >> 8)),
    leaf: crypto.sha256(Uint8Array.of(seed, i, i >> 8, 1)),
  }));
}

describe("SparseMerkleTree", () => {
  it("agrees with the recursive definition in every version, whatever is updated and released", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 14 }), fc.array(key, { maxLength: 4 }), (steps, otherKeys) => {
        const arena = new TreeArena();
        let versions = [{ tree: SparseMerkleTree.empty(crypto, arena), model: new Model() }];
        for (const next of steps) {
          const chosen = versions[next.pick % versions.length];
          if (chosen === undefined) break;
          if (next.kind === "release") {
            chosen.tree.release();
            versions = versions.filter((version) => version !== chosen);
          } else {
            versions.push({ tree: chosen.tree.update(next.changes), model: chosen.model.update(next.changes) });
          }
        }
        for (const { tree, model } of versions) {
          expect(tree.root).toEqual(model.root);
          expect(tree.size).toBe(model.leaves.length);
          for (const { key, leaf } of model.leaves) expect(tree.get(key)).toEqual(leaf);
          for (const key of otherKeys) expect(tree.get(key)).toEqual(model.get(key));
        }
        for (const { tree } of versions) tree.release();
        expect(arena.liveNodes).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it("has one root for one map: order, batches and detours have no influence", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(change, { maxLength: 12, selector: ({ key }) => key.join() }),
        changes,
        (all, detour) => {
          const batch = SparseMerkleTree.empty(crypto).update(all);
          const backwards = SparseMerkleTree.empty(crypto).update(all.toReversed());
          let single = SparseMerkleTree.empty(crypto).update(detour);
          single = single.update(detour.map(({ key }) => ({ key, leaf: undefined })));
          for (const one of all) single = single.update([one]);
          expect(backwards.root).toEqual(batch.root);
          expect(single.root).toEqual(batch.root);
        },
      ),
    );
  });

  it("gives the old root back when what was inserted is removed, and the empty root when everything is", () => {
    fc.assert(
      fc.property(changes, key, present, (before, inserted, leaf) => {
        const start = SparseMerkleTree.empty(crypto).update([...before, { key: inserted, leaf: undefined }]);
        const there = start.update([{ key: inserted, leaf }]);
        expect(there.root).not.toEqual(start.root);
        expect(there.update([{ key: inserted, leaf: undefined }]).root).toEqual(start.root);
        const none = there.update([...before, { key: inserted, leaf }].map(({ key }) => ({ key, leaf: undefined })));
        expect(none.root).toEqual(EMPTY_ROOT);
        expect(none.size).toBe(0);
      }),
    );
  });

  it("takes the last of several changes for one key", () => {
    const [one, two] = someLeaves(2);
    const twice = [one!, { key: one!.key, leaf: undefined }, two!, { key: one!.key, leaf: two!.leaf }];
    const tree = SparseMerkleTree.empty(crypto).update(twice);
    expect(tree.size).toBe(2);
    expect(tree.get(one!.key)).toEqual(two!.leaf);
  });

  it("spends 256 node hashes on one changed leaf, wherever its neighbours are", () => {
    fc.assert(
      fc.property(changes, key, present, (others, changed, leaf) => {
        const counter = counting();
        const tree = SparseMerkleTree.empty(counter.crypto).update([...others, { key: changed, leaf }]);
        counter.hashes = 0;
        tree.update([{ key: changed, leaf: withBitFlipped(leaf, 3).fill(1, 1, 2) }]);
        expect(counter.hashes).toBe(256);
      }),
    );
  });

  it("hashes the shared top of a batch once", () => {
    const counter = counting();
    const base = SparseMerkleTree.empty(counter.crypto).update(someLeaves(1000));
    const all = someLeaves(1000).map(({ key }) => ({ key, leaf: key }));
    const fromEmpty = counting();
    SparseMerkleTree.empty(fromEmpty.crypto).update(all);
    counter.hashes = 0;
    base.update(all);
    expect(counter.hashes).toBe(fromEmpty.hashes);
    // Chapter 02 §4.2: about N · (256 − log₂N + 0.11), twice the share of the leaves' own levels included.
    expect(counter.hashes).toBeLessThan(1000 * (256 - Math.log2(1000) + 2));
  });

  it("does not fold a leaf again when its neighbour goes", () => {
    const base = new Uint8Array(32) as Hash32;
    const counter = counting();
    const pair = [base, withBitFlipped(base, 200)].map((key) => ({ key, leaf: leafHash(crypto, key) }));
    const tree = SparseMerkleTree.empty(counter.crypto).update(pair);
    counter.hashes = 0;
    tree.update([{ key: pair[1]!.key, leaf: undefined }]);
    expect(counter.hashes).toBe(256 - 200);
  });

  it("spends nothing on changes that change nothing", () => {
    const counter = counting();
    const arena = new TreeArena();
    const leaves = someLeaves(50);
    const tree = SparseMerkleTree.empty(counter.crypto, arena).update(leaves);
    const nodes = arena.liveNodes;
    counter.hashes = 0;
    const same = tree.update([
      ...leaves.slice(0, 20),
      ...someLeaves(9, 1).map(({ key }) => ({ key, leaf: undefined })),
    ]);
    expect(counter.hashes).toBe(0);
    expect(same.root).toEqual(tree.root);
    expect(arena.liveNodes).toBe(nodes);
  });

  it("needs less than 256 MB for a million leaves", () => {
    expect(1_000_000 * (LEAF_BYTES + BRANCH_BYTES)).toBeLessThan(256_000_000);
  });

  it("uses freed memory again", () => {
    const arena = new TreeArena();
    let tree = SparseMerkleTree.empty(crypto, arena).update(someLeaves(300));
    expect(arena.liveNodes).toBe(300 + 299);
    for (let round = 1; round <= 20; round++) {
      const next = tree.update(someLeaves(300).map(({ key }) => ({ key, leaf: crypto.sha256(Uint8Array.of(round)) })));
      tree.release();
      tree = next;
      expect(arena.liveNodes).toBe(300 + 299);
    }
  });

  it("lists its leaves in tree order", () => {
    fc.assert(
      fc.property(changes, (some) => {
        const model = new Model().update(some);
        const listed = Array.from(SparseMerkleTree.empty(crypto).update(some).leaves(), (entry) => entry.slice(0, 64));
        const expected = model.leaves
          .toSorted((a, b) => compareBytes(a.key.toReversed(), b.key.toReversed()))
          .map(({ key, leaf }) => Uint8Array.of(...key, ...leaf!));
        expect(listed).toEqual(expected);
      }),
    );
  });

  it("refuses keys and leaf hashes of another length, and to be used after its release", () => {
    const tree = SparseMerkleTree.empty(crypto);
    const short = new Uint8Array(31) as Uint8Array as Hash32;
    const [{ key, leaf }] = someLeaves(1) as [LeafChange];
    expect(() => tree.update([{ key: short, leaf }])).toThrow(RangeError);
    expect(() => tree.update([{ key, leaf: short }])).toThrow(RangeError);
    tree.release();
    expect(() => tree.update([])).toThrow("released");
    expect(() => {
      tree.release();
    }).toThrow("released");
  });
});

describe("rootOf", () => {
  it("is the root of the tree with the leaf hashes of the records, of any lengths", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ key, record: fc.uint8Array({ maxLength: 40 }) })), (entries) => {
        const leaves = entries.map(({ key, record }) => ({ key, leaf: leafHash(crypto, record) }));
        expect(rootOf(crypto, entries)).toEqual(new Model().update(leaves).root);
      }),
    );
  });
});
