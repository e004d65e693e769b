import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chainProgress } from "./chainProgress.ts";
import { CANDIDATE } from "./join.fixture.ts";

describe("the progress of a candidate chain", () => {
  it("counts whole windows, and the iterations of the one that is computed", () => {
    expect(chainProgress({ ...CANDIDATE, done: 8_468_250 })).toEqual({
      ...{ windowsDone: 8468, windowsTotal: 20_160, share: 8_468_250 / 20_160_000, percent: 42 },
      ...{ iterations: 250, d: 1000, activity: "runs" },
    });
  });

  it("shows tenths of a percent at the beginning alone", () => {
    const shown = [0, 100, 8468, 20_159, 20_160].map(
      (windows) => chainProgress({ ...CANDIDATE, done: windows * CANDIDATE.d }).percent,
    );
    expect(shown).toEqual([0, 0.5, 42, 99, 100]);
  });

  it("never shows more windows or percent than are done", () => {
    fc.assert(
      fc.property(
        fc.nat(1e9),
        fc.integer({ min: 1, max: 1e6 }),
        fc.integer({ min: 1, max: 20_160 }),
        (work, d, total) => {
          const done = Math.min(work, d * total);
          const { windowsDone, iterations, percent } = chainProgress({ ...CANDIDATE, done, d, total: d * total });
          expect(windowsDone * d + iterations).toBe(done);
          expect(percent === 100).toBe(windowsDone === total);
        },
      ),
    );
  });

  it("says what the chain does, and why it stands", () => {
    const whole = CANDIDATE.total;
    const activities = [
      { ...CANDIDATE, isPaused: true },
      { ...CANDIDATE, waitsFor: "mains" },
      { ...CANDIDATE, waitsFor: "night" },
      { ...CANDIDATE, done: whole, isPaused: true },
      { ...CANDIDATE, done: whole, isPublishing: true },
    ].map((candidate) => chainProgress(candidate).activity);
    expect(activities).toEqual(["paused", "waits-for-mains", "waits", "finished", "publishing"]);
  });
});
