/**
 * The memory of a family of tree versions: nodes of fixed size in slabs of typed arrays, with reference counts and free
 * lists, so that no node costs an object and what a tree may hold is known: {@link LEAF_BYTES} + {@link BRANCH_BYTES} for a
 * leaf of a tree, plus what other versions do not share with it. Freed nodes are used again; slabs are kept.
 *
 * A node is named by a number, its ref: 0 is no node, n > 0 is branch n, n < 0 is leaf −n.
 */
import { HASH_SIZE, type Hash32 } from "../bytes.ts";
import { invariant } from "../errors.ts";
import { copyWords, HASH_WORDS } from "./batches.ts";
import { meetingLevel } from "./order.ts";

export type Ref = number;

// A node in words of four bytes. Both kinds begin with the number of holders and with two levels: that of the node, and in
// the upper half the one that its lifted hash is for.
const COUNT = 0;
const LEVELS = 1;
// Branch: children, lifted hash.
const LEFT = 2;
const RIGHT = 3;
const BRANCH_LIFTED = 4;
const BRANCH_WORDS = BRANCH_LIFTED + HASH_WORDS;
// Leaf: key, leaf hash, lifted hash.
const KEY = 2;
const LEAF_HASH = KEY + HASH_WORDS;
const LEAF_LIFTED = LEAF_HASH + HASH_WORDS;
const LEAF_WORDS = LEAF_LIFTED + HASH_WORDS;

export const LEAF_BYTES = 4 * LEAF_WORDS;
export const BRANCH_BYTES = 4 * BRANCH_WORDS;

const SLAB_SHIFT = 13;
const SLAB_NODES = 1 << SLAB_SHIFT;
const SLAB_MASK = SLAB_NODES - 1;
const FIRST_SLAB_NODES = 16;
/** Keeps every ref a small integer. */
const NODES_MAX = 2 ** 30;

class NodePool {
  readonly nodeWords: number;
  readonly words: Int32Array[] = [];
  /** The same memory as {@link words}. */
  readonly bytes: Uint8Array[] = [];
  live = 0;
  #capacity = 0;
  /** Index 0 is never given out: 0 ends the free list. */
  #used = 1;
  #free = 0;

  constructor(nodeWords: number) {
    this.nodeWords = nodeWords;
  }

  allocate(): number {
    this.live++;
    const recycled = this.#free;
    if (recycled !== 0) {
      this.#free = this.words[recycled >>> SLAB_SHIFT]![(recycled & SLAB_MASK) * this.nodeWords]!;
      return recycled;
    }
    if (this.#used >= this.#capacity) this.#grow();
    return this.#used++;
  }

  /** The first word of a free node holds the next one. */
  release(index: number): void {
    this.live--;
    this.words[index >>> SLAB_SHIFT]![(index & SLAB_MASK) * this.nodeWords] = this.#free;
    this.#free = index;
  }

  /** Small trees are many: the first slab doubles until it has the size of all others. */
  #grow(): void {
    invariant(this.#capacity < NODES_MAX, "a tree holds fewer than 2^30 nodes");
    const isPartial = this.#capacity < SLAB_NODES;
    const nodes = isPartial ? Math.max(FIRST_SLAB_NODES, 2 * this.#capacity) : SLAB_NODES;
    const words = new Int32Array(nodes * this.nodeWords);
    if (isPartial) {
      words.set(this.words.pop() ?? []);
      this.bytes.pop();
      this.#capacity = 0;
    }
    this.words.push(words);
    this.bytes.push(new Uint8Array(words.buffer));
    this.#capacity += nodes;
  }
}

/**
 * Nodes are immutable once a parent or a tree holds them. The lifted hash of a node is that of its subtree as seen at a
 * level, {@link seenAt}: for a held node, where it meets its neighbour, at the parent's level − 1 or at 256.
 *
 * A node that nobody holds yet is in the making. A new branch is seen at level 0, below its own, as long as its hash has not
 * been computed from its children.
 */
export class TreeArena {
  readonly #leaves = new NodePool(LEAF_WORDS);
  readonly #branches = new NodePool(BRANCH_WORDS);

  /** Nodes that some version holds. */
  get liveNodes(): number {
    return this.#leaves.live + this.#branches.live;
  }

  /** A leaf in the making, seen at level 0, where its lifted hash is the leaf hash. */
  newLeaf(key: Uint8Array, leafHash: Uint8Array): Ref {
    const ref = -this.#leaves.allocate();
    const start = this.#start(ref);
    const bytes = this.#bytes(ref);
    bytes.set(key, 4 * (start + KEY));
    bytes.set(leafHash, 4 * (start + LEAF_HASH));
    this.#resetLeaf(ref);
    return ref;
  }

  /** A branch in the making, which becomes a holder of children that its caller has attached. */
  newBranch(level: number, left: Ref, right: Ref): Ref {
    const ref = this.#branches.allocate();
    const words = this.words(ref);
    const start = this.#start(ref);
    words[start + COUNT] = 0;
    words[start + LEVELS] = level;
    words[start + LEFT] = left;
    words[start + RIGHT] = right;
    return ref;
  }

  /** The same subtree as a node in the making; all that is known of it is its children's hashes, or its leaf hash. */
  copy(node: Ref): Ref {
    if (node > 0) return this.newBranch(this.level(node), this.retain(this.left(node)), this.retain(this.right(node)));
    const ref = -this.#leaves.allocate();
    const target = this.#start(ref);
    const source = this.#start(node);
    this.words(ref).set(this.words(node).subarray(source, source + LEAF_WORDS), target);
    this.#resetLeaf(ref);
    return ref;
  }

  #resetLeaf(leaf: Ref): void {
    const words = this.words(leaf);
    const start = this.#start(leaf);
    words[start + COUNT] = 0;
    words[start + LEVELS] = 0;
    copyWords(words, start + LEAF_HASH, words, start + LEAF_LIFTED);
  }

  /** Level of a branch, 1 to 256: it is divided by bit level − 1. 0 for a leaf. */
  level(node: Ref): number {
    return this.words(node)[this.#start(node) + LEVELS]! & 0xffff;
  }

  seenAt(node: Ref): number {
    return this.words(node)[this.#start(node) + LEVELS]! >>> 16;
  }

  /** What is known of a leaf in the making from elsewhere. */
  setLifted(leaf: Ref, hash: Uint8Array, level: number): void {
    this.#bytes(leaf).set(hash, 4 * this.liftedStart(leaf));
    this.setSeenAt(leaf, level);
  }

  setSeenAt(node: Ref, level: number): void {
    this.words(node)[this.#start(node) + LEVELS] = this.level(node) | (level << 16);
  }

  left(branch: Ref): Ref {
    return this.words(branch)[this.#start(branch) + LEFT]!;
  }

  right(branch: Ref): Ref {
    return this.words(branch)[this.#start(branch) + RIGHT]!;
  }

  /** A list of branches whose hash is due; it lies where that hash will be. */
  nextDue(branch: Ref): Ref {
    return this.words(branch)[this.liftedStart(branch)]!;
  }

  setNextDue(branch: Ref, next: Ref): void {
    this.words(branch)[this.liftedStart(branch)] = next;
  }

  isInTheMaking(node: Ref): boolean {
    const count = this.words(node)[this.#start(node) + COUNT];
    return count === 0;
  }

  retain(node: Ref): Ref {
    this.words(node)[this.#start(node) + COUNT]!++;
    return node;
  }

  /** Gives up one hold; nodes that nobody holds any more are freed. The depth of the recursion is bounded by the tree's. */
  release(node: Ref): void {
    const words = this.words(node);
    const start = this.#start(node);
    const count = words[start + COUNT]!;
    invariant(count > 0, "only a held node is released");
    if (count > 1) {
      words[start + COUNT] = count - 1;
    } else if (node < 0) {
      this.#leaves.release(-node);
    } else {
      this.#branches.release(node);
      this.release(words[start + LEFT]!);
      this.release(words[start + RIGHT]!);
    }
  }

  /** The leaf with the lowest key under `node`: it stands for the bits that all keys there share. */
  firstLeaf(node: Ref): Ref {
    let leaf = node;
    while (leaf > 0) leaf = this.left(leaf);
    return leaf;
  }

  key(leaf: Ref): Hash32 {
    return this.#hash(leaf, KEY);
  }

  leafHash(leaf: Ref): Hash32 {
    return this.#hash(leaf, LEAF_HASH);
  }

  lifted(node: Ref): Hash32 {
    return this.#hash(node, node < 0 ? LEAF_LIFTED : BRANCH_LIFTED);
  }

  #hash(node: Ref, word: number): Hash32 {
    const start = 4 * (this.#start(node) + word);
    return this.#bytes(node).slice(start, start + HASH_SIZE) as Hash32;
  }

  /** Key, leaf hash and lifted hash, 96 bytes; valid until a node is made. */
  entry(leaf: Ref): Uint8Array {
    const start = 4 * (this.#start(leaf) + KEY);
    return this.#bytes(leaf).subarray(start, start + 3 * HASH_SIZE);
  }

  /** The level of the smallest subtree that holds both `key` and this leaf; 0 for the leaf's own key. */
  meetingLevel(leaf: Ref, key: Uint8Array): number {
    return meetingLevel(key, 0, this.#bytes(leaf), 4 * (this.#start(leaf) + KEY));
  }

  hasLeafHash(leaf: Ref, leafHash: Uint8Array): boolean {
    const bytes = this.#bytes(leaf);
    const start = 4 * (this.#start(leaf) + LEAF_HASH);
    return leafHash.every((byte, i) => byte === bytes[start + i]);
  }

  /** The slab in which a node lies; valid until a node is made. */
  words(node: Ref): Int32Array {
    return node < 0 ? this.#leaves.words[-node >>> SLAB_SHIFT]! : this.#branches.words[node >>> SLAB_SHIFT]!;
  }

  keyStart(leaf: Ref): number {
    return this.#start(leaf) + KEY;
  }

  liftedStart(node: Ref): number {
    return this.#start(node) + (node < 0 ? LEAF_LIFTED : BRANCH_LIFTED);
  }

  #bytes(node: Ref): Uint8Array {
    return node < 0 ? this.#leaves.bytes[-node >>> SLAB_SHIFT]! : this.#branches.bytes[node >>> SLAB_SHIFT]!;
  }

  #start(node: Ref): number {
    return node < 0 ? (-node & SLAB_MASK) * LEAF_WORDS : (node & SLAB_MASK) * BRANCH_WORDS;
  }
}
