/** Proofs and dumps of the sparse Merkle tree. */
import { compareBytes, concatBytes, type Bytes, type Hash32 } from "../../../main/protocol/bytes.ts";
import { bytes, decode, encode, hash32, list, struct, u16, type Codec } from "../../../main/protocol/codec/codec.ts";
import { dumpTree, loadTree } from "../../../main/protocol/merkle/dump.ts";
import { emptySubtree } from "../../../main/protocol/merkle/hashing.ts";
import { decodeProof, encodeProof, verifyProof, type MerkleProof } from "../../../main/protocol/merkle/proof.ts";
import { SparseMerkleTree } from "../../../main/protocol/merkle/tree.ts";
import { accountRecord } from "../../../main/protocol/state/records.ts";
import type { CountedCrypto } from "../countedCrypto.ts";
import type { AnyDecoder, Decoder } from "../decoder.ts";
import type { Random } from "../random.ts";
import * as values from "../values.ts";

const HASH_SIZE = 32;
const TREE_DEPTH = 256;
/** Folding one leaf over the whole depth, two blocks of SHA-256 a level. */
const FOLD = TREE_DEPTH * 128;

export function merkleDecoders(crypto: CountedCrypto): readonly AnyDecoder[] {
  // Made once for each `Crypto` and kept: not the first input's allocation.
  emptySubtree(crypto, TREE_DEPTH);
  return [proofDecoder(crypto, undefined), proofDecoder(crypto, accountRecord.size), dump(crypto), dumpInParts(crypto)];
}

/** What is accepted is also verified, which must give an answer for every proof. */
function proofDecoder(crypto: CountedCrypto, recordSize: number | undefined): Decoder<MerkleProof> {
  const root = emptySubtree(crypto, TREE_DEPTH);
  const levels = [0, 1, 127, 254, 255];
  return {
    name: recordSize === undefined ? "merkle-proof" : "merkle-proof-of-account",
    of: [decodeProof],
    errors: ["bad-length", "bad-count", "non-canonical", ...(recordSize === undefined ? [] : ["bad-record"])],
    // Verifying prefixes the leaf and each pair of siblings with a tag and joins them, 79 bytes for 32 of a sibling.
    allocation: { base: 2048, perByte: 16 },
    hashing: { base: 2 * FOLD, perByte: 8 },
    notations: "one",
    tokens: [...levels.map((level) => emptySubtree(crypto, level)), Uint8Array.of(0, 1), Uint8Array.of(1, 0)],
    corpus: levels.map((level) => encodeProof(proofWith(crypto, level))),
    decode(input) {
      const proof = decodeProof(crypto, input, recordSize);
      verifyProof(crypto, root, proof);
      return proof;
    },
    encode: encodeProof,
    generate: (random) => generateProof(random, recordSize),
  };
}

/** A proof that carries one empty subtree, which a canonical one leaves out. */
function proofWith(crypto: CountedCrypto, level: number): MerkleProof {
  const siblingBitmap = new Uint8Array(HASH_SIZE) as Bytes<32>;
  siblingBitmap[level >> 3] = 1 << (level & 7);
  const key = new Uint8Array(HASH_SIZE) as Hash32;
  return { key, leafValue: new Uint8Array(0), siblingBitmap, siblings: [emptySubtree(crypto, level)] };
}

function generateProof(random: Random, recordSize: number | undefined): MerkleProof {
  const key = values.hash32(random);
  let leafValue: Uint8Array = new Uint8Array(0);
  if (!random.once(3)) leafValue = values.blob(random, recordSize ?? random.small(4097));
  if (recordSize !== undefined) leafValue.set(key.subarray(0, leafValue.length));
  const siblingBitmap = new Uint8Array(HASH_SIZE) as Bytes<32>;
  const count = random.once(32) ? TREE_DEPTH : random.small(40);
  for (let i = 0; i < count; i++) {
    const level = count === TREE_DEPTH ? i : random.below(TREE_DEPTH);
    siblingBitmap[level >> 3]! |= 1 << (level & 7);
  }
  const carried = siblingBitmap.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
  return { key, leafValue, siblingBitmap, siblings: Array.from({ length: carried }, () => values.hash32(random)) };
}

interface TreeDump {
  readonly root: Hash32;
  readonly chunks: readonly Uint8Array[];
}

const COUNT_SIZE = 4;
const ENTRY_SIZE = 96;
/** Slabs of small trees, and for each leaf, in at most two slabs while they grow, 108 bytes and a branch of 48 bytes. */
const TREE_ALLOCATION = { base: 16_384, perByte: 24 };
/** The checksum, and in the worst case a fold over the whole depth for each leaf and each branch. */
const TREE_HASHING = { base: 2 * FOLD, perByte: 4 + (2 * FOLD) / ENTRY_SIZE };

/** Loads the tree and gives what it would be dumped as. */
function reload(crypto: CountedCrypto, { root, chunks }: TreeDump): TreeDump {
  return { root, chunks: [...dumpTree(crypto, loadTree(crypto, chunks, root))] };
}

function generateDump(crypto: CountedCrypto, random: Random): TreeDump {
  const changes = Array.from({ length: random.small(random.once(32) ? 60 : 8) }, () => ({
    key: clusteredKey(random),
    leaf: random.bytes(HASH_SIZE) as Hash32,
  }));
  const tree = SparseMerkleTree.empty(crypto).update(changes);
  return { root: tree.root, chunks: [...dumpTree(crypto, tree)] };
}

/** Keys with long common beginnings in tree order make deep branches. */
function clusteredKey(random: Random): Hash32 {
  const key = new Uint8Array(HASH_SIZE);
  random.fill(key.subarray(0, 1 + random.below(HASH_SIZE)));
  return key as Hash32;
}

/** One chunk after the root: what is accepted is dumped as the same bytes. */
function dump(crypto: CountedCrypto): Decoder<TreeDump> {
  return {
    name: "merkle-tree-dump",
    of: [loadTree],
    errors: ["truncated", "corrupted-tree", "tree-root-mismatch"],
    allocation: TREE_ALLOCATION,
    hashing: TREE_HASHING,
    notations: "one",
    decode(input) {
      const root = decode(hash32, input.subarray(0, HASH_SIZE));
      return reload(crypto, { root, chunks: input.length === HASH_SIZE ? [] : [input.subarray(HASH_SIZE)] });
    },
    encode: ({ root, chunks }) => concatBytes(root, ...chunks),
    generate: (random) => generateDump(crypto, random),
    repair: (input) => concatBytes(input.subarray(0, HASH_SIZE), repairChunk(crypto, input.subarray(HASH_SIZE))),
  };
}

function repairChunk(crypto: CountedCrypto, chunk: Uint8Array): Uint8Array {
  const entries = Math.floor((chunk.length - COUNT_SIZE - HASH_SIZE) / ENTRY_SIZE);
  if (entries < 1) return chunk;
  const content = chunk.slice(0, COUNT_SIZE + entries * ENTRY_SIZE);
  new DataView(content.buffer).setUint32(0, entries, true);
  return concatBytes(content, crypto.sha256(content));
}

const byteString: Codec<Uint8Array> = {
  minSize: 2,
  write(writer, value) {
    u16.write(writer, value.length);
    writer.bytes(value);
  },
  read(reader) {
    return bytes(u16.read(reader)).read(reader);
  },
};
const partedDump = struct({ root: hash32, chunks: list(byteString) });

/** Any division of the leaves into chunks is accepted; a dump has full ones. */
function dumpInParts(crypto: CountedCrypto): Decoder<TreeDump> {
  const encodeParts = (value: TreeDump): Uint8Array => encode(partedDump, value);
  return {
    name: "merkle-tree-dump-in-parts",
    of: [loadTree],
    errors: ["truncated", "trailing-bytes", "corrupted-tree", "tree-root-mismatch"],
    allocation: TREE_ALLOCATION,
    hashing: TREE_HASHING,
    notations: "several",
    corpus: [encodeParts(manyChunks(crypto, 3)), encodeParts(manyChunks(crypto, 20))],
    decode: (input) => reload(crypto, decode(partedDump, input)),
    encode: encodeParts,
    generate: (random) => generateDump(crypto, random),
    repair(input) {
      try {
        const { root, chunks } = decode(partedDump, input);
        return encodeParts({ root, chunks: chunks.map((chunk) => repairChunk(crypto, chunk)) });
      } catch {
        return input;
      }
    },
  };
}

/** `count` leaves, each in a chunk of its own. */
function manyChunks(crypto: CountedCrypto, count: number): TreeDump {
  const changes = Array.from({ length: count }, (_, i) => {
    const key = new Uint8Array(HASH_SIZE).fill(37 * i) as Hash32;
    return { key, leaf: key.map((byte) => byte + 1) as Hash32 };
  }).sort((a, b) => compareBytes(a.key, b.key));
  const tree = SparseMerkleTree.empty(crypto).update(changes);
  const chunks = Array.from(tree.leaves(), (entry) => {
    const content = concatBytes(Uint8Array.of(1, 0, 0, 0), entry);
    return concatBytes(content, crypto.sha256(content));
  });
  return { root: tree.root, chunks };
}
