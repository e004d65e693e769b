/**
 * Makes the nodes of a new version: first their shape, then, in {@link TreeBuilder.hash}, all hashes from the leaves up,
 * each level in as few calls as possible. The hash of a node is due when the node is attached, because only then the level
 * is known up to which it must be lifted.
 */
import { HASH_SIZE } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { invariant } from "../errors.ts";
import { copyHash, NODE_BATCH_MAX, NodeBatch } from "./hashing.ts";
import { TREE_DEPTH } from "./order.ts";
import type { Ref, TreeArena } from "./arena.ts";

/** Bounds the memory of one call that lifts nodes: 68 bytes each. */
const LIFT_BATCH_MAX = 1 << 15;

export class TreeBuilder {
  readonly arena: TreeArena;
  readonly #crypto: Crypto;
  /** Nodes whose hash is known at a lower level: leaves, and branches that lost their neighbour. */
  readonly #lifts = new LiftList();
  /** Branches whose children are due or known, and the level up to which each is lifted. */
  readonly #branches: Ref[] = [];
  readonly #branchTargets: number[] = [];

  constructor(crypto: Crypto, arena: TreeArena) {
    this.#crypto = crypto;
    this.arena = arena;
  }

  /**
   * A branch over two subtrees, neither empty. Children that are not in the making are lifted to `childrenLevel` now.
   */
  branch(level: number, left: Ref, right: Ref, childrenLevel: number): Ref {
    const attachedLeft = this.attach(left, level - 1, childrenLevel);
    const attachedRight = this.attach(right, level - 1, childrenLevel);
    return this.arena.newBranch(level, attachedLeft, attachedRight);
  }

  /**
   * Gives a node one holder more, which sees it at `level`; gives back the node to hold. That is another one where `node`
   * belongs to other versions, which see it at `currentLevel`, above `level`.
   */
  attach(node: Ref, level: number, currentLevel: number): Ref {
    const { arena } = this;
    const count = arena.count(node);
    if (count > 0) {
      if (level === currentLevel) return arena.retain(node);
      invariant(level < currentLevel, "a shared node is only reopened to be lifted higher");
      return this.attach(this.#copy(node), level, level);
    }
    arena.setCount(node, 1);
    if (node > 0 && count === 0) {
      this.#branches.push(node);
      this.#branchTargets.push(level);
    } else {
      this.#lifts.push(node, -count, level);
    }
    return node;
  }

  /** The node in the making that a node becomes whose neighbour went away; its hash at `currentLevel` is kept. */
  reopen(node: Ref, currentLevel: number): Ref {
    const { arena } = this;
    if (arena.count(node) <= 0) return node;
    const copy = this.#copy(node);
    const source = arena.liftedBytes(node);
    copyHash(source, arena.liftedStart(node), arena.liftedBytes(copy), arena.liftedStart(copy));
    arena.setCount(copy, -currentLevel);
    return copy;
  }

  #copy(node: Ref): Ref {
    const { arena } = this;
    if (node > 0) {
      return arena.newBranch(arena.level(node), arena.retain(arena.left(node)), arena.retain(arena.right(node)));
    }
    const keyStart = arena.keyStart(node);
    const hashStart = arena.leafHashStart(node);
    const bytes = arena.keyBytes(node);
    return arena.newLeaf(
      bytes.subarray(keyStart, keyStart + HASH_SIZE),
      bytes.subarray(hashStart, hashStart + HASH_SIZE),
    );
  }

  /** Computes every hash that is due. */
  hash(): void {
    this.#lift(this.#lifts);
    const byLevel = this.#branchesByLevel();
    const largest = byLevel.reduce((size, indexes) => Math.max(size, indexes.length), 0);
    if (largest === 0) return;
    const batch = new NodeBatch(Math.min(largest, NODE_BATCH_MAX));
    for (const indexes of byLevel) {
      const lifts = new LiftList();
      for (let start = 0; start < indexes.length; start += NODE_BATCH_MAX) {
        const end = Math.min(indexes.length, start + NODE_BATCH_MAX);
        this.#hashBranches(indexes, start, end, batch, lifts);
      }
      this.#lift(lifts);
    }
  }

  #branchesByLevel(): number[][] {
    const byLevel: number[][] = Array.from({ length: TREE_DEPTH + 1 }, () => []);
    for (const [index, branch] of this.#branches.entries()) byLevel[this.arena.level(branch)]!.push(index);
    return byLevel;
  }

  #hashBranches(indexes: readonly number[], start: number, end: number, batch: NodeBatch, lifts: LiftList): void {
    const { arena } = this;
    for (let i = start; i < end; i++) {
      const branch = this.#branches[indexes[i]!]!;
      const left = arena.left(branch);
      const right = arena.right(branch);
      batch.setChild(i - start, 0, arena.liftedBytes(left), arena.liftedStart(left));
      batch.setChild(i - start, 1, arena.liftedBytes(right), arena.liftedStart(right));
    }
    batch.hash(this.#crypto, end - start);
    for (let i = start; i < end; i++) {
      const index = indexes[i]!;
      const branch = this.#branches[index]!;
      copyHash(batch.digests, (i - start) * HASH_SIZE, arena.liftedBytes(branch), arena.liftedStart(branch));
      lifts.push(branch, arena.level(branch), this.#branchTargets[index]!);
    }
  }

  #lift(lifts: LiftList): void {
    const { arena } = this;
    const capacity = Math.min(lifts.length, LIFT_BATCH_MAX);
    const keys = new Uint8Array(capacity * HASH_SIZE);
    const hashes = new Uint8Array(capacity * HASH_SIZE);
    const fromLevels = new Uint16Array(capacity);
    const toLevels = new Uint16Array(capacity);
    for (let start = 0; start < lifts.length; start += LIFT_BATCH_MAX) {
      const count = Math.min(LIFT_BATCH_MAX, lifts.length - start);
      for (let i = 0; i < count; i++) {
        const node = lifts.nodes[start + i]!;
        const leaf = arena.firstLeaf(node);
        copyHash(arena.keyBytes(leaf), arena.keyStart(leaf), keys, i * HASH_SIZE);
        copyHash(arena.liftedBytes(node), arena.liftedStart(node), hashes, i * HASH_SIZE);
        fromLevels[i] = lifts.fromLevels[start + i]!;
        toLevels[i] = lifts.toLevels[start + i]!;
      }
      this.#crypto.foldLoneLeaves(
        keys.subarray(0, count * HASH_SIZE),
        hashes.subarray(0, count * HASH_SIZE),
        fromLevels.subarray(0, count),
        toLevels.subarray(0, count),
      );
      for (let i = 0; i < count; i++) {
        const node = lifts.nodes[start + i]!;
        copyHash(hashes, i * HASH_SIZE, arena.liftedBytes(node), arena.liftedStart(node));
      }
    }
  }
}

class LiftList {
  readonly nodes: Ref[] = [];
  readonly fromLevels: number[] = [];
  readonly toLevels: number[] = [];

  get length(): number {
    return this.nodes.length;
  }

  push(node: Ref, fromLevel: number, toLevel: number): void {
    if (fromLevel === toLevel) return;
    this.nodes.push(node);
    this.fromLevels.push(fromLevel);
    this.toLevels.push(toLevel);
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
      this.#last = this.#builder.branch(branchLevel, this.#waiting.pop()!, this.#last, branchLevel - 1);
    }
  }
}
