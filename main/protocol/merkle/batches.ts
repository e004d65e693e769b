/** Buffers in which many hashes are asked for at once. They are used again and again: new ones would fragment the memory. */
import { HASH_SIZE, type Hash32 } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { taggedPreimage } from "../hash.ts";

const NODE_PREFIX = taggedPreimage("mt-merkle-node");
const NODE_MESSAGE_SIZE = NODE_PREFIX.length + 2 * HASH_SIZE;

/** 79 bytes each, so that a batch stays in the second-level cache. */
export const NODE_BATCH_MAX = 4096;

/** 68 bytes each. */
export const LIFT_BATCH_MAX = 1 << 14;

/** Hashes are moved by words of four bytes, which is several times faster than byte by byte. */
export const HASH_WORDS = HASH_SIZE / 4;

/** The order in which this machine keeps the bytes of a word. */
const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

export function copyWords(source: Int32Array, sourceStart: number, target: Int32Array, targetStart: number): void {
  for (let i = 0; i < HASH_WORDS; i++) target[targetStart + i] = source[sourceStart + i]!;
}

/** Reused messages and digests of inner nodes: the caller writes both children of each node, then hashes all at once. */
export class NodeBatch {
  /** Room for twice as many nodes as a batch has had so far: most are small. */
  #capacity = 0;
  #messages = new Uint8Array(0);
  #view = new DataView(this.#messages.buffer);
  #digests = new Uint8Array(0);
  #digestWords = new Int32Array(this.#digests.buffer);

  /** Makes room for `count` nodes, at most {@link NODE_BATCH_MAX}; forgets the ones before. */
  begin(count: number): void {
    if (count <= this.#capacity) return;
    this.#capacity = Math.min(NODE_BATCH_MAX, 2 * count);
    this.#messages = new Uint8Array(this.#capacity * NODE_MESSAGE_SIZE);
    this.#view = new DataView(this.#messages.buffer);
    this.#digests = new Uint8Array(this.#capacity * HASH_SIZE);
    this.#digestWords = new Int32Array(this.#digests.buffer);
    for (let i = 0; i < this.#capacity; i++) this.#messages.set(NODE_PREFIX, i * NODE_MESSAGE_SIZE);
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

/** Reused arguments of {@link Crypto.foldLoneLeaves}. */
export class LiftBatch {
  #keys = new Int32Array(0);
  #hashes = new Int32Array(0);
  #fromLevels = new Uint16Array(0);
  #toLevels = new Uint16Array(0);

  /** Makes room for `count` subtrees, at most {@link LIFT_BATCH_MAX}; forgets the ones before. */
  begin(count: number): void {
    if (count <= this.#fromLevels.length) return;
    const capacity = Math.min(LIFT_BATCH_MAX, 2 * count);
    this.#keys = new Int32Array(capacity * HASH_WORDS);
    this.#hashes = new Int32Array(capacity * HASH_WORDS);
    this.#fromLevels = new Uint16Array(capacity);
    this.#toLevels = new Uint16Array(capacity);
  }

  setKey(index: number, source: Int32Array, start: number): void {
    copyWords(source, start, this.#keys, index * HASH_WORDS);
  }

  setHash(index: number, source: Int32Array, start: number, fromLevel: number, toLevel: number): void {
    copyWords(source, start, this.#hashes, index * HASH_WORDS);
    this.#fromLevels[index] = fromLevel;
    this.#toLevels[index] = toLevel;
  }

  /** Lifts the first `count` subtrees. */
  lift(crypto: Crypto, count: number): void {
    crypto.foldLoneLeaves(
      new Uint8Array(this.#keys.buffer, 0, count * HASH_SIZE),
      new Uint8Array(this.#hashes.buffer, 0, count * HASH_SIZE),
      this.#fromLevels.subarray(0, count),
      this.#toLevels.subarray(0, count),
    );
  }

  copyHash(index: number, target: Int32Array, start: number): void {
    copyWords(this.#hashes, index * HASH_WORDS, target, start);
  }
}
