import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, sized, type Hash32 } from "../bytes.ts";
import type { ProtocolError } from "../errors.ts";
import { emptySubtree, leafHash } from "./hashing.ts";
import { crypto, key, withBitFlipped } from "./model.fixture.ts";
import { decodeProof, encodeProof, prove, verifyProof, type MerkleProof } from "./proof.ts";
import { SparseMerkleTree } from "./tree.ts";

/** Records differ as those of a table do, by their keys: with equal ones, a proof may be true of another key as well. */
const records = fc
  .uniqueArray(fc.record({ key, value: fc.uint8Array({ maxLength: 10 }) }), {
    maxLength: 8,
    selector: ({ key }) => key.join(),
  })
  .map((entries) => entries.map(({ key, value }) => ({ key, record: concatBytes(key, value) })));

interface Entry {
  readonly key: Hash32;
  readonly record: Uint8Array;
}

function treeOf(entries: readonly Entry[]): SparseMerkleTree {
  return SparseMerkleTree.empty(crypto).update(
    entries.map(({ key, record }) => ({ key, leaf: leafHash(crypto, record) })),
  );
}

/** The code with which `bytes` are refused. */
function refusal(bytes: Uint8Array, recordSize?: number): string | undefined {
  try {
    decodeProof(crypto, bytes, recordSize);
    return undefined;
  } catch (error) {
    return (error as ProtocolError).code;
  }
}

describe("verifyProof", () => {
  it("accepts the true claim about every key, through the bytes of the proof", () => {
    fc.assert(
      fc.property(records, fc.array(key, { maxLength: 5 }), (entries, others) => {
        const tree = treeOf(entries);
        for (const { key, record } of entries) {
          const proof = decodeProof(crypto, encodeProof(prove(tree, key, record)));
          expect(verifyProof(crypto, tree.root, proof)).toBe(true);
        }
        for (const key of others.filter((other) => tree.get(other) === undefined)) {
          const proof = decodeProof(crypto, encodeProof(prove(tree, key, undefined)));
          expect(verifyProof(crypto, tree.root, proof)).toBe(true);
        }
      }),
    );
  });

  it("rejects every other value and every flipped bit, missing or surplus sibling", () => {
    const mutation = fc.record({ kind: fc.constantFrom("value", "key", "bitmap", "sibling", "root"), at: fc.nat() });
    fc.assert(
      fc.property(records, key, mutation, (entries, anyKey, { kind, at }) => {
        const tree = treeOf(entries);
        const entry = entries[at % (entries.length + 1)] ?? { key: anyKey, record: undefined };
        const claim = entries.find(({ key }) => key.join() === entry.key.join())?.record;
        const proof = prove(tree, entry.key, claim);
        const other = mutate(proof, tree.root, kind, at);
        expect(verifyProof(crypto, other.root, other.proof)).toBe(false);
        const { siblings } = proof;
        expect(verifyProof(crypto, tree.root, { ...proof, siblings: [...siblings, anyKey] })).toBe(false);
        if (siblings.length > 0) {
          expect(verifyProof(crypto, tree.root, { ...proof, siblings: siblings.slice(1) })).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("accepts an empty subtree that is carried, though a decoder refuses it", () => {
    const [a, b] = [new Uint8Array(32) as Hash32, withBitFlipped(new Uint8Array(32) as Hash32, 255)];
    const tree = treeOf([a, b].map((key) => ({ key, record: key })));
    const proof = prove(tree, a, a);
    const explicit: MerkleProof = {
      ...proof,
      siblingBitmap: withBitFlipped(proof.siblingBitmap, 9),
      siblings: [emptySubtree(crypto, 9), ...proof.siblings],
    };
    expect(verifyProof(crypto, tree.root, explicit)).toBe(true);
    expect(refusal(encodeProof(explicit))).toBe("non-canonical");
  });

  it("rejects a value that no table can hold", () => {
    const long = { key: new Uint8Array(32) as Hash32, record: new Uint8Array(4097).fill(1) };
    const tree = treeOf([long]);
    expect(verifyProof(crypto, tree.root, prove(tree, long.key, long.record))).toBe(false);
  });
});

function mutate(proof: MerkleProof, root: Hash32, kind: string, at: number): { proof: MerkleProof; root: Hash32 } {
  const { leafValue, siblings } = proof;
  switch (kind) {
    case "value":
      return { root, proof: { ...proof, leafValue: leafValue.length === 0 ? Uint8Array.of(at) : new Uint8Array(0) } };
    case "key": {
      // Below its lowest sibling a key stands for all keys of an empty subtree, so that absence holds for them as well.
      const lowest = leafValue.length === 0 ? lowestSetBit(proof.siblingBitmap) : 0;
      if (lowest === 256) return { root: withBitFlipped(root, at % 256), proof };
      return { root, proof: { ...proof, key: withBitFlipped(proof.key, lowest + (at % (256 - lowest))) } };
    }
    case "bitmap":
      return { root, proof: { ...proof, siblingBitmap: withBitFlipped(proof.siblingBitmap, at % 256) } };
    case "sibling": {
      if (siblings.length === 0) return { root: withBitFlipped(root, at % 256), proof };
      const index = at % siblings.length;
      return { root, proof: { ...proof, siblings: siblings.with(index, withBitFlipped(siblings[index]!, at % 256)) } };
    }
    default:
      return { root: withBitFlipped(root, at % 256), proof };
  }
}

function lowestSetBit(bitmap: Uint8Array): number {
  const byte = bitmap.findIndex((value) => value !== 0);
  return byte < 0 ? 256 : 8 * byte + 31 - Math.clz32(bitmap[byte]! & -bitmap[byte]!);
}

describe("decodeProof", () => {
  const entries = Array.from({ length: 20 }, (_, i) => {
    const key = crypto.sha256(Uint8Array.of(i));
    return { key, record: concatBytes(key, Uint8Array.of(i)) };
  });
  const tree = treeOf(entries);
  const encoded = encodeProof(prove(tree, entries[0]!.key, entries[0]!.record));
  const valueLength = 33;
  const empty = prove(SparseMerkleTree.empty(crypto), entries[0]!.key, undefined);
  const patched = (offset: number, ...values: number[]): Uint8Array => {
    const copy = encoded.slice();
    copy.set(values, offset);
    return copy;
  };

  it("gives back exactly what was encoded, and only that", () => {
    expect(encodeProof(decodeProof(crypto, encoded, valueLength))).toEqual(encoded);
  });

  it("refuses every wrong length as bad-length", () => {
    for (let length = 0; length < encoded.length; length++) {
      expect(refusal(encoded.subarray(0, length))).toBe("bad-length");
    }
    expect(refusal(concatBytes(encoded, Uint8Array.of(0)))).toBe("bad-length");
    expect(refusal(patched(32, 0x01, 0x10))).toBe("bad-length");
    expect(refusal(patched(32, 0xff, 0xff, 0xff, 0xff))).toBe("bad-length");
    expect(refusal(encodeProof({ ...empty, leafValue: new Uint8Array(4096) }))).toBe(undefined);
    expect(refusal(encodeProof({ ...empty, leafValue: new Uint8Array(4097) }))).toBe("bad-length");
    const tooMany = concatBytes(new Uint8Array(36), new Uint8Array(32).fill(0xff), Uint8Array.of(1, 1));
    expect(refusal(concatBytes(tooMany, new Uint8Array(257 * 32)))).toBe("bad-length");
  });

  it("refuses another number of siblings than bits as bad-count, before it looks at them", () => {
    const bitmapStart = 36 + valueLength;
    expect(refusal(patched(bitmapStart, 1))).toBe("bad-count");
    const empties = concatBytes(new Uint8Array(68), Uint8Array.of(1, 0), emptySubtree(crypto, 0));
    expect(refusal(empties)).toBe("bad-count");
  });

  it("refuses a carried empty subtree as non-canonical, before it looks at the record", () => {
    const level0 = concatBytes(new Uint8Array(36), Uint8Array.of(1), new Uint8Array(31), Uint8Array.of(1, 0));
    expect(refusal(concatBytes(level0, new Uint8Array(32)), 5)).toBe("non-canonical");
    const siblingBitmap = withBitFlipped(withBitFlipped(empty.siblingBitmap, 3), 200);
    const second = { ...empty, siblingBitmap, siblings: [entries[0]!.key, emptySubtree(crypto, 200)] };
    expect(refusal(encodeProof(second))).toBe("non-canonical");
    const level1 = concatBytes(new Uint8Array(36), Uint8Array.of(2), new Uint8Array(31), Uint8Array.of(1, 0));
    expect(refusal(concatBytes(level1, new Uint8Array(32)))).toBe(undefined);
  });

  it("refuses a record of another size or under another key as bad-record, where it is told the table", () => {
    expect(refusal(encoded, valueLength + 1)).toBe("bad-record");
    expect(refusal(patched(36, encoded[36]! ^ 1), valueLength)).toBe("bad-record");
    expect(refusal(patched(36, encoded[36]! ^ 1))).toBe(undefined);
    expect(refusal(encodeProof(prove(tree, sized(new Uint8Array(32), 32), undefined)), valueLength)).toBe(undefined);
  });

  it("throws nothing but its four errors on any bytes", () => {
    const codes = [undefined, "bad-length", "bad-count", "non-canonical", "bad-record"];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), fc.nat(255), (bytes, at, value) => {
        expect(codes).toContain(refusal(bytes, 32));
        expect(codes).toContain(refusal(patched(at % encoded.length, value), valueLength));
      }),
    );
  });
});
