/** Which tickets may be revealed (chapter 03 §4.12). */
import { U128_MAX } from "../codec/codec.ts";

/** Every ticket of a node with weight is below it. */
export const INITIAL_TARGET = U128_MAX;

/** How many reveals a window is meant to have. */
const CANDIDATES_PER_WINDOW = 13n;

/** Also excludes weight 0, whose ticket is the largest u128. */
export function mayReveal(ticket: bigint, target: bigint): boolean {
  return ticket < target;
}

/**
 * Target from a boundary's window on; `revealTotal` counts the reveals that the proposals of the epoch before it included.
 * Unchanged where there were none.
 */
export function calibrateTarget(target: bigint, revealTotal: bigint, tau2Windows: bigint): bigint {
  if (revealTotal === 0n) return target;
  const calibrated = (target * CANDIDATES_PER_WINDOW * tau2Windows) / revealTotal;
  return calibrated < U128_MAX ? calibrated : U128_MAX;
}
