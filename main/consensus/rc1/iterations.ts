/** Which D an rc.1 producer may have, other than the one that the rule gives (chapter 03 §4.3, open question O11). */
import { nextD, PARTICIPATION_FULL_PERMILLE, type DifficultyParams } from "../../protocol/timechain/difficulty.ts";

/** So many steps up or down from the expected value: a producer may have skipped some, or taken them in other epochs. */
const STEPS_MAX = 8;

/** `expected` first, then what lies nearest to it, each once. */
export function possibleIterations(params: DifficultyParams, expected: bigint): bigint[] {
  const { dAdjustmentRateNum: rate, dAdjustmentRateDen: unit } = params;
  const values = [expected];
  let up = expected;
  let down = expected;
  for (let step = 0; step < STEPS_MAX; step++) {
    up = nextD(params, up, PARTICIPATION_FULL_PERMILLE);
    values.push(...before(params, down, BigInt(unit), BigInt(unit + rate)), up, nextD(params, expected, 0));
    down = (down * BigInt(unit)) / BigInt(unit + rate);
  }
  return [...new Set(values)].filter((value) => value > 0n);
}

/** What a step up leads from to `value`: it truncates, so that several do. */
function before(params: DifficultyParams, value: bigint, numerator: bigint, denominator: bigint): bigint[] {
  const around = (value * numerator) / denominator;
  return [around - 1n, around, around + 1n].filter(
    (candidate) => candidate > 0n && nextD(params, candidate, PARTICIPATION_FULL_PERMILLE) === value,
  );
}
