/** How long a candidate chain must be, given how many wait and how many are active (chapter 05 §4.4, §4.5). */
import { U64_MAX } from "../codec/codec.ts";
import type { NetworkRules } from "../genesis/rules.ts";

/** Up to this pressure, in candidates per thousand active nodes, the base length suffices. */
const FREE_PRESSURE_PERMILLE = 10n;
const PERMILLE = 1000n;

/**
 * The reference's barrier (§4.4) in windows, a u64: `tau2` up to 10 candidates per thousand active nodes, above that
 * `tau2` × permille / 10. The permille is cut to an integer first; both products saturate.
 */
export function requiredVdfLength(pending: bigint, active: bigint, tau2: bigint): bigint {
  if (active === 0n) return tau2;
  const permille = saturatingProduct(pending, PERMILLE) / active;
  return permille > FREE_PRESSURE_PERMILLE ? saturatingProduct(tau2, permille) / FREE_PRESSURE_PERMILLE : tau2;
}

/**
 * The barrier of a network (§4.5): in `per-window` one selection interval of candidates, as many as are admitted in that
 * time, waits for free.
 */
export function registrationBarrier(rules: NetworkRules, pending: bigint, active: bigint): bigint {
  const { tau2Windows, selectionInterval } = rules.params;
  const freeQueue = rules.admission === "per-window" ? selectionInterval : 0n;
  return pending < freeQueue ? tau2Windows : requiredVdfLength(pending, active, tau2Windows);
}

function saturatingProduct(a: bigint, b: bigint): bigint {
  const product = a * b;
  return product > U64_MAX ? U64_MAX : product;
}
