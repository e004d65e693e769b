import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../bytes.ts";
import { NODE_BATCH_MAX, NodeBatch } from "./batches.ts";
import { emptySubtree, leafHash, leafHashes, nodeHash } from "./hashing.ts";
import { crypto } from "./model.fixture.ts";

describe("leafHashes", () => {
  it("gives each record its leaf hash, whatever the lengths beside it", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 3 })), (records) => {
        expect(leafHashes(crypto, records)).toEqual(records.map((record) => leafHash(crypto, record)));
      }),
    );
  });

  it("splits what is too much for one batch", () => {
    const records = Array.from({ length: 1100 }, (_, i) => new Uint8Array(2059).fill(i));
    const hashes = leafHashes(crypto, [...records, new Uint8Array(2 ** 20 + 1)]);
    expect(hashes).toEqual([...records, new Uint8Array(2 ** 20 + 1)].map((record) => leafHash(crypto, record)));
  });
});

describe("NodeBatch", () => {
  it("hashes pairs of hashes that lie anywhere in words", () => {
    const words = new Int32Array(8 * NODE_BATCH_MAX + 8);
    for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 0x9e3779b1);
    const bytes = new Uint8Array(words.buffer);
    const batch = new NodeBatch();
    batch.begin(NODE_BATCH_MAX);
    for (let i = 0; i < NODE_BATCH_MAX; i++) {
      batch.setChild(i, 0, words, 8 * i);
      batch.setChild(i, 1, words, 8 * i + 8);
    }
    batch.hash(crypto, NODE_BATCH_MAX);
    for (const i of [0, 1, 15, 16, NODE_BATCH_MAX - 1]) {
      const [left, right] = [bytes.subarray(32 * i, 32 * i + 32), bytes.subarray(32 * i + 32, 32 * i + 64)];
      expect(batch.digest(i)).toEqual(nodeHash(crypto, left, right));
    }
  });
});

describe("emptySubtree", () => {
  it("has the values that chapter 02 §2.3 binds, and no others", () => {
    expect(toHex(emptySubtree(crypto, 1))).toBe("693bc03e469cd59e381575e0b3e178b40796ec2253869fe03eaee34750a06517");
    expect(toHex(emptySubtree(crypto, 128))).toBe("1b16a1c4eb2ed66902595a6d2ec642a05bed9db4897f5d910092b1a899a8a8b3");
    expect(toHex(emptySubtree(crypto, 256))).toBe("87dd145ec5630decdf8fc800583c51cce9dbe8438a1fa0b7e61eb679b4b4638f");
    expect(() => emptySubtree(crypto, 257)).toThrow("level-out-of-range");
  });
});
