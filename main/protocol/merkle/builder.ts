/**
 * Makes the nodes of a new version: first their shape, then, in {@link TreeBuilder.hash}, the hashes of branches from the
 * lowest level up, each level in as few calls as possible. The hash of a node is due when the node is attached, because only
 * then the level is known at which it is seen.
 */
import type { Crypto } from "../crypto.ts";
import type { Ref, TreeArena } from "./arena.ts";
import { copyWords, LIFT_BATCH_MAX, LiftBatch, NODE_BATCH_MAX, NodeBatch } from "./batches.ts";
import { TREE_DEPTH } from "./order.ts";

export class TreeBuilder {
  readonly arena: TreeArena;
  readonly #crypto: Crypto;
  /** Nodes whose hash is known at a lower level than the one at which they are seen, and that lower level. */
  readonly #lifts: Ref[] = [];
  readonly #liftsFrom: number[] = [];
  readonly #liftBatch = new LiftBatch();
  /** For each level the first branch whose hash is due; the arena leads from there to the others. */
  readonly #due = new Int32Array(TREE_DEPTH + 1);

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
    if (!arena.isInTheMaking(node)) {
      return knownAt === level ? arena.retain(node) : this.attach(arena.copy(node), level);
    }
    arena.setSeenAt(node, level);
    const ownLevel = arena.level(node);
    if (knownAt < ownLevel) {
      arena.setNextDue(node, this.#due[ownLevel]!);
      this.#due[ownLevel] = node;
    } else {
      this.#lift(node, knownAt);
    }
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
    const batch = new NodeBatch();
    for (const first of this.#due) {
      let branch: Ref = first;
      while (branch !== 0) {
        const branches: Ref[] = [];
        while (branch !== 0 && branches.length < NODE_BATCH_MAX) {
          branches.push(branch);
          branch = this.arena.nextDue(branch);
        }
        this.#hashBranches(branches, batch);
      }
      this.#flushLifts();
    }
    this.#due.fill(0);
  }

  #hashBranches(branches: readonly Ref[], batch: NodeBatch): void {
    const { arena } = this;
    batch.begin(branches.length);
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
    const nodes = this.#lifts;
    const batch = this.#liftBatch;
    if (nodes.length === 0) return;
    batch.begin(nodes.length);
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]!;
      const leaf = arena.firstLeaf(node);
      batch.setKey(i, arena.words(leaf), arena.keyStart(leaf));
      batch.setHash(i, arena.words(node), arena.liftedStart(node), this.#liftsFrom[i]!, arena.seenAt(node));
    }
    batch.lift(this.#crypto, nodes.length);
    for (let i = 0; i < nodes.length; i++) batch.copyHash(i, arena.words(nodes[i]!), arena.liftedStart(nodes[i]!));
    this.#lifts.length = 0;
    this.#liftsFrom.length = 0;
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
