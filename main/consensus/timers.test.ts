import { expect, test } from "vitest";

import { timerLength } from "./timers.ts";

test("phases last longer from round to round and never less than half a second", () => {
  const d = 325_000_000n;
  expect(timerLength("propose", 1, d)).toEqual({ iterations: 2n * 20_312_500n, atLeastMs: 500 });
  expect(timerLength("prevote", 3, d)).toMatchObject({ iterations: 3n * 20_312_500n });
  expect(timerLength("precommit", 255, d).iterations).toBe(255n * 20_312_500n);
  expect(timerLength("prevote", 1, 1n)).toEqual({ iterations: 0n, atLeastMs: 500 });
});

test("where D is tiny, phases last longer from round to round all the same, or a slow machine would never end one", () => {
  const leastMs = (round: number) => timerLength("propose", round, 1n).atLeastMs;
  expect([1, 2, 3, 16].map(leastMs)).toEqual([500, 1000, 1500, 8000]);
  expect(timerLength("precommit", 255, 1n).atLeastMs).toBe(8000);
  expect(timerLength("resend", 0, 1n).atLeastMs).toBe(500);
});

test("the grace of a leader ends with the VDF alone", () => {
  expect(timerLength("grace", 0, 6400n)).toEqual({ iterations: 100n, atLeastMs: 0 });
});
