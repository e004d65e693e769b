/** Which hashes a set of bundles cements (chapter 03 §4.15). */
import { byteKey, compareBytes, type Hash32, type NodeId } from "../bytes.ts";
import { invariant } from "../errors.ts";
import type { Weights } from "./weights.ts";

/** The hashes of one kind that one bundle lists, each once. */
export interface Listing {
  readonly nodeId: NodeId;
  readonly hashes: readonly Hash32[];
}

/**
 * The hashes that signers of weight ≥ quorum list, ascending. `listings` are of one window, whose `weights` count, and hold
 * one bundle a node.
 */
export function cementedHashes(weights: Weights, listings: readonly Listing[]): Hash32[] {
  const signers = new Set(listings.map(({ nodeId }) => byteKey(nodeId)));
  invariant(signers.size === listings.length, "a node is counted with one bundle a window");
  const support = new Map<string, { readonly hash: Hash32; weight: bigint }>();
  for (const { nodeId, hashes } of listings) {
    const weight = weights.of(nodeId);
    for (const hash of hashes) {
      const key = byteKey(hash);
      const known = support.get(key);
      if (known === undefined) support.set(key, { hash, weight });
      else known.weight += weight;
    }
  }
  return [...support.values()]
    .filter(({ weight }) => weights.isQuorum(weight))
    .map(({ hash }) => hash)
    .sort(compareBytes);
}
