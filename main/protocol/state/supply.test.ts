import fc from "fast-check";
import { expect, it } from "vitest";

import { U128_MAX, U64_MAX } from "../codec/codec.ts";
import { MONTANA_PARAMS } from "../genesis/montana.ts";
import { creditedBy, rewardOf, supplyAt } from "./supply.ts";

const { emissionMoneta } = MONTANA_PARAMS;

it("the supply grows by one reward a window and fits for every window", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, U64_MAX - 1n), (window) => {
      expect(supplyAt(emissionMoneta, window + 1n) - supplyAt(emissionMoneta, window)).toBe(rewardOf(emissionMoneta));
    }),
  );
  expect(supplyAt(emissionMoneta, U64_MAX)).toBeLessThanOrEqual(U128_MAX);
});

it("what is credited by a proposal is the supply of one window earlier", () => {
  expect(creditedBy(emissionMoneta, 0n)).toBe(0n);
  fc.assert(
    fc.property(fc.bigInt(1n, U64_MAX), (window) => {
      expect(creditedBy(emissionMoneta, window)).toBe(supplyAt(emissionMoneta, window - 1n));
    }),
  );
});

it("a supply beyond 2^128 - 1 is an error, never a smaller number", () => {
  expect(supplyAt(U128_MAX, 0n)).toBe(U128_MAX);
  expect(() => supplyAt(U128_MAX, 1n)).toThrow("supply-overflow");
});
