/** The two drawn orders of entry (chapter 05 §4.1): 32 bytes each, smaller goes first. */
import type { Hash32, NodeId } from "../bytes.ts";
import type { Crypto, PublicKey } from "../crypto.ts";
import { taggedHash } from "../hash.ts";

/**
 * Order of the registrations of one window: over T of that window, the aggregate of two windows before, and the node's
 * 1952-byte key, not its id.
 */
export function registrationSortKey(
  crypto: Crypto,
  timechainValue: Hash32,
  aggregate: Hash32,
  nodePubkey: PublicKey,
): Hash32 {
  return taggedHash(crypto, "mt-nodereg-sort", timechainValue, aggregate, nodePubkey);
}

/** Rank of a candidate in the selection event of a window: over T of that window and the aggregate of two windows before. */
export function selectionSortKey(crypto: Crypto, timechainValue: Hash32, aggregate: Hash32, nodeId: NodeId): Hash32 {
  return taggedHash(crypto, "mt-selection", timechainValue, aggregate, nodeId);
}
