/** Puts a batch of changes into a tree: the shape of the new version, without its hashes. */
import { HASH_SIZE, isAllZero } from "../bytes.ts";
import type { Ref } from "./arena.ts";
import { SpineBuilder, type TreeBuilder } from "./builder.ts";
import { bit, compareTreeOrder, meetingLevel, TREE_DEPTH } from "./order.ts";
import type { LeafChange } from "./tree.ts";

export interface Merged {
  /** The root node of the new version: `top` as it was, a node in the making, or 0. */
  readonly top: Ref;
  /** Leaves that came minus leaves that went. */
  readonly sizeChange: number;
}

export function mergeChanges(builder: TreeBuilder, top: Ref, changes: readonly LeafChange[]): Merged {
  const merge = new Merge(builder, sortChanges(changes));
  return { top: merge.into(top), sizeChange: merge.sizeChange };
}

/** In tree order, one change a key: the last that was given; all-zero leaf hashes become undefined. Throws `RangeError` for a key or hash of another length. */
function sortChanges(changes: readonly LeafChange[]): LeafChange[] {
  const prefixes = new Float64Array(changes.length);
  const order = new Uint32Array(changes.length);
  for (const [i, { key, leaf }] of changes.entries()) {
    if (key.length !== HASH_SIZE || (leaf !== undefined && leaf.length !== HASH_SIZE)) {
      throw new RangeError("keys and leaf hashes have 32 bytes");
    }
    const high = (key[31]! << 16) | (key[30]! << 8) | key[29]!;
    const low = (key[28]! << 16) | (key[27]! << 8) | key[26]!;
    prefixes[i] = high * 2 ** 24 + low;
    order[i] = i;
  }
  // The first six bytes nearly always decide; the index keeps changes of one key in the order given.
  order.sort((a, b) => prefixes[a]! - prefixes[b]! || compareTreeOrder(changes[a]!.key, changes[b]!.key) || a - b);
  const sorted: LeafChange[] = [];
  for (const index of order) {
    const change = changes[index]!;
    const last = sorted.at(-1);
    if (last !== undefined && compareTreeOrder(last.key, change.key) === 0) sorted.pop();
    const isRemoval = change.leaf !== undefined && isAllZero(change.leaf);
    sorted.push(isRemoval ? { key: change.key, leaf: undefined } : change);
  }
  return sorted;
}

class Merge {
  sizeChange = 0;
  readonly #builder: TreeBuilder;
  readonly #changes: readonly LeafChange[];

  constructor(builder: TreeBuilder, changes: readonly LeafChange[]) {
    this.#builder = builder;
    this.#changes = changes;
  }

  into(top: Ref): Ref {
    return this.#merge(top, TREE_DEPTH, 0, this.#changes.length);
  }

  /**
   * Merges changes `start` to `end` (exclusive) into the subtree of `node` as seen at `seenAt`; all their keys lie in it.
   * Gives back `node` where nothing changes, a node in the making, or 0. The recursion is as deep as the tree at most, for
   * each step falls to a lower level.
   */
  #merge(node: Ref, seenAt: number, start: number, end: number): Ref {
    if (start === end) return node;
    if (node === 0) return this.#build(start, end);
    const { arena } = this.#builder;
    const level = arena.level(node);
    if (level < seenAt) {
      const leaf = arena.firstLeaf(node);
      const meeting = Math.max(this.#meetingLevel(start, leaf), this.#meetingLevel(end - 1, leaf));
      if (meeting > level) return this.#mergeBeside(node, seenAt, leaf, meeting, start, end);
    }
    if (node < 0) return this.#replace(node, this.#changes[start]!);

    const middle = this.#firstRight(start, end, level);
    const left = arena.left(node);
    const right = arena.right(node);
    const newLeft = this.#merge(left, level - 1, start, middle);
    const newRight = this.#merge(right, level - 1, middle, end);
    if (newLeft === left && newRight === right) return node;
    if (newLeft === 0) return newRight === 0 ? 0 : this.#builder.reopen(newRight, level - 1);
    if (newRight === 0) return this.#builder.reopen(newLeft, level - 1);
    return this.#builder.branch(level, newLeft, newRight, level - 1);
  }

  /** Some changes lie beside the subtree of `node`, whose first leaf is `leaf`; the farthest meets it at `meeting`. */
  #mergeBeside(node: Ref, seenAt: number, leaf: Ref, meeting: number, start: number, end: number): Ref {
    const { arena } = this.#builder;
    const isRight = bit(arena.keyBytes(leaf), meeting - 1, arena.keyStart(leaf)) === 1;
    const middle = this.#firstRight(start, end, meeting);
    const beside = isRight ? this.#build(start, middle) : this.#build(middle, end);
    const merged = isRight ? this.#merge(node, seenAt, middle, end) : this.#merge(node, seenAt, start, middle);
    if (beside === 0) return merged;
    if (merged === 0) return beside;
    return isRight
      ? this.#builder.branch(meeting, beside, merged, seenAt)
      : this.#builder.branch(meeting, merged, beside, seenAt);
  }

  #replace(leaf: Ref, change: LeafChange): Ref {
    const { arena } = this.#builder;
    if (change.leaf === undefined) {
      this.sizeChange--;
      return 0;
    }
    const isSame = meetingLevel(change.leaf, 0, arena.keyBytes(leaf), arena.leafHashStart(leaf)) === 0;
    return isSame ? leaf : arena.newLeaf(change.key, change.leaf);
  }

  /** The subtree of the changes alone, where there was none. */
  #build(start: number, end: number): Ref {
    const spine = new SpineBuilder(this.#builder);
    let previous: LeafChange | undefined;
    for (let i = start; i < end; i++) {
      const change = this.#changes[i]!;
      if (change.leaf === undefined) continue;
      const level = previous === undefined ? TREE_DEPTH : meetingLevel(previous.key, 0, change.key, 0);
      spine.append(this.#builder.arena.newLeaf(change.key, change.leaf), level);
      this.sizeChange++;
      previous = change;
    }
    return spine.finish();
  }

  #meetingLevel(index: number, leaf: Ref): number {
    const { arena } = this.#builder;
    return meetingLevel(this.#changes[index]!.key, 0, arena.keyBytes(leaf), arena.keyStart(leaf));
  }

  /** The first of the changes `start` to `end`, all in one subtree at `level`, that lies in its right half. */
  #firstRight(start: number, end: number, level: number): number {
    let low = start;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (bit(this.#changes[middle]!.key, level - 1) === 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
