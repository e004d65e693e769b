/** The sequential delay function: iterated SHA-256 without a domain (chapter 03 §4.2, §4.3). */
import { equalBytes, type Hash32 } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";

/** One call of the primitive takes a `number` of iterations; this many fit every implementation of it. */
const ITERATIONS_PER_CALL_MAX = 2n ** 30n;

/**
 * `iterations` times SHA-256 on a 32-byte value; 0 gives `previous` back. A window cut into parts gives the same value:
 * `vdfStep(vdfStep(x, a), b) = vdfStep(x, a + b)`. Blocks for as long as the hashing takes: the caller bounds `iterations`.
 */
export function vdfStep(crypto: Crypto, previous: Hash32, iterations: bigint): Hash32 {
  let value = previous;
  for (let left = iterations; left > 0n; left -= ITERATIONS_PER_CALL_MAX) {
    value = crypto.sha256Chain(value, Number(left < ITERATIONS_PER_CALL_MAX ? left : ITERATIONS_PER_CALL_MAX));
  }
  return value;
}

/** There is no proof: verifying costs as much as computing. */
export function vdfVerify(crypto: Crypto, previous: Hash32, iterations: bigint, claim: Hash32): boolean {
  return equalBytes(vdfStep(crypto, previous, iterations), claim);
}
