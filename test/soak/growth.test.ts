import { expect, test } from "vitest";

import { growthOf } from "./growth.ts";

const SPAN = 600;
const series = (valueAt: (seconds: number) => number) =>
  Array.from({ length: 60 }, (_, i) => ({ seconds: 10 * i, value: valueAt(10 * i) }));

test("a first third that fills caches, and memory that is not cleaned up yet, are no growth", () => {
  expect(
    growthOf(
      series((seconds) => Math.min(seconds, 200)),
      SPAN,
    ).growth,
  ).toBe(0);
  expect(
    growthOf(
      series((seconds) => 100 + (seconds % 70)),
      SPAN,
    ).growth,
  ).toBeLessThan(20);
});

test("what rises through all thirds is", () => {
  expect(
    growthOf(
      series((seconds) => 100 + seconds / 10),
      SPAN,
    ).growth,
  ).toBe(20);
});

test("a few samples say nothing", () => {
  expect(growthOf(series(() => 1).slice(0, 42), SPAN)).toEqual({ thirds: [1, 1, null], growth: null });
});
