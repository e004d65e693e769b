/** Tables verified in parts (chapter 02 §4.12): the manifest of subtree roots, and the records of one prefix. */
import type { Hash32 } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import { NODE_BATCH_MAX, NodeBatch } from "./batches.ts";
import { leafHashes } from "./hashing.ts";
import { prefixOf } from "./order.ts";
import { SparseMerkleTree } from "./tree.ts";

const LEAVES_PER_SUBTREE = 16;
const MANIFEST_LEVELS_PER_PREFIX = 4;

export interface SubtreeDepths {
  /** d: the manifest lists the 2^d roots at level 256 − d. */
  readonly manifest: number;
  /** e: records are fetched by prefixes of e bits. */
  readonly prefix: number;
}

/** d and e for a table of `count` records. */
export function subtreeDepths(count: number): SubtreeDepths {
  let manifest = 0;
  while (2 ** manifest * LEAVES_PER_SUBTREE < count) manifest++;
  return { manifest, prefix: Math.max(0, manifest - MANIFEST_LEVELS_PER_PREFIX) };
}

/**
 * The root above all 2^d subtree roots of one level, given in tree order. Throws `ProtocolError("bad-count")` where their
 * number is no power of two.
 */
export function foldSubtreeRoots(crypto: Crypto, roots: readonly Hash32[]): Hash32 {
  if (!Number.isInteger(Math.log2(roots.length))) throw new ProtocolError("bad-count", { count: roots.length });
  const batch = new NodeBatch();
  let level = roots;
  while (level.length > 1) level = foldPairs(crypto, level, batch);
  return level[0]!;
}

function foldPairs(crypto: Crypto, roots: readonly Hash32[], batch: NodeBatch): Hash32[] {
  const above: Hash32[] = [];
  for (let start = 0; start < roots.length; start += 2 * NODE_BATCH_MAX) {
    const count = Math.min(NODE_BATCH_MAX, (roots.length - start) / 2);
    batch.begin(count);
    for (let i = 0; i < count; i++) batch.setChildren(i, roots[start + 2 * i]!, roots[start + 2 * i + 1]!);
    batch.hash(crypto, count);
    for (let i = 0; i < count; i++) above.push(batch.digest(i));
  }
  return above;
}

/**
 * What the manifest must list for prefix `prefix` of `depths.prefix` bits, when `entries` are all records under it: the
 * 2^(d−e) subtree roots from index prefix · 2^(d−e). Throws `ProtocolError("wrong-prefix")` for a record that lies elsewhere.
 */
export function prefixSubtreeRoots(
  crypto: Crypto,
  depths: SubtreeDepths,
  prefix: number,
  entries: readonly { readonly key: Hash32; readonly record: Uint8Array }[],
): Hash32[] {
  for (const { key } of entries) {
    if (prefixOf(key, depths.prefix) !== prefix) throw new ProtocolError("wrong-prefix", { prefix });
  }
  const leaves = leafHashes(
    crypto,
    entries.map(({ record }) => record),
  );
  const tree = SparseMerkleTree.empty(crypto).update(entries.map(({ key }, i) => ({ key, leaf: leaves[i] })));
  const count = 2 ** (depths.manifest - depths.prefix);
  return tree.subtreeRoots(depths.manifest, prefix * count, count);
}
