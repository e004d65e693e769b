/** How D, the iterations of a window, follows participation from epoch to epoch (chapter 03 §4.4). */
import { U64_MAX } from "../codec/codec.ts";
import { invariant, ProtocolError } from "../errors.ts";
import type { ProtocolParams } from "../genesis/params.ts";

/** Everybody took part. Proposal 0 counts as this, and in profile `rc1` every proposal does. */
export const PARTICIPATION_FULL_PERMILLE = 1000;

export type DifficultyParams = Pick<
  ProtocolParams,
  "participationDeadZoneLow" | "participationDeadZoneHigh" | "dAdjustmentRateNum" | "dAdjustmentRateDen"
>;

/**
 * D of the next epoch: one step up at or above the dead zone, one step down at or below it, else `d`. Truncates, so small
 * values stick or decay to 0. Halts with `ProtocolError("next-d-overflow")` where the product leaves u64.
 */
export function nextD(params: DifficultyParams, d: bigint, medianPermille: number): bigint {
  const rate = BigInt(params.dAdjustmentRateNum);
  const unit = BigInt(params.dAdjustmentRateDen);
  if (medianPermille >= params.participationDeadZoneHigh * 10) return scale(d, unit + rate, unit);
  if (medianPermille <= params.participationDeadZoneLow * 10) return scale(d, unit - rate, unit);
  return d;
}

function scale(d: bigint, numerator: bigint, denominator: bigint): bigint {
  const product = d * numerator;
  if (product > U64_MAX) throw new ProtocolError("next-d-overflow", { d });
  return product / denominator;
}

/**
 * Participation of one proposal in permille: weight of the active signers of its included bundles, of all active weight of
 * the bundles' window. Proposal 0 includes no bundles and counts as {@link PARTICIPATION_FULL_PERMILLE}.
 */
export function participationPermille(includedWeight: bigint, activeWeight: bigint): number {
  invariant(activeWeight > 0n && includedWeight <= activeWeight, "the included weight is a part of the active weight");
  return Number((BigInt(PARTICIPATION_FULL_PERMILLE) * includedWeight) / activeWeight);
}

/**
 * Median of an epoch's proposals. `counts[p]` is how many of them had a participation of p permille, which holds the same as
 * the sorted list; of n samples it is that at index ⌊n / 2⌋.
 */
export function medianPermille(counts: Uint32Array): number {
  let samples = 0;
  for (const count of counts) samples += count;
  invariant(samples > 0, "an epoch has proposals");
  const index = Math.floor(samples / 2);
  let median = 0;
  for (let upTo = counts[0]!; upTo <= index; upTo += counts[median]!) median++;
  return median;
}
