/** Leaves, inner nodes and empty subtrees of the sparse Merkle tree (chapter 02 §4.2). */
import { HASH_SIZE, ZERO_HASH, type Hash32 } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import { taggedHash, taggedPreimage } from "../hash.ts";
import { TREE_DEPTH } from "./order.ts";

const LEAF_PREFIX = taggedPreimage("mt-merkle-leaf");

/** Bounds the buffer of one batch of leaves; a few hundred account records fill it. */
const LEAF_BATCH_BYTES_MAX = 1 << 20;

const emptySubtrees = new WeakMap<Crypto, readonly Hash32[]>();

/**
 * E[level]: the hash of a subtree without leaves; level 0 is 32 zero bytes, level 256 the root of an empty tree.
 * Throws `ProtocolError("level-out-of-range")`.
 */
export function emptySubtree(crypto: Crypto, level: number): Hash32 {
  let hashes = emptySubtrees.get(crypto);
  if (hashes === undefined) {
    hashes = hashEmptySubtrees(crypto);
    emptySubtrees.set(crypto, hashes);
  }
  const hash = hashes[level];
  if (hash === undefined) throw new ProtocolError("level-out-of-range", { level });
  return hash;
}

function hashEmptySubtrees(crypto: Crypto): readonly Hash32[] {
  const hashes: Hash32[] = [ZERO_HASH];
  for (let level = 0; level < TREE_DEPTH; level++) hashes.push(nodeHash(crypto, hashes[level]!, hashes[level]!));
  return hashes;
}

export function leafHash(crypto: Crypto, record: Uint8Array): Hash32 {
  return taggedHash(crypto, "mt-merkle-leaf", record);
}

/**
 * The leaf hashes of many records, in their order; neighbours of equal length are hashed together. Records are taken from
 * `records` as they are needed: a whole table is never encoded at once.
 */
export function leafHashes(crypto: Crypto, records: Iterable<Uint8Array>): Hash32[] {
  const hashes: Hash32[] = [];
  let batch: Uint8Array[] = [];
  for (const record of records) {
    const isFull = (batch.length + 1) * (LEAF_PREFIX.length + record.length) > LEAF_BATCH_BYTES_MAX;
    if (batch.length > 0 && (isFull || record.length !== batch[0]!.length)) {
      hashBatchOfLeaves(crypto, batch, hashes);
      batch = [];
    }
    batch.push(record);
  }
  if (batch.length > 0) hashBatchOfLeaves(crypto, batch, hashes);
  return hashes;
}

function hashBatchOfLeaves(crypto: Crypto, records: readonly Uint8Array[], hashes: Hash32[]): void {
  const messageSize = LEAF_PREFIX.length + records[0]!.length;
  const messages = new Uint8Array(records.length * messageSize);
  for (const [i, record] of records.entries()) {
    messages.set(LEAF_PREFIX, i * messageSize);
    messages.set(record, i * messageSize + LEAF_PREFIX.length);
  }
  const digests = new Uint8Array(records.length * HASH_SIZE);
  crypto.sha256Batch(messages, messageSize, digests);
  for (let i = 0; i < records.length; i++) {
    hashes.push(digests.slice(i * HASH_SIZE, (i + 1) * HASH_SIZE) as Hash32);
  }
}

export function nodeHash(crypto: Crypto, left: Uint8Array, right: Uint8Array): Hash32 {
  return taggedHash(crypto, "mt-merkle-node", left, right);
}
