import { expect, test } from "vitest";

import { timerLength } from "./timers.ts";

test("phases last longer from round to round and never less than half a second", () => {
  const d = 325_000_000n;
  expect(timerLength("propose", 1, d)).toEqual({ iterations: 2n * 20_312_500n, atLeastMs: 500 });
  expect(timerLength("prevote", 3, d)).toEqual({ iterations: 3n * 20_312_500n, atLeastMs: 500 });
  expect(timerLength("precommit", 255, d).iterations).toBe(255n * 20_312_500n);
  expect(timerLength("prevote", 1, 1n)).toEqual({ iterations: 0n, atLeastMs: 500 });
});

test("the grace of a leader ends with the VDF alone", () => {
  expect(timerLength("grace", 0, 6400n)).toEqual({ iterations: 100n, atLeastMs: 0 });
});
