/**
 * The memory of a family of tree versions: nodes of fixed size in slabs of typed arrays, with reference counts and free
 * lists, so that no node costs an object and what a tree may hold is known: {@link LEAF_BYTES} + {@link BRANCH_BYTES} for a
 * leaf of a tree, plus what other versions do not share with it. Freed nodes are used again; slabs are kept.
 *
 * A node is named by a number, its ref: 0 is no node, n > 0 is branch n, n < 0 is leaf −n.
 */
import { HASH_SIZE } from "../bytes.ts";
import { invariant } from "../errors.ts";
import { copyHash } from "./hashing.ts";

export type Ref = number;

const SLAB_SHIFT = 13;
const SLAB_NODES = 1 << SLAB_SHIFT;
const SLAB_MASK = SLAB_NODES - 1;
const FIRST_SLAB_NODES = 16;
/** Keeps every ref a small integer. */
const NODES_MAX = 2 ** 30;

interface Slab {
  readonly bytes: Uint8Array;
  /** Word 0 of a node is its count, or the next free node. */
  readonly words: Int32Array;
}

class NodePool {
  readonly nodeBytes: number;
  readonly nodeWords: number;
  readonly slabs: Slab[] = [];
  live = 0;
  #capacity = 0;
  /** Index 0 is never given out: 0 ends the free list. */
  #used = 1;
  #free = 0;

  constructor(nodeBytes: number, nodeWords: number) {
    this.nodeBytes = nodeBytes;
    this.nodeWords = nodeWords;
  }

  allocate(): number {
    this.live++;
    const recycled = this.#free;
    if (recycled !== 0) {
      const slab = this.slabs[recycled >>> SLAB_SHIFT]!;
      this.#free = slab.words[(recycled & SLAB_MASK) * this.nodeWords]!;
      return recycled;
    }
    if (this.#used >= this.#capacity) this.#grow();
    return this.#used++;
  }

  release(index: number): void {
    this.live--;
    this.slabs[index >>> SLAB_SHIFT]!.words[(index & SLAB_MASK) * this.nodeWords] = this.#free;
    this.#free = index;
  }

  /** Small trees are many: the first slab doubles until it has the size of all others. */
  #grow(): void {
    invariant(this.#capacity < NODES_MAX, "a tree holds fewer than 2^30 nodes");
    const isPartial = this.#capacity < SLAB_NODES;
    const nodes = isPartial ? Math.max(FIRST_SLAB_NODES, 2 * this.#capacity) : SLAB_NODES;
    const slab = { bytes: new Uint8Array(nodes * this.nodeBytes), words: new Int32Array(nodes * this.nodeWords) };
    const first = this.slabs[0];
    if (isPartial && first !== undefined) {
      slab.bytes.set(first.bytes);
      slab.words.set(first.words);
      this.slabs[0] = slab;
      this.#capacity = nodes;
    } else {
      this.slabs.push(slab);
      this.#capacity += nodes;
    }
  }
}

/** Leaf: key, leaf hash, lifted hash; one word. */
const KEY = 0;
const LEAF_HASH = HASH_SIZE;
const LEAF_LIFTED = 2 * HASH_SIZE;
/** Branch: lifted hash; four words. */
const LEFT = 1;
const RIGHT = 2;
const LEVEL = 3;

export const LEAF_BYTES = 3 * HASH_SIZE + 4;
export const BRANCH_BYTES = HASH_SIZE + 16;

/**
 * Nodes are immutable once a parent or a tree holds them. The **lifted** hash of a node is that of its subtree seen at the
 * level where it meets its neighbour: the parent's level − 1, or 256 for the root.
 *
 * A count above 0 is the number of holders. A count of 0 or less marks a node that is still in the making: 0 for one whose
 * hash must be computed from its own level up, −L for one whose hash is already known up to level L.
 */
export class TreeArena {
  readonly #leaves = new NodePool(3 * HASH_SIZE, 1);
  readonly #branches = new NodePool(HASH_SIZE, 4);

  /** Nodes that some version holds. */
  get liveNodes(): number {
    return this.#leaves.live + this.#branches.live;
  }

  newLeaf(key: Uint8Array, leaf: Uint8Array): Ref {
    const index = this.#leaves.allocate();
    const { bytes } = this.#leaves.slabs[index >>> SLAB_SHIFT]!;
    const start = (index & SLAB_MASK) * this.#leaves.nodeBytes;
    copyHash(key, 0, bytes, start + KEY);
    copyHash(leaf, 0, bytes, start + LEAF_HASH);
    copyHash(leaf, 0, bytes, start + LEAF_LIFTED);
    this.setCount(-index, 0);
    return -index;
  }

  /** The branch becomes a holder of nodes that its caller has attached. */
  newBranch(level: number, left: Ref, right: Ref): Ref {
    const index = this.#branches.allocate();
    const { words } = this.#branches.slabs[index >>> SLAB_SHIFT]!;
    const start = (index & SLAB_MASK) * this.#branches.nodeWords;
    words[start] = 0;
    words[start + LEFT] = left;
    words[start + RIGHT] = right;
    words[start + LEVEL] = level;
    return index;
  }

  /** Level of a branch, 1 to 256: it is divided by bit level − 1. 0 for a leaf. */
  level(ref: Ref): number {
    return ref < 0 ? 0 : this.#branchWord(ref, LEVEL);
  }

  left(branch: Ref): Ref {
    return this.#branchWord(branch, LEFT);
  }

  right(branch: Ref): Ref {
    return this.#branchWord(branch, RIGHT);
  }

  #branchWord(branch: Ref, word: number): number {
    return this.#branches.slabs[branch >>> SLAB_SHIFT]!.words[(branch & SLAB_MASK) * 4 + word]!;
  }

  count(ref: Ref): number {
    return ref < 0 ? this.#leaves.slabs[-ref >>> SLAB_SHIFT]!.words[-ref & SLAB_MASK]! : this.#branchWord(ref, 0);
  }

  setCount(ref: Ref, count: number): void {
    if (ref < 0) this.#leaves.slabs[-ref >>> SLAB_SHIFT]!.words[-ref & SLAB_MASK] = count;
    else this.#branches.slabs[ref >>> SLAB_SHIFT]!.words[(ref & SLAB_MASK) * 4] = count;
  }

  retain(ref: Ref): Ref {
    this.setCount(ref, this.count(ref) + 1);
    return ref;
  }

  /** Gives up one hold; nodes that nobody holds any more are freed. The depth of the recursion is bounded by the tree's. */
  release(ref: Ref): void {
    const count = this.count(ref);
    invariant(count > 0, "only a held node is released");
    if (count > 1) {
      this.setCount(ref, count - 1);
    } else if (ref < 0) {
      this.#leaves.release(-ref);
    } else {
      const left = this.left(ref);
      const right = this.right(ref);
      this.#branches.release(ref);
      this.release(left);
      this.release(right);
    }
  }

  /** The leaf with the lowest key under `ref`: it stands for the bits that all keys there share. */
  firstLeaf(ref: Ref): Ref {
    let leaf = ref;
    while (leaf > 0) leaf = this.left(leaf);
    return leaf;
  }

  /** Where the key of a leaf lies; valid until the next node is allocated. */
  keyBytes(leaf: Ref): Uint8Array {
    return this.#leaves.slabs[-leaf >>> SLAB_SHIFT]!.bytes;
  }

  keyStart(leaf: Ref): number {
    return (-leaf & SLAB_MASK) * 3 * HASH_SIZE + KEY;
  }

  /** The leaf hash lies right after the key, the lifted hash after that. */
  leafHashStart(leaf: Ref): number {
    return (-leaf & SLAB_MASK) * 3 * HASH_SIZE + LEAF_HASH;
  }

  /** Where the lifted hash of a node lies; valid until the next node is allocated. */
  liftedBytes(ref: Ref): Uint8Array {
    return ref < 0 ? this.#leaves.slabs[-ref >>> SLAB_SHIFT]!.bytes : this.#branches.slabs[ref >>> SLAB_SHIFT]!.bytes;
  }

  liftedStart(ref: Ref): number {
    return ref < 0 ? (-ref & SLAB_MASK) * 3 * HASH_SIZE + LEAF_LIFTED : (ref & SLAB_MASK) * HASH_SIZE;
  }
}
