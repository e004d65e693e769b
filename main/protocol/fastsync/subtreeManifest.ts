/**
 * Delivery that can be verified part by part (chapter 02 §4.12): the manifest lists the subtree roots of the Account Table
 * in tree order, and accounts are then fetched under a prefix and checked against it at once. Depths and folding are
 * `merkle/subtrees.ts`'s; here is what travels.
 */
import { byteKey, concatBytes, equalBytes, HASH_SIZE, type Hash32 } from "../bytes.ts";
import { decode, encode } from "../codec/codec.ts";
import type { Crypto } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import { prefixSubtreeRoots, type SubtreeDepths } from "../merkle/subtrees.ts";
import { accountRecord, type AccountRecord } from "../state/records.ts";
import { RECORDS_PER_CHUNK } from "./chunks.ts";
import { encodeChunk, TABLE_ACCOUNTS, type Chunk } from "./codec.ts";
import { readReply, splitRecords, type Result } from "./reply.ts";

export const ROOTS_PER_CHUNK = 16_384;
/** 2^26 roots serve 10⁹ accounts. */
const MANIFEST_CHUNKS_MAX = 2 ** 26 / ROOTS_PER_CHUNK;

/**
 * The payload of chunk `index` of a manifest of `rootCount` roots, a power of two; `rootsAt` gives some of them. Undefined
 * where the manifest has no such chunk.
 */
export function manifestChunk(
  rootCount: number,
  index: number,
  rootsAt: (first: number, count: number) => readonly Hash32[],
): Uint8Array | undefined {
  const recordCount = Math.min(rootCount, ROOTS_PER_CHUNK);
  const totalChunks = rootCount / recordCount;
  if (index >= totalChunks) return undefined;
  const records = concatBytes(...rootsAt(index * recordCount, recordCount));
  return encodeChunk({ chunkIndex: index, totalChunks, tableId: TABLE_ACCOUNTS, recordCount, records });
}

/** Reads chunk `index` of a manifest: both counts must be powers of two, and of several chunks each is full. */
export function readManifestChunk(
  payload: Uint8Array,
  index: number,
): Result<{ readonly totalChunks: number; readonly roots: readonly Hash32[] }> {
  const reply = readReply(payload, index, ({ tableId }) => (tableId === TABLE_ACCOUNTS ? HASH_SIZE : undefined));
  if (reply.value === undefined) return reply;
  const { totalChunks, recordCount, records } = reply.value;
  if (!isPowerOfTwo(recordCount) || recordCount > ROOTS_PER_CHUNK) return { fault: "wrong-record-count" };
  if (!isPowerOfTwo(totalChunks) || totalChunks > MANIFEST_CHUNKS_MAX) return { fault: "wrong-total-chunks" };
  if (totalChunks > 1 && recordCount !== ROOTS_PER_CHUNK) return { fault: "wrong-record-count" };
  return { value: { totalChunks, roots: splitRecords(records, HASH_SIZE) as Hash32[] } };
}

/** Prefixes under which `roots` are not as `known`, of the same depth, were: what a delta fetches again. Ascending. */
export function changedPrefixes(
  depths: SubtreeDepths,
  known: readonly Hash32[],
  roots: readonly Hash32[],
): readonly number[] {
  const subtreesPerPrefix = 2 ** (depths.manifest - depths.prefix);
  const changed = new Set<number>();
  for (const [i, root] of roots.entries()) {
    if (!equalBytes(known[i]!, root)) changed.add(Math.floor(i / subtreesPerPrefix));
  }
  return [...changed];
}

/** The payload of part `part` of the accounts under one prefix, which come in tree order. One empty part for none. */
export function accountsPart(accounts: readonly AccountRecord[], part: number): Uint8Array | undefined {
  const perPart = RECORDS_PER_CHUNK[TABLE_ACCOUNTS];
  const totalChunks = Math.max(1, Math.ceil(accounts.length / perPart));
  if (part >= totalChunks) return undefined;
  const rows = accounts.slice(part * perPart, (part + 1) * perPart);
  const records = concatBytes(...rows.map((row) => encode(accountRecord, row)));
  return encodeChunk({ chunkIndex: part, totalChunks, tableId: TABLE_ACCOUNTS, recordCount: rows.length, records });
}

/** Reads part `part` of a prefix; whether its accounts belong there {@link findPrefixFault} tells once all parts came. */
export function readAccountsPart(
  payload: Uint8Array,
  part: number,
): Result<{ readonly totalChunks: number; readonly accounts: readonly AccountRecord[] }> {
  const reply = readReply(payload, part, ({ tableId }) =>
    tableId === TABLE_ACCOUNTS ? accountRecord.size : undefined,
  );
  if (reply.value === undefined) return reply;
  const { totalChunks, recordCount } = reply.value;
  if (recordCount === 0 && totalChunks !== 1) return { fault: "wrong-record-count" };
  const accounts = decodeAccounts(reply.value);
  return accounts === undefined ? { fault: "non-canonical-flag" } : { value: { totalChunks, accounts } };
}

export type PrefixFault = "duplicate-key" | "wrong-prefix" | "subtree-root-mismatch";

/**
 * Are `accounts`, in any order, exactly those under `prefix` of the table whose verified manifest this is? On a fault only
 * these records are thrown away, and their sender is not asked again.
 */
export function findPrefixFault(
  crypto: Crypto,
  depths: SubtreeDepths,
  manifest: readonly Hash32[],
  prefix: number,
  accounts: readonly AccountRecord[],
): PrefixFault | undefined {
  const keys = new Set(accounts.map(({ accountId }) => byteKey(accountId)));
  if (keys.size !== accounts.length) return "duplicate-key";
  const entries = accounts.map((account) => ({ key: account.accountId, record: encode(accountRecord, account) }));
  let found: readonly Hash32[];
  try {
    found = prefixSubtreeRoots(crypto, depths, prefix, entries);
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "wrong-prefix") return "wrong-prefix";
    throw error;
  }
  const first = prefix * found.length;
  return found.every((root, i) => equalBytes(root, manifest[first + i]!)) ? undefined : "subtree-root-mismatch";
}

/** Undefined where a flag is neither 0 nor 1: of a record of the right length nothing else can be wrong. */
function decodeAccounts({ records }: Chunk): AccountRecord[] | undefined {
  try {
    return splitRecords(records, accountRecord.size).map((bytes) => decode(accountRecord, bytes));
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function isPowerOfTwo(value: number): boolean {
  return value >= 1 && Number.isInteger(Math.log2(value));
}
