import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { concatBytes, HASH_SIZE, sized, type AccountId, type Hash32 } from "../bytes.ts";
import { encode, u32 } from "../codec/codec.ts";
import { leafHash } from "../merkle/hashing.ts";
import { compareTreeOrder, prefixOf } from "../merkle/order.ts";
import { foldSubtreeRoots, subtreeDepths } from "../merkle/subtrees.ts";
import { SparseMerkleTree } from "../merkle/tree.ts";
import { anyAccount } from "../state/records.fixture.ts";
import { accountRecord, type AccountRecord } from "../state/records.ts";
import { encodeChunk } from "./codec.ts";
import {
  accountsPart,
  changedPrefixes,
  findPrefixFault,
  manifestChunk,
  readAccountsPart,
  readManifestChunk,
  ROOTS_PER_CHUNK,
} from "./subtreeManifest.ts";

const { crypto } = loadCrypto();
const [template] = fc.sample(anyAccount, { numRuns: 1, seed: 1 });
const COUNT = 600;
const accounts = Array.from({ length: COUNT }, (_, i): AccountRecord => ({
  ...template!,
  accountId: crypto.sha256(encode(u32, i)) as AccountId,
})).sort((a, b) => compareTreeOrder(a.accountId, b.accountId));
const depths = subtreeDepths(COUNT);
const treeOf = (rows: readonly AccountRecord[]) =>
  SparseMerkleTree.empty(crypto).update(
    rows.map((row) => ({ key: row.accountId, leaf: leafHash(crypto, encode(accountRecord, row)) })),
  );
const tree = treeOf(accounts);
const manifest = tree.subtreeRoots(depths.manifest);
const under = (prefix: number) => accounts.filter(({ accountId }) => prefixOf(accountId, depths.prefix) === prefix);
const richer = (account: AccountRecord): AccountRecord => ({ ...account, balance: account.balance ^ 1n });

describe("a manifest", () => {
  it("arrives in one chunk and folds to the account root", () => {
    const payload = manifestChunk(manifest.length, 0, (first, count) => manifest.slice(first, first + count))!;
    const { value } = readManifestChunk(payload, 0);
    expect(value).toEqual({ totalChunks: 1, roots: manifest });
    expect(foldSubtreeRoots(crypto, value!.roots)).toEqual(tree.root);
    expect(manifestChunk(manifest.length, 1, () => [])).toBeUndefined();
  });

  it("keeps its roots when the memory of a Buffer payload is used again", () => {
    const payload = Buffer.from(manifestChunk(manifest.length, 0, () => manifest)!);
    const { value } = readManifestChunk(payload, 0);
    payload.fill(0);
    expect(value!.roots).toEqual(manifest);
  });

  it("of many roots is cut into full chunks", () => {
    const rootsAt = (first: number, count: number) =>
      Array.from({ length: count }, (_, i) => sized(concatBytes(encode(u32, first + i), new Uint8Array(28)), 32));
    for (const index of [0, 1, 3]) {
      const { value } = readManifestChunk(manifestChunk(4 * ROOTS_PER_CHUNK, index, rootsAt)!, index);
      expect(value!.totalChunks).toBe(4);
      expect(value!.roots.at(-1)).toEqual(rootsAt((index + 1) * ROOTS_PER_CHUNK - 1, 1)[0]);
    }
  });

  it.each([
    ["wrong-record-count", 1, 3],
    ["wrong-record-count", 1, 0],
    ["wrong-record-count", 2, 8],
    ["wrong-total-chunks", 3, ROOTS_PER_CHUNK],
    ["wrong-total-chunks", 8192, ROOTS_PER_CHUNK],
  ])("has fault %s with %i chunks of %i roots", (fault, totalChunks, recordCount) => {
    const records = new Uint8Array(recordCount * HASH_SIZE);
    expect(readManifestChunk(encodeChunk({ chunkIndex: 0, totalChunks, tableId: 1, recordCount, records }), 0)).toEqual(
      {
        fault,
      },
    );
  });

  it("is of the Account Table", () => {
    const payload = encodeChunk({
      chunkIndex: 0,
      totalChunks: 1,
      tableId: 2,
      recordCount: 1,
      records: new Uint8Array(32),
    });
    expect(readManifestChunk(payload, 0)).toEqual({ fault: "wrong-table" });
    expect(readAccountsPart(payload, 0)).toEqual({ fault: "wrong-table" });
  });
});

describe("the accounts under a prefix", () => {
  it("agree with the manifest, prefix by prefix, and together are the table", () => {
    const rows: AccountRecord[] = [];
    for (let prefix = 0; prefix < 2 ** depths.prefix; prefix++) {
      const { value } = readAccountsPart(accountsPart(under(prefix), 0)!, 0);
      expect(findPrefixFault(crypto, depths, manifest, prefix, value!.accounts.toReversed())).toBeUndefined();
      rows.push(...value!.accounts);
    }
    expect(rows).toEqual(accounts);
  });

  it("are refused when one is missing, surplus, changed, twice there, or from elsewhere", () => {
    fc.assert(
      fc.property(fc.nat(2 ** depths.prefix - 1), fc.nat(), (prefix, place) => {
        const rows = under(prefix);
        const at = place % rows.length;
        const fault = (given: readonly AccountRecord[]) => findPrefixFault(crypto, depths, manifest, prefix, given);
        expect(fault(rows.toSpliced(at, 1))).toBe("subtree-root-mismatch");
        expect(fault(rows.with(at, richer(rows[at]!)))).toBe("subtree-root-mismatch");
        expect(fault([...rows, rows[at]!])).toBe("duplicate-key");
        const stranger = accounts.find(({ accountId }) => prefixOf(accountId, depths.prefix) !== prefix)!;
        expect(fault([...rows, stranger])).toBe("wrong-prefix");
      }),
      { numRuns: 10 },
    );
  });

  it("come as parts of at most 509, and as one empty part when there are none", () => {
    const parts = [accountsPart(accounts, 0)!, accountsPart(accounts, 1)!];
    const sizes = parts.map((payload, part) => readAccountsPart(payload, part).value?.accounts.length);
    expect(sizes).toEqual([509, COUNT - 509]);
    expect(accountsPart(accounts, 2)).toBeUndefined();
    expect(readAccountsPart(accountsPart([], 0)!, 0)).toEqual({ value: { totalChunks: 1, accounts: [] } });
    const empty = encodeChunk({
      chunkIndex: 0,
      totalChunks: 2,
      tableId: 1,
      recordCount: 0,
      records: new Uint8Array(0),
    });
    expect(readAccountsPart(empty, 0)).toEqual({ fault: "wrong-record-count" });
  });

  it("are fetched again exactly where something changed", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(COUNT - 1), { maxLength: 3 }), (places) => {
        const changed = accounts.map((account, i) => (places.includes(i) ? richer(account) : account));
        const roots: Hash32[] = treeOf(changed).subtreeRoots(depths.manifest);
        const expected = new Set(places.map((place) => prefixOf(accounts[place]!.accountId, depths.prefix)));
        expect(changedPrefixes(depths, manifest, roots)).toEqual([...expected].sort((a, b) => a - b));
      }),
      { numRuns: 10 },
    );
  });
});
