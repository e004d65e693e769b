/** Leaves, inner nodes and empty subtrees of the sparse Merkle tree (chapter 02 §4.2). */
import { HASH_SIZE, ZERO_HASH, type Hash32 } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import { taggedHash, taggedPreimage } from "../hash.ts";
import { TREE_DEPTH } from "./order.ts";

const LEAF_PREFIX = taggedPreimage("mt-merkle-leaf");
const NODE_PREFIX = taggedPreimage("mt-merkle-node");
const NODE_MESSAGE_SIZE = NODE_PREFIX.length + 2 * HASH_SIZE;

/** Bounds the buffer of one batch of leaves; a few hundred account records fill it. */
const LEAF_BATCH_BYTES_MAX = 1 << 20;

/** Node messages of one batch: 79 bytes each, so that a batch stays in the second-level cache. */
export const NODE_BATCH_MAX = 4096;

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

/** The leaf hashes of many records, in their order; neighbours of equal length are hashed together. */
export function leafHashes(crypto: Crypto, records: readonly Uint8Array[]): Hash32[] {
  const hashes: Hash32[] = [];
  for (let start = 0; start < records.length;) {
    const { length } = records[start]!;
    const countMax = Math.max(1, Math.floor(LEAF_BATCH_BYTES_MAX / (LEAF_PREFIX.length + length)));
    let end = start + 1;
    while (end < records.length && end - start < countMax && records[end]!.length === length) end++;
    hashBatchOfLeaves(crypto, records.slice(start, end), hashes);
    start = end;
  }
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

/** Hashes are moved by words of four bytes, which is several times faster than byte by byte. */
export const HASH_WORDS = HASH_SIZE / 4;

/** The order in which this machine keeps the bytes of a word. */
const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

export function copyWords(source: Int32Array, sourceStart: number, target: Int32Array, targetStart: number): void {
  for (let i = 0; i < HASH_WORDS; i++) target[targetStart + i] = source[sourceStart + i]!;
}

/** Reused messages and digests of inner nodes: the caller writes both children of node i, then hashes all at once. */
export class NodeBatch {
  readonly #messages: Uint8Array;
  readonly #view: DataView;
  readonly #digests: Uint8Array;
  readonly #digestWords: Int32Array;

  /** `capacity` nodes, 1 to {@link NODE_BATCH_MAX}. */
  constructor(capacity: number) {
    this.#messages = new Uint8Array(capacity * NODE_MESSAGE_SIZE);
    this.#view = new DataView(this.#messages.buffer);
    this.#digests = new Uint8Array(capacity * HASH_SIZE);
    this.#digestWords = new Int32Array(this.#digests.buffer);
    for (let i = 0; i < capacity; i++) this.#messages.set(NODE_PREFIX, i * NODE_MESSAGE_SIZE);
  }

  /** The hash in `source` from word `start` on becomes the left (side 0) or right (side 1) child of node `index`. */
  setChild(index: number, side: 0 | 1, source: Int32Array, start: number): void {
    const target = index * NODE_MESSAGE_SIZE + NODE_PREFIX.length + side * HASH_SIZE;
    for (let i = 0; i < HASH_WORDS; i++) this.#view.setInt32(target + 4 * i, source[start + i]!, IS_LITTLE_ENDIAN);
  }

  setChildren(index: number, left: Hash32, right: Hash32): void {
    const target = index * NODE_MESSAGE_SIZE + NODE_PREFIX.length;
    this.#messages.set(left, target);
    this.#messages.set(right, target + HASH_SIZE);
  }

  /** Hashes the first `count` nodes. */
  hash(crypto: Crypto, count: number): void {
    crypto.sha256Batch(
      this.#messages.subarray(0, count * NODE_MESSAGE_SIZE),
      NODE_MESSAGE_SIZE,
      this.#digests.subarray(0, count * HASH_SIZE),
    );
  }

  copyDigest(index: number, target: Int32Array, start: number): void {
    copyWords(this.#digestWords, index * HASH_WORDS, target, start);
  }

  digest(index: number): Hash32 {
    return this.#digests.slice(index * HASH_SIZE, (index + 1) * HASH_SIZE) as Hash32;
  }
}
