/** The seed aggregate over the signers of a window's bundles (chapter 01 §4.12 R3, chapter 03 §4.8). */
import { compareBytes, concatBytes, ZERO_HASH, type Hash32, type NodeId } from "../bytes.ts";
import { encode, u64 } from "../codec/codec.ts";
import type { Crypto } from "../crypto.ts";
import { taggedHash } from "../hash.ts";

const FIRST_AGGREGATED_WINDOW = 2n;
const LOOKBACK_WINDOWS = 2n;

/**
 * cba(window) over the set of signers of those bundles of `window` that the decided proposal `window` + 1 includes.
 * Independent of their order; the caller passes no signer twice. Zeros for windows 0 and 1, whatever the set.
 */
export function cementedBundleAggregate(crypto: Crypto, window: bigint, signers: readonly NodeId[]): Hash32 {
  if (window < FIRST_AGGREGATED_WINDOW) return ZERO_HASH;
  const index = encode(u64, window);
  if (signers.length === 0) return taggedHash(crypto, "mt-bc-aggregate-empty", index);
  return taggedHash(crypto, "mt-bc-aggregate", concatBytes(...signers.toSorted(compareBytes)), index);
}

/** The window whose aggregate seeds the draws and chains of `window`: W − 2, and 0 where that would be negative. */
export function lookbackOf(window: bigint): bigint {
  return window < LOOKBACK_WINDOWS ? 0n : window - LOOKBACK_WINDOWS;
}
