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

/**
 * In tree order, one change a key: the last that was given; all-zero leaf hashes become undefined. Throws `RangeError` for a
 * key or hash of another length.
 */
function sortChanges(changes: readonly LeafChange[]): LeafChange[] {
  const sorted = new Array<LeafChange>(changes.length);
  let count = 0;
  for (const index of orderOf(changes)) {
    const change = changes[index]!;
    const isSameKey = count > 0 && compareTreeOrder(sorted[count - 1]!.key, change.key) === 0;
    const isRemoval = change.leaf !== undefined && isAllZero(change.leaf);
    sorted[isSameKey ? count - 1 : count++] = isRemoval ? { key: change.key, leaf: undefined } : change;
  }
  sorted.length = count;
  return sorted;
}

/**
 * Indexes of `changes` by key in tree order, then by index. The top of the key and the index together make one exact number,
 * so that numbers are sorted, not objects; only where tops are equal are keys compared, by a sort that is stable.
 */
function orderOf(changes: readonly LeafChange[]): Float64Array {
  const indexSpan = 2 ** Math.ceil(Math.log2(changes.length + 1));
  const topBits = Math.min(32, 53 - Math.log2(indexSpan));
  const order = new Float64Array(changes.length);
  for (let i = 0; i < changes.length; i++) {
    const { key, leaf } = changes[i]!;
    if (key.length !== HASH_SIZE || (leaf !== undefined && leaf.length !== HASH_SIZE)) {
      throw new RangeError("keys and leaf hashes have 32 bytes");
    }
    const top = ((key[31]! << 24) | (key[30]! << 16) | (key[29]! << 8) | key[28]!) >>> (32 - topBits);
    order[i] = top * indexSpan + i;
  }
  order.sort();
  const compare = (a: number, b: number): number => compareTreeOrder(changes[a]!.key, changes[b]!.key);
  for (let start = 0; start < order.length;) {
    const top = Math.floor(order[start]! / indexSpan);
    let end = start;
    for (; end < order.length && Math.floor(order[end]! / indexSpan) === top; end++) order[end]! -= top * indexSpan;
    if (end - start > 1) order.subarray(start, end).sort(compare);
    start = end;
  }
  return order;
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
    return this.#merge(top, 0, this.#changes.length);
  }

  /**
   * Merges changes `start` to `end` (exclusive) into the subtree of `node` where it meets its neighbour; all their keys
   * lie in it. Gives back `node` where nothing changes, a node in the making, or 0. The recursion is as deep as the tree at most, for
   * each step falls to a lower level.
   */
  #merge(node: Ref, start: number, end: number): Ref {
    if (start === end) return node;
    if (node === 0) return this.#build(start, end);
    const { arena } = this.#builder;
    const level = arena.level(node);
    if (level < arena.seenAt(node)) {
      const leaf = arena.firstLeaf(node);
      const meeting = Math.max(
        arena.meetingLevel(leaf, this.#changes[start]!.key),
        arena.meetingLevel(leaf, this.#changes[end - 1]!.key),
      );
      if (meeting > level) return this.#mergeBeside(node, leaf, meeting, start, end);
    }
    if (node < 0) return this.#replace(node, this.#changes[start]!);

    const middle = this.#firstRight(start, end, level);
    const left = arena.left(node);
    const right = arena.right(node);
    const newLeft = this.#merge(left, start, middle);
    const newRight = this.#merge(right, middle, end);
    if (newLeft === left && newRight === right) return node;
    if (newLeft === 0) return newRight === 0 ? 0 : this.#builder.reopen(newRight);
    if (newRight === 0) return this.#builder.reopen(newLeft);
    return this.#builder.branch(level, newLeft, newRight);
  }

  /** Some changes lie beside the subtree of `node`, whose first leaf is `leaf`; the farthest meets it at `meeting`. */
  #mergeBeside(node: Ref, leaf: Ref, meeting: number, start: number, end: number): Ref {
    const { arena } = this.#builder;
    const isRight = bit(arena.key(leaf), meeting - 1) === 1;
    const middle = this.#firstRight(start, end, meeting);
    const beside = isRight ? this.#build(start, middle) : this.#build(middle, end);
    const merged = isRight ? this.#merge(node, middle, end) : this.#merge(node, start, middle);
    if (beside === 0) return merged;
    if (merged === 0) return beside;
    return isRight ? this.#builder.branch(meeting, beside, merged) : this.#builder.branch(meeting, merged, beside);
  }

  #replace(leaf: Ref, change: LeafChange): Ref {
    const { arena } = this.#builder;
    if (change.leaf === undefined) {
      this.sizeChange--;
      return 0;
    }
    return arena.hasLeafHash(leaf, change.leaf) ? leaf : arena.newLeaf(change.key, change.leaf);
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
