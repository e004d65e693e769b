import fc from "fast-check";
import { expect, test } from "vitest";

import { U64_MAX } from "../codec/codec.ts";
import { MONTANA_PARAMS } from "../genesis/montana.ts";
import { rulesOf } from "../genesis/rules.ts";
import { adaptEpoch, genesisEpoch, recordProposal } from "../transition/adaptEpoch.ts";
import { medianPermille, nextD, PARTICIPATION_FULL_PERMILLE, participationPermille } from "./difficulty.ts";

/** The largest D whose step up stays within u64. */
const D_MAX = U64_MAX / 103n;
const d = fc.bigInt(0n, D_MAX);
const permille = fc.nat(PARTICIPATION_FULL_PERMILLE);

test("D stays, or moves by three percent, truncated", () => {
  fc.assert(
    fc.property(d, permille, (current, median) => {
      expect([(current * 97n) / 100n, current, (current * 103n) / 100n]).toContain(
        nextD(MONTANA_PARAMS, current, median),
      );
    }),
  );
});

test("D never falls when more take part", () => {
  fc.assert(
    fc.property(d, permille, permille, (current, a, b) => {
      const less = nextD(MONTANA_PARAMS, current, Math.min(a, b));
      expect(less <= nextD(MONTANA_PARAMS, current, Math.max(a, b))).toBe(true);
    }),
  );
});

test.each([
  [850, 97n],
  [851, 100n],
  [949, 100n],
  [950, 103n],
])("a median of %i permille takes D from 100 to %i", (median, expected) => {
  expect(nextD(MONTANA_PARAMS, 100n, median)).toBe(expected);
});

test("a product beyond u64 halts, the largest within it does not", () => {
  expect(nextD(MONTANA_PARAMS, D_MAX, 1000)).toBe((D_MAX * 103n) / 100n);
  expect(() => nextD(MONTANA_PARAMS, D_MAX + 1n, 1000)).toThrow("next-d-overflow");
  expect(nextD(MONTANA_PARAMS, U64_MAX, 900)).toBe(U64_MAX);
});

test("the median of counted samples is that of the sorted list", () => {
  fc.assert(
    fc.property(fc.array(permille, { minLength: 1, maxLength: 60 }), (samples) => {
      const sorted = samples.toSorted((a, b) => a - b);
      expect(medianPermille(countsOf(samples))).toBe(sorted[Math.floor(samples.length / 2)]);
    }),
  );
});

test("the median of an epoch is the sample at index 10,080", () => {
  const below = Array<number>(10_080).fill(840);
  const above = Array<number>(10_079).fill(990);
  expect(medianPermille(countsOf([...below, 900, ...above]))).toBe(900);
});

test("participation is the truncated share of the active weight", () => {
  fc.assert(
    fc.property(fc.bigInt(1n, U64_MAX), fc.bigInt(0n, U64_MAX), (active, other) => {
      const included = other % (active + 1n);
      const ratio = BigInt(participationPermille(included, active));
      expect(ratio * active <= 1000n * included && 1000n * included < (ratio + 1n) * active).toBe(true);
    }),
  );
});

test("D changes only for the step after an epoch boundary", () => {
  const tau2Windows = 4n;
  const params = { ...MONTANA_PARAMS, d0: 100n, tau2Windows };
  const rules = rulesOf(params, "spec");
  let epoch = genesisEpoch(rules);
  const changes: bigint[] = [];
  for (let window = 0n; window < 14n; window++) {
    const dOfNextWindow = adaptEpoch(rules, epoch, window).d;
    if (dOfNextWindow !== epoch.d) changes.push(window + 1n);
    epoch = recordProposal(adaptEpoch(rules, epoch, window), PARTICIPATION_FULL_PERMILLE, 0);
  }
  expect(changes).toEqual([5n, 9n, 13n]);
});

function countsOf(samples: readonly number[]): Uint32Array {
  const counts = new Uint32Array(PARTICIPATION_FULL_PERMILLE + 1);
  for (const sample of samples) counts[sample]!++;
  return counts;
}
