/**
 * The sparse Merkle tree of depth 256 (chapter 02 §4.2) as a persistent value: {@link SparseMerkleTree.update} gives a new
 * version and leaves the old one valid until it is released. Versions share what they have in common.
 *
 * Only branches with two non-empty children are kept. Each node keeps its hash lifted to the level where it meets its
 * neighbour, so that k changes cost about k folds of a single leaf and the branches above them once.
 */
import { HASH_SIZE, type Bytes, type Hash32 } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { invariant } from "../errors.ts";
import { TreeArena, type Ref } from "./arena.ts";
import { TreeBuilder } from "./builder.ts";
import { emptySubtree, leafHashes } from "./hashing.ts";
import { mergeChanges } from "./merge.ts";
import { bit, prefixOf, PREFIX_BITS_MAX, TREE_DEPTH } from "./order.ts";

/** What one key becomes; an undefined or all-zero leaf hash removes it. */
export interface LeafChange {
  readonly key: Hash32;
  readonly leaf: Hash32 | undefined;
}

/** Siblings on the way from a key up to the root that are not empty subtrees. */
export interface Siblings {
  /** Bit L is set where the sibling at level L is listed. */
  readonly bitmap: Bytes<32>;
  /** By ascending level. */
  readonly siblings: readonly Hash32[];
}

/** Bounds the list of {@link SparseMerkleTree.subtreeRoots}: 2^20 roots serve a tree of 16 million leaves (§4.12). */
const SUBTREE_ROOTS_MAX = 2 ** 20;

export class SparseMerkleTree {
  readonly root: Hash32;
  /** Number of leaves. */
  readonly size: number;
  readonly #crypto: Crypto;
  readonly #arena: TreeArena;
  #top: Ref;
  #isReleased = false;

  /** For this folder; everyone else starts with {@link SparseMerkleTree.empty}. The tree takes over the caller's hold of `top`. */
  constructor(crypto: Crypto, arena: TreeArena, top: Ref, size: number) {
    this.#crypto = crypto;
    this.#arena = arena;
    this.#top = top;
    this.size = size;
    this.root = top === 0 ? emptySubtree(crypto, TREE_DEPTH) : arena.lifted(top);
  }

  /** A tree without leaves. All versions that come from it lie in one `arena`, whose memory goes with the last of them. */
  static empty(crypto: Crypto, arena = new TreeArena()): SparseMerkleTree {
    return new SparseMerkleTree(crypto, arena, 0, 0);
  }

  /** The leaf hash of `key`. */
  get(key: Hash32): Hash32 | undefined {
    this.#checkUsable();
    const arena = this.#arena;
    let node = this.#top;
    while (node > 0) node = bit(key, arena.level(node) - 1) === 0 ? arena.left(node) : arena.right(node);
    return node === 0 || arena.meetingLevel(node, key) !== 0 ? undefined : arena.leafHash(node);
  }

  /** The version with `changes` made; of several for one key the last counts, otherwise their order means nothing. */
  update(changes: readonly LeafChange[]): SparseMerkleTree {
    this.#checkUsable();
    const builder = new TreeBuilder(this.#crypto, this.#arena);
    const { top, sizeChange } = mergeChanges(builder, this.#top, changes);
    const held = top === 0 ? 0 : builder.attach(top, TREE_DEPTH);
    builder.hash();
    return new SparseMerkleTree(this.#crypto, this.#arena, held, this.size + sizeChange);
  }

  /** Frees what no other version shares. The version must not be used afterwards. */
  release(): void {
    this.#checkUsable();
    this.#isReleased = true;
    if (this.#top !== 0) this.#arena.release(this.#top);
    this.#top = 0;
  }

  /** What a proof for `key`, present or not, carries (§4.3). */
  siblings(key: Hash32): Siblings {
    this.#checkUsable();
    const arena = this.#arena;
    const bitmap = new Uint8Array(HASH_SIZE) as Bytes<32>;
    const hashes: Hash32[] = [];
    const add = (level: number, hash: Hash32): void => {
      bitmap[level >> 3]! |= 1 << (level & 7);
      hashes.push(hash);
    };
    for (let node = this.#top; node !== 0;) {
      const level = arena.level(node);
      const meeting = arena.meetingLevel(arena.firstLeaf(node), key);
      if (meeting > level) {
        add(meeting - 1, this.#hashesAt([node], meeting - 1)[0]!);
        break;
      }
      if (node < 0) break;
      const isRight = bit(key, level - 1) === 1;
      add(level - 1, arena.lifted(isRight ? arena.left(node) : arena.right(node)));
      node = isRight ? arena.right(node) : arena.left(node);
    }
    return { bitmap, siblings: hashes.reverse() };
  }

  /**
   * Roots of the subtrees at level 256 − `depth` in tree order (§4.12): all 2^depth, or `count` of them from index `first`.
   * Throws `RangeError` for a depth above 48 or more than 2^20 roots.
   */
  subtreeRoots(depth: number, first = 0, count = 2 ** depth - first): Hash32[] {
    this.#checkUsable();
    const isInRange = depth >= 0 && depth <= PREFIX_BITS_MAX && first >= 0 && first + count <= 2 ** depth;
    if (!isInRange || count > SUBTREE_ROOTS_MAX) {
      throw new RangeError(`no ${count} subtree roots from ${first} at depth ${depth}`);
    }
    const level = TREE_DEPTH - depth;
    const nodes: Ref[] = [];
    const indexes: number[] = [];
    const arena = this.#arena;
    const visit = (node: Ref): void => {
      if (arena.level(node) > level) {
        visit(arena.left(node));
        visit(arena.right(node));
        return;
      }
      const index = prefixOf(arena.key(arena.firstLeaf(node)), depth) - first;
      if (index < 0 || index >= count) return;
      nodes.push(node);
      indexes.push(index);
    };
    if (this.#top !== 0) visit(this.#top);
    const roots = new Array<Hash32>(count).fill(emptySubtree(this.#crypto, level));
    for (const [i, hash] of this.#hashesAt(nodes, level).entries()) roots[indexes[i]!] = hash;
    return roots;
  }

  /**
   * All leaves in tree order, as 96 bytes each: key, leaf hash, and the hash of the subtree of this leaf alone where it
   * meets its neighbour. Each is valid until the next one, or an update, is asked for.
   */
  *leaves(): Iterable<Uint8Array> {
    this.#checkUsable();
    const arena = this.#arena;
    const stack: Ref[] = this.#top === 0 ? [] : [this.#top];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node > 0) {
        stack.push(arena.right(node), arena.left(node));
      } else {
        yield arena.entry(node);
      }
    }
  }

  /** Hashes of subtrees as seen at `level`, which is not above the one at which each is seen in this tree. */
  #hashesAt(nodes: readonly Ref[], level: number): Hash32[] {
    const builder = new TreeBuilder(this.#crypto, this.#arena);
    const held = nodes.map((node) => builder.attach(node, level));
    builder.hash();
    const hashes = held.map((node) => this.#arena.lifted(node));
    for (const node of held) this.#arena.release(node);
    return hashes;
  }

  #checkUsable(): void {
    invariant(!this.#isReleased, "a released tree is not used");
  }
}

/** The root of a tree that is needed once; for small sets, such as those that a proposal commits to. */
export function rootOf(
  crypto: Crypto,
  entries: Iterable<{ readonly key: Hash32; readonly record: Uint8Array }>,
): Hash32 {
  const list = [...entries];
  const leaves = leafHashes(
    crypto,
    list.map(({ record }) => record),
  );
  return SparseMerkleTree.empty(crypto).update(list.map(({ key }, i) => ({ key, leaf: leaves[i] }))).root;
}
