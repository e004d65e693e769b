/** How much there is (chapter 02 §4.5). Amounts are nɈ. */
import { U128_MAX } from "../codec/codec.ts";
import { ProtocolError } from "../errors.ts";

/** What window `window` earns: the same for all. */
export function rewardOf(emissionMoneta: bigint): bigint {
  return emissionMoneta;
}

/**
 * What windows 0 to `window` have earned: the figure that is displayed. The balances add up to one reward less after
 * proposal `window`, for the reward of a window is credited by the next. Throws `ProtocolError("supply-overflow")`.
 */
export function supplyAt(emissionMoneta: bigint, window: bigint): bigint {
  const supply = rewardOf(emissionMoneta) * (window + 1n);
  if (supply > U128_MAX) throw new ProtocolError("supply-overflow", { window });
  return supply;
}

/** Σ balance after proposal `window`: the figure that is audited, and equal to the supply one window earlier. */
export function creditedBy(emissionMoneta: bigint, window: bigint): bigint {
  return emissionMoneta * window;
}
