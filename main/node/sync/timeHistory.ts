/**
 * D of every epoch, from nothing but the T of headers: D moves at most one known step at a boundary, so that hashing one window
 * of an epoch tells which one it was (chapter 03 §4.3, §4.4; decision O9).
 */
import { randomInt } from "node:crypto";

import type { Native } from "../../native/interface.ts";
import type { Hash32 } from "../../protocol/bytes.ts";
import type { NetworkRules } from "../../protocol/genesis/rules.ts";
import { nextD, PARTICIPATION_FULL_PERMILLE } from "../../protocol/timechain/difficulty.ts";

export class TimeHistory {
  readonly #tau2Windows: bigint;
  /** By epoch. */
  readonly values: readonly bigint[];

  constructor(tau2Windows: bigint, values: readonly bigint[]) {
    this.#tau2Windows = tau2Windows;
    this.values = values;
  }

  /** Iterations of the step from T_(window − 1) to T_window. */
  dOfStepTo(window: bigint): bigint {
    return this.values[Number((window - 1n) / this.#tau2Windows)]!;
  }
}

/**
 * Finds D of the epochs whose steps lie in windows 1 … `through`. Undefined where in some epoch no D that the rules allow leads
 * from one T to the next: the TimeChain is not right. Rejects with `cancelled`.
 */
export async function findTimeHistory(
  crypto: Native,
  rules: NetworkRules,
  through: bigint,
  timechainValue: (window: bigint) => Hash32,
  signal: AbortSignal,
): Promise<TimeHistory | undefined> {
  const { d0, tau2Windows } = rules.params;
  const values = [d0];
  for (let first = tau2Windows + 1n; first <= through; first += tau2Windows) {
    const last = first + tau2Windows - 1n < through ? first + tau2Windows - 1n : through;
    const window = first + BigInt(randomInt(Number(last - first) + 1));
    const candidates = followers(rules, values.at(-1)!);
    const segments = candidates.map((d) => ({
      start: timechainValue(window - 1n),
      iterations: Number(d),
      claimedEnd: timechainValue(window),
    }));
    const found = (await crypto.verifySegments(segments, { threads: 1, signal })).indexOf(true);
    if (found < 0) return undefined;
    values.push(candidates[found]!);
  }
  return new TimeHistory(tau2Windows, values);
}

/** What D may be after a boundary: the same, one step up, one step down. */
function followers({ params, profile }: NetworkRules, d: bigint): bigint[] {
  const up = nextD(params, d, PARTICIPATION_FULL_PERMILLE);
  return profile === "rc1" ? [up] : [...new Set([d, up, nextD(params, d, 0)])];
}
