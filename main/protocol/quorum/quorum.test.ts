import fc from "fast-check";
import { expect, test } from "vitest";

import { MONTANA_PARAMS } from "../genesis/montana.ts";
import { U64_MAX } from "../codec/codec.ts";
import { isCemented, quorum } from "./quorum.ts";

/** Beyond it the arithmetic saturates and the bound is a bound no more. */
const EXACT_MAX = (U64_MAX - 99n) / 67n;
const activeWeight = fc.bigInt(1n, EXACT_MAX);

test("a quorum is possible, is at least 67 percent, and one less is none", () => {
  fc.assert(
    fc.property(activeWeight, (active) => {
      const needed = quorum(MONTANA_PARAMS, active);
      expect(needed <= active && 100n * needed >= 67n * active).toBe(true);
      expect(isCemented(MONTANA_PARAMS, needed, active)).toBe(true);
      expect(isCemented(MONTANA_PARAMS, needed - 1n, active)).toBe(false);
    }),
  );
});

test("two quorums share at least 34 percent of the weight", () => {
  fc.assert(
    fc.property(activeWeight, (active) => {
      expect(100n * (2n * quorum(MONTANA_PARAMS, active) - active) >= 34n * active).toBe(true);
    }),
  );
});

test.each([
  [1, 1],
  [2, 2],
  [3, 3],
  [4, 3],
  [5, 4],
  [6, 5],
  [7, 5],
  [10, 7],
  [100, 67],
])("of %i nodes of equal weight %i are a quorum", (nodes, needed) => {
  fc.assert(
    fc.property(fc.bigInt(1n, 1_000_000n), (weight) => {
      const active = BigInt(nodes) * weight;
      expect(isCemented(MONTANA_PARAMS, BigInt(needed) * weight, active)).toBe(true);
      expect(isCemented(MONTANA_PARAMS, BigInt(needed - 1) * weight, active)).toBe(false);
    }),
  );
});
