import fc from "fast-check";
import { expect, test } from "vitest";

import { PER_WINDOW, SELECTION } from "./entry.fixture.ts";
import { chainProgressTenths, estimateProving, estimateRegistered, estimateSeconds } from "./status.ts";

test.each([
  [0n, 0],
  [100n, 5],
  [10n, 0],
  [11n, 1],
  [201n, 10],
  [202n, 10],
  // The chapter's example says 42 % here, its rule says to cut.
  [8467n, 410],
  [8468n, 420],
  [20_159n, 990],
  [20_160n, 1000],
])("%d of 20160 windows are %d tenths of a percent", (progress, tenths) => {
  expect(chainProgressTenths(progress, 20_160n)).toBe(tenths);
});

test("progress never goes back and shows 100 % only when the chain is done", () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 10n ** 9n), fc.bigInt(0n, 10n ** 9n), (target, some) => {
      const progress = some % target;
      expect(chainProgressTenths(progress, target)).toBeLessThan(1000);
      expect(chainProgressTenths(progress + 1n, target)).toBeGreaterThanOrEqual(chainProgressTenths(progress, target));
    }),
  );
});

test("in `per-window` the position in the queue is the number of windows", () => {
  expect(estimateRegistered(PER_WINDOW, 1003n, 2n, 3n, 3n)).toEqual({ earliest: 2n, expected: 2n });
});

test("a chain of 20150 of 20160 windows with three candidates waiting needs 13 windows in `per-window`", () => {
  expect(estimateProving(PER_WINDOW, 1003n, 10n, 3n, 3n)).toEqual({ earliest: 13n, expected: 13n });
  expect(estimateProving(PER_WINDOW, 1003n, 10n, 20n, 3n)).toEqual({ earliest: 21n, expected: 21n });
});

test("in `selection` the next event is the earliest, and a longer pool means more events", () => {
  expect(estimateRegistered(SELECTION, 335n, 1n, 1n, 1n)).toEqual({ earliest: 1n, expected: 1n });
  expect(estimateRegistered(SELECTION, 336n, 1n, 4n, 1n)).toEqual({ earliest: 336n, expected: 336n + 3n * 336n });
  expect(estimateRegistered(SELECTION, 336n, 1n, 4n, 260n)).toEqual({ earliest: 336n, expected: 336n + 336n });
  expect(estimateProving(SELECTION, 323n, 10n, 0n, 1n)).toEqual({ earliest: 13n, expected: 13n });
});

test("durations are those of the last 60 windows, and 60 s each until one is measured", () => {
  expect(estimateSeconds(20_160n, [])).toBe(20_160 * 60);
  const slowThenFast = [...new Array<number>(60).fill(90_000), ...new Array<number>(60).fill(1500)];
  expect(estimateSeconds(10n, slowThenFast)).toBe(15);
});
