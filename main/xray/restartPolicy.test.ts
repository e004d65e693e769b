import fc from "fast-check";
import { expect, test } from "vitest";

import { nextRestartDelay } from "./restartPolicy.ts";

const SECOND = 1_000;

/** Delays of exits that come so many milliseconds after each other; it ends where the policy gives up. */
function delaysOf(gaps: readonly number[]): (number | undefined)[] {
  const exits: number[] = [];
  const delays: (number | undefined)[] = [];
  for (const gap of gaps) {
    exits.push((exits.at(-1) ?? 0) + gap);
    delays.push(nextRestartDelay(exits));
    if (delays.at(-1) === undefined) break;
  }
  return delays;
}

test("an engine is started again at once, then later and later, up to half a minute", () => {
  const gaps = [0, ...new Array<number>(8).fill(40 * SECOND)];
  expect(delaysOf(gaps)).toEqual([0, 1, 2, 4, 8, 16, 30, 30, 30].map((seconds) => seconds * SECOND));
});

test("three ends within a minute are the last", () => {
  expect(delaysOf([0, 29 * SECOND, 30 * SECOND])).toEqual([0, SECOND, undefined]);
  expect(delaysOf([0, 29 * SECOND, 31 * SECOND])).toEqual([0, SECOND, 2 * SECOND]);
});

test("a minute without an end starts the delays anew", () => {
  expect(delaysOf([0, 40 * SECOND, 60 * SECOND])).toEqual([0, SECOND, 0]);
});

test("no delay is longer than half a minute, and giving up always has its three ends", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(200 * SECOND), { minLength: 1, maxLength: 40 }), (gaps) => {
      const delays = delaysOf(gaps);
      for (const delay of delays) expect(delay ?? 0).toBeLessThanOrEqual(30 * SECOND);
      if (delays.at(-1) === undefined) expect(delays.length).toBeGreaterThanOrEqual(3);
    }),
  );
});
