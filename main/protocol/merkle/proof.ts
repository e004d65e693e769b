/** Proofs that a record is, or that no record is, under a key of a tree with a known root (chapter 02 §3.5, §4.3). */
import { equalBytes, HASH_SIZE, type Bytes, type Hash32 } from "../bytes.ts";
import { Reader } from "../codec/reader.ts";
import { Writer } from "../codec/writer.ts";
import type { Crypto } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import { emptySubtree, leafHash, nodeHash } from "./hashing.ts";
import { bit, TREE_DEPTH } from "./order.ts";
import type { SparseMerkleTree } from "./tree.ts";

const LEAF_VALUE_SIZE_MAX = 4096;
const SIBLINGS_MAX = TREE_DEPTH;
/** Key, length of the value, bitmap, number of siblings. */
const FIXED_SIZE = 32 + 4 + 32 + 2;

export interface MerkleProof {
  readonly key: Hash32;
  /** The record, at most 4096 bytes; empty for a proof of absence. */
  readonly leafValue: Uint8Array;
  /** Bit L is set where the sibling at level L is carried; the others are empty subtrees. */
  readonly siblingBitmap: Bytes<32>;
  /** By ascending level. */
  readonly siblings: readonly Hash32[];
}

export type ProofErrorCode = "bad-length" | "bad-count" | "non-canonical" | "bad-record";

/** The proof for what `claim` says about `key`: that it has this record or, undefined, none. Whether that is true is not checked. */
export function prove(tree: SparseMerkleTree, key: Hash32, claim: Uint8Array | undefined): MerkleProof {
  const { bitmap, siblings } = tree.siblings(key);
  return { key, leafValue: claim ?? new Uint8Array(0), siblingBitmap: bitmap, siblings };
}

/**
 * Whether `proof` leads to `root`. A carried sibling may be an empty subtree; none may be missing or left over. A caller who
 * asks for a table record also checks that the record begins with the key, as {@link decodeProof} does.
 */
export function verifyProof(crypto: Crypto, root: Hash32, proof: MerkleProof): boolean {
  const { key, leafValue, siblingBitmap, siblings } = proof;
  if (leafValue.length > LEAF_VALUE_SIZE_MAX || siblings.length !== countBits(siblingBitmap)) return false;
  const current = leafValue.length === 0 ? emptySubtree(crypto, 0).slice() : leafHash(crypto, leafValue).slice();
  let level = 0;
  for (const sibling of siblings) {
    const siblingLevel = nextSetBit(siblingBitmap, level);
    lift(crypto, key, current, level, siblingLevel);
    const isRight = bit(key, siblingLevel) === 1;
    current.set(isRight ? nodeHash(crypto, sibling, current) : nodeHash(crypto, current, sibling));
    level = siblingLevel + 1;
  }
  lift(crypto, key, current, level, TREE_DEPTH);
  return equalBytes(current, root);
}

/** Node-hashes with empty siblings over `hash`, from one level to another. */
function lift(crypto: Crypto, key: Hash32, hash: Uint8Array, fromLevel: number, toLevel: number): void {
  crypto.foldLoneLeaves(key, hash, Uint16Array.of(fromLevel), Uint16Array.of(toLevel));
}

function nextSetBit(bitmap: Uint8Array, from: number): number {
  let index = from;
  while (bit(bitmap, index) === 0) index++;
  return index;
}

function countBits(bitmap: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < TREE_DEPTH; i++) count += bit(bitmap, i);
  return count;
}

/** 70 bytes, the record, and 32 bytes a sibling. */
export function encodeProof(proof: MerkleProof): Uint8Array {
  const writer = new Writer(FIXED_SIZE + proof.leafValue.length + HASH_SIZE * proof.siblings.length);
  writer.bytes(proof.key);
  writer.u32(proof.leafValue.length);
  writer.bytes(proof.leafValue);
  writer.bytes(proof.siblingBitmap);
  writer.u16(proof.siblings.length);
  for (const sibling of proof.siblings) writer.bytes(sibling);
  return writer.finish();
}

/**
 * Reads a proof by the four rules of §4.3, in their order. `recordSize` is that of the table which the proof is for, or
 * undefined where it is for another tree. Throws `ProtocolError<ProofErrorCode>`.
 */
export function decodeProof(crypto: Crypto, bytes: Uint8Array, recordSize?: number): MerkleProof {
  const proof = readProof(bytes);
  if (proof.siblings.length !== countBits(proof.siblingBitmap)) throw new ProtocolError<ProofErrorCode>("bad-count");
  let level = 0;
  for (const sibling of proof.siblings) {
    const siblingLevel = nextSetBit(proof.siblingBitmap, level);
    if (equalBytes(sibling, emptySubtree(crypto, siblingLevel))) {
      throw new ProtocolError<ProofErrorCode>("non-canonical", { level: siblingLevel });
    }
    level = siblingLevel + 1;
  }
  if (recordSize !== undefined && !isRecordOf(proof, recordSize)) throw new ProtocolError<ProofErrorCode>("bad-record");
  return proof;
}

function readProof(bytes: Uint8Array): MerkleProof {
  const reader = new Reader(bytes);
  const badLength = (): ProtocolError => new ProtocolError<ProofErrorCode>("bad-length", { length: bytes.length });
  if (bytes.length < FIXED_SIZE) throw badLength();
  const key = reader.bytes(HASH_SIZE);
  const leafLength = reader.u32();
  if (leafLength > LEAF_VALUE_SIZE_MAX || bytes.length < FIXED_SIZE + leafLength) throw badLength();
  const leafValue = reader.bytes(leafLength);
  const siblingBitmap = reader.bytes(HASH_SIZE);
  const count = reader.u16();
  if (count > SIBLINGS_MAX || reader.remaining !== HASH_SIZE * count) throw badLength();
  const siblings = Array.from({ length: count }, () => reader.bytes(HASH_SIZE));
  return { key, leafValue, siblingBitmap, siblings };
}

function isRecordOf({ key, leafValue }: MerkleProof, recordSize: number): boolean {
  if (leafValue.length === 0) return true;
  return leafValue.length === recordSize && equalBytes(leafValue.subarray(0, HASH_SIZE), key);
}
