/**
 * Makes the nodes of a new version: first their shape, then, in {@link TreeBuilder.hash}, the hashes of branches from the
 * lowest level up, each level in as few calls as possible. The hash of a node is due when the node is attached, because only
 * then the level is known at which it is seen.
 */
import type { Crypto } from "../crypto.ts";
import type { Ref, TreeArena } from "./arena.ts";
import { copyWords, HASH_WORDS, NODE_BATCH_MAX, NodeBatch } from "./hashing.ts";
import { TREE_DEPTH } from "./order.ts";

/** Bounds the memory of one call that lifts nodes: 68 bytes each. */
const LIFT_BATCH_MAX = 1 << 14;

export class TreeBuilder {
  readonly arena: TreeArena;
  readonly #crypto: Crypto;
  /** Nodes whose hash is known at a lower level than the one at which they are seen, and that lower level. */
  readonly #lifts = new IntList();
  readonly #liftsFrom = new IntList();
  /** Branches whose hash is due. */
  readonly #branches = new IntList();

  constructor(crypto: Crypto, arena: TreeArena) {
    this.#crypto = crypto;
    this.arena = arena;
  }

  /** A branch in the making over two subtrees, neither empty. */
  branch(level: number, left: Ref, right: Ref): Ref {
    const attachedLeft = this.attach(left, level - 1);
    const attachedRight = this.attach(right, level - 1);
    return this.arena.newBranch(level, attachedLeft, attachedRight);
  }

  /**
   * Gives a node one holder more, which sees it at `level`; gives back the node to hold. That is another one where `node`
   * has holders already that see it at a higher level.
   */
  attach(node: Ref, level: number): Ref {
    const { arena } = this;
    const knownAt = arena.seenAt(node);
    if (!arena.isInTheMaking(node))
      return knownAt === level ? arena.retain(node) : this.attach(arena.copy(node), level);
    arena.setSeenAt(node, level);
    if (knownAt < arena.level(node)) this.#branches.push(node);
    else this.#lift(node, knownAt);
    return arena.retain(node);
  }

  /** What becomes of a node whose neighbour goes: a node in the making that keeps its hash, to be lifted further. */
  reopen(node: Ref): Ref {
    const { arena } = this;
    if (arena.isInTheMaking(node)) return node;
    const copy = arena.copy(node);
    copyWords(arena.words(node), arena.liftedStart(node), arena.words(copy), arena.liftedStart(copy));
    arena.setSeenAt(copy, arena.seenAt(node));
    return copy;
  }

  /** Computes every hash that is due. */
  hash(): void {
    this.#flushLifts();
    const { arena } = this;
    const branches = this.#branches.values();
    if (branches.length === 0) return;
    const { order, ends } = sortByLevel(arena, branches);
    const batch = new NodeBatch(Math.min(branches.length, NODE_BATCH_MAX));
    let start = 0;
    for (const levelEnd of ends) {
      while (start < levelEnd) {
        const end = Math.min(levelEnd, start + NODE_BATCH_MAX);
        this.#hashBranches(order.subarray(start, end), batch);
        start = end;
      }
      this.#flushLifts();
    }
  }

  #hashBranches(branches: Int32Array, batch: NodeBatch): void {
    const { arena } = this;
    for (let i = 0; i < branches.length; i++) {
      const left = arena.left(branches[i]!);
      const right = arena.right(branches[i]!);
      batch.setChild(i, 0, arena.words(left), arena.liftedStart(left));
      batch.setChild(i, 1, arena.words(right), arena.liftedStart(right));
    }
    batch.hash(this.#crypto, branches.length);
    for (let i = 0; i < branches.length; i++) {
      const branch = branches[i]!;
      batch.copyDigest(i, arena.words(branch), arena.liftedStart(branch));
      this.#lift(branch, arena.level(branch));
    }
  }

  /** Lone leaves wait for nothing, so that they are folded as soon as a batch is full. */
  #lift(node: Ref, fromLevel: number): void {
    if (fromLevel === this.arena.seenAt(node)) return;
    this.#lifts.push(node);
    this.#liftsFrom.push(fromLevel);
    if (this.#lifts.length === LIFT_BATCH_MAX) this.#flushLifts();
  }

  #flushLifts(): void {
    const { arena } = this;
    const nodes = this.#lifts.values();
    if (nodes.length === 0) return;
    const keys = new Int32Array(nodes.length * HASH_WORDS);
    const hashes = new Int32Array(nodes.length * HASH_WORDS);
    const toLevels = new Uint16Array(nodes.length);
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]!;
      const leaf = arena.firstLeaf(node);
      copyWords(arena.words(leaf), arena.keyStart(leaf), keys, i * HASH_WORDS);
      copyWords(arena.words(node), arena.liftedStart(node), hashes, i * HASH_WORDS);
      toLevels[i] = arena.seenAt(node);
    }
    this.#crypto.foldLoneLeaves(
      new Uint8Array(keys.buffer),
      new Uint8Array(hashes.buffer),
      Uint16Array.from(this.#liftsFrom.values()),
      toLevels,
    );
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]!;
      copyWords(hashes, i * HASH_WORDS, arena.words(node), arena.liftedStart(node));
    }
    this.#lifts.clear();
    this.#liftsFrom.clear();
  }
}

/** The branches by ascending level, and where each level ends. */
function sortByLevel(
  arena: TreeArena,
  branches: Int32Array,
): { readonly order: Int32Array; readonly ends: Int32Array } {
  const ends = new Int32Array(TREE_DEPTH + 1);
  for (const branch of branches) ends[arena.level(branch)]!++;
  for (let level = 1; level <= TREE_DEPTH; level++) ends[level]! += ends[level - 1]!;
  const order = new Int32Array(branches.length);
  // Backwards, so that each level keeps the order of creation, in which nodes lie side by side.
  const next = ends.slice();
  for (let i = branches.length - 1; i >= 0; i--) order[--next[arena.level(branches[i]!)]!] = branches[i]!;
  return { order, ends };
}

const FIRST_LIST_LENGTH = 64;

/** A growing list of integers, half as large as an array of numbers. */
class IntList {
  #items = new Int32Array(FIRST_LIST_LENGTH);
  length = 0;

  push(item: number): void {
    if (this.length === this.#items.length) {
      const larger = new Int32Array(2 * this.length);
      larger.set(this.#items);
      this.#items = larger;
    }
    this.#items[this.length++] = item;
  }

  clear(): void {
    this.length = 0;
  }

  values(): Int32Array {
    return this.#items.subarray(0, this.length);
  }
}

/** Builds a subtree from leaves that come in tree order. */
export class SpineBuilder {
  readonly #builder: TreeBuilder;
  /** Left subtrees that wait for their right neighbour, and the levels of the branches above both; falling levels. */
  readonly #waiting: Ref[] = [];
  readonly #levels: number[] = [];
  #last: Ref = 0;

  constructor(builder: TreeBuilder) {
    this.#builder = builder;
  }

  /** `level` is that of the smallest subtree with this leaf and the one before; nothing for the first leaf. */
  append(leaf: Ref, level: number): void {
    if (this.#last !== 0) {
      this.#closeBelow(level);
      this.#waiting.push(this.#last);
      this.#levels.push(level);
    }
    this.#last = leaf;
  }

  /** The subtree of all leaves so far; 0 for none. */
  finish(): Ref {
    this.#closeBelow(TREE_DEPTH + 1);
    return this.#last;
  }

  #closeBelow(level: number): void {
    while (this.#levels.length > 0 && this.#levels.at(-1)! < level) {
      const branchLevel = this.#levels.pop()!;
      this.#last = this.#builder.branch(branchLevel, this.#waiting.pop()!, this.#last);
    }
  }
}
