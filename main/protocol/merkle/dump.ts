/**
 * A tree as bytes, so that a restart need not fold every leaf again. A dump is a sequence of chunks of leaves in tree order;
 * the shape of the tree follows from its keys, the branches are hashed again on import.
 *
 * Chunk: count u32 ‖ count × (key 32 ‖ leaf hash 32 ‖ lifted hash 32) ‖ SHA-256 of all before it. The lifted hash is that
 * of the subtree of this leaf alone at the level where it meets its neighbour. Local format, not consensus.
 */
import { concatBytes, equalBytes, HASH_SIZE, type Hash32 } from "../bytes.ts";
import { encode, u32 } from "../codec/codec.ts";
import type { Crypto } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import { TreeArena } from "./arena.ts";
import { SpineBuilder, TreeBuilder } from "./builder.ts";
import { compareTreeOrder, meetingLevel, TREE_DEPTH } from "./order.ts";
import { SparseMerkleTree } from "./tree.ts";

const ENTRY_SIZE = 3 * HASH_SIZE;
const COUNT_SIZE = 4;
const ENTRIES_PER_CHUNK = 4096;

/** Chunks of at most 4096 leaves; none for an empty tree. The tree must not be released before the last one is taken. */
export function* dumpTree(crypto: Crypto, tree: SparseMerkleTree): Iterable<Uint8Array> {
  const entries = new Uint8Array(Math.min(tree.size, ENTRIES_PER_CHUNK) * ENTRY_SIZE);
  let filled = 0;
  for (const leaf of tree.leaves()) {
    entries.set(leaf, filled);
    filled += ENTRY_SIZE;
    if (filled === entries.length) {
      yield chunkOf(crypto, entries);
      filled = 0;
    }
  }
  if (filled > 0) yield chunkOf(crypto, entries.subarray(0, filled));
}

function chunkOf(crypto: Crypto, entries: Uint8Array): Uint8Array {
  const content = concatBytes(encode(u32, entries.length / ENTRY_SIZE), entries);
  return concatBytes(content, crypto.sha256(content));
}

/**
 * The tree of a dump. Throws `ProtocolError("corrupted-tree", {chunk})` for a chunk that is not as it was written, and
 * `ProtocolError("tree-root-mismatch")` where the branches above all leaves do not lead to `root`.
 */
export function loadTree(crypto: Crypto, chunks: Iterable<Uint8Array>, root: Hash32): SparseMerkleTree {
  const arena = new TreeArena();
  const loader = new Loader(crypto, arena);
  let index = 0;
  for (const chunk of chunks) {
    if (!isIntact(crypto, chunk) || !loader.append(chunk.subarray(COUNT_SIZE, chunk.length - HASH_SIZE))) {
      throw new ProtocolError("corrupted-tree", { chunk: index });
    }
    index++;
  }
  const tree = loader.finish();
  if (!equalBytes(tree.root, root)) throw new ProtocolError("tree-root-mismatch");
  return tree;
}

function isIntact(crypto: Crypto, chunk: Uint8Array): boolean {
  const contentSize = chunk.length - HASH_SIZE;
  const count = (contentSize - COUNT_SIZE) / ENTRY_SIZE;
  if (!Number.isInteger(count) || count < 1 || count > ENTRIES_PER_CHUNK) return false;
  const content = chunk.subarray(0, contentSize);
  return (
    equalBytes(content.subarray(0, COUNT_SIZE), encode(u32, count)) &&
    equalBytes(crypto.sha256(content), chunk.subarray(contentSize))
  );
}

class Loader {
  readonly #crypto: Crypto;
  readonly #arena: TreeArena;
  readonly #builder: TreeBuilder;
  readonly #spine: SpineBuilder;
  /** The leaf read last. It waits for the next one, which decides at which level it meets its neighbour. */
  #waiting: { readonly entry: Uint8Array; readonly level: number } | undefined;
  #size = 0;

  constructor(crypto: Crypto, arena: TreeArena) {
    this.#crypto = crypto;
    this.#arena = arena;
    this.#builder = new TreeBuilder(crypto, arena);
    this.#spine = new SpineBuilder(this.#builder);
  }

  /** False where the leaves are not in ascending tree order. */
  append(entries: Uint8Array): boolean {
    for (let start = 0; start < entries.length; start += ENTRY_SIZE) {
      const entry = entries.subarray(start, start + ENTRY_SIZE);
      let level = TREE_DEPTH + 1;
      if (this.#waiting !== undefined) {
        if (compareTreeOrder(this.#waiting.entry, entry) >= 0) return false;
        level = meetingLevel(this.#waiting.entry, 0, entry, 0);
        this.#addWaiting(level);
      }
      this.#waiting = { entry, level };
    }
    return true;
  }

  finish(): SparseMerkleTree {
    this.#addWaiting(TREE_DEPTH + 1);
    const top = this.#spine.finish();
    const held = top === 0 ? 0 : this.#builder.attach(top, TREE_DEPTH);
    this.#builder.hash();
    return new SparseMerkleTree(this.#crypto, this.#arena, held, this.#size);
  }

  #addWaiting(nextLevel: number): void {
    if (this.#waiting === undefined) return;
    const { entry, level } = this.#waiting;
    const leaf = this.#arena.newLeaf(entry.subarray(0, HASH_SIZE), entry.subarray(HASH_SIZE, 2 * HASH_SIZE));
    this.#arena.setLifted(leaf, entry.subarray(2 * HASH_SIZE), Math.min(level, nextLevel) - 1);
    this.#spine.append(leaf, level);
    this.#size++;
  }
}
