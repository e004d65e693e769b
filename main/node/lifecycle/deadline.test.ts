import fc from "fast-check";
import { expect, test } from "vitest";

import { MONTANA_PARAMS } from "../../protocol/genesis/montana.ts";
import { rulesOf } from "../../protocol/genesis/rules.ts";
import {
  deadlineOf,
  etaOf,
  isPublishable,
  isVoid,
  nextAlarm,
  outlookOf,
  remainingSegments,
  type Alarm,
  type ChainPosition,
  type Deadline,
  type Pace,
} from "./deadline.ts";

const TAU2 = 20_160n;
const DAY = 86_400;
const RULES = rulesOf(MONTANA_PARAMS, "spec");
const NUM_RUNS = 3000;

const tau2 = fc.bigInt(3n, 30_000n);
const seconds = fc.double({ min: 0.01, max: 1000, noNaN: true });
const share = fc.double({ min: 0.01, max: 1, noNaN: true });

interface Case {
  readonly tau2Windows: bigint;
  readonly chain: ChainPosition;
  readonly pace: Pace;
}

const cases: fc.Arbitrary<Case> = tau2.chain((tau2Windows) =>
  fc
    .record({
      wStart: fc.bigInt(0n, 10n ** 6n),
      target: fc.bigInt(tau2Windows, 2n * tau2Windows),
      done: fc.bigInt(0n, 2n * tau2Windows),
      part: fc.nat(999),
      elapsed: fc.bigInt(0n, 2n * tau2Windows + 10n),
      windowSeconds: seconds,
      segmentSeconds: seconds,
      awakeShare: share,
    })
    .map(({ wStart, target, done, part, elapsed, ...rates }) => ({
      tau2Windows,
      chain: { wStart, target, done, iterations: done < target ? BigInt(part) : 0n, d: 1000n },
      pace: { window: wStart + elapsed, ...rates },
    })),
);

test("pausing for as long as is told, then running as before, never misses the deadline", () => {
  fc.assert(
    fc.property(cases, fc.double({ min: 0, max: 1, noNaN: true }), ({ tau2Windows, chain, pace }, part) => {
      const { pausableSeconds, slackSeconds } = deadlineOf(chain, tau2Windows, pace);
      fc.pre(slackSeconds >= 0);
      const finishedAfter = pausableSeconds * part + (remainingSegments(chain) * pace.segmentSeconds) / pace.awakeShare;
      const windowFinished = Number(pace.window) + finishedAfter / pace.windowSeconds;
      // Published in the window after, applied in the one after that.
      const applied = windowFinished + 2;
      fc.pre(Number(pace.window) + 2 <= Number(chain.wStart + 2n * tau2Windows));
      expect(applied).toBeLessThanOrEqual(Number(chain.wStart + 2n * tau2Windows) + 1e-6);
    }),
    { numRuns: NUM_RUNS },
  );
});

test("a pause that is a second too long is not told to be possible", () => {
  fc.assert(
    fc.property(cases, ({ tau2Windows, chain, pace }) => {
      const { pausableSeconds, slackSeconds, timeLeftSeconds } = deadlineOf(chain, tau2Windows, pace);
      expect(Number.isInteger(pausableSeconds)).toBe(true);
      expect(pausableSeconds).toBeGreaterThanOrEqual(0);
      expect(pausableSeconds).toBeLessThanOrEqual(timeLeftSeconds);
      expect(pausableSeconds + 1).toBeGreaterThan(slackSeconds);
    }),
    { numRuns: NUM_RUNS },
  );
});

test("less work, more time, a faster computer and more hours awake never shorten what may be paused", () => {
  fc.assert(
    fc.property(cases, ({ tau2Windows, chain, pace }) => {
      const { pausableSeconds } = deadlineOf(chain, tau2Windows, pace);
      const better = [
        deadlineOf({ ...chain, done: chain.done + 1n, iterations: 0n }, tau2Windows, pace),
        deadlineOf({ ...chain, wStart: chain.wStart + 1n }, tau2Windows, pace),
        deadlineOf(chain, tau2Windows, { ...pace, segmentSeconds: pace.segmentSeconds / 2 }),
        deadlineOf(chain, tau2Windows, { ...pace, awakeShare: Math.min(1, pace.awakeShare * 2) }),
      ];
      for (const { pausableSeconds: longer } of better) expect(longer).toBeGreaterThanOrEqual(pausableSeconds);
    }),
    { numRuns: NUM_RUNS },
  );
});

test("running for the hours a day that are named is just enough", () => {
  fc.assert(
    fc.property(cases, ({ tau2Windows, chain, pace }) => {
      const { hoursPerDayNeeded, timeLeftSeconds } = deadlineOf(chain, tau2Windows, pace);
      fc.pre(timeLeftSeconds > 0 && hoursPerDayNeeded > 0 && hoursPerDayNeeded <= 24);
      const { slackSeconds } = deadlineOf(chain, tau2Windows, { ...pace, awakeShare: hoursPerDayNeeded / 24 });
      expect(Math.abs(slackSeconds)).toBeLessThan(1e-6 * timeLeftSeconds + 1e-6);
    }),
    { numRuns: NUM_RUNS },
  );
});

test("what may be published is never void, and every chain has a window in which it may be published", () => {
  fc.assert(
    fc.property(tau2, fc.bigInt(0n, 10n ** 6n), fc.bigInt(0n, 100_000n), (tau2Windows, wStart, later) => {
      const window = wStart + later;
      if (isPublishable(window, wStart, tau2Windows)) expect(isVoid(window, wStart, tau2Windows)).toBe(false);
      // Honest timing: finished when W_start + τ₂ closes.
      expect(isPublishable(wStart + tau2Windows, wStart, tau2Windows)).toBe(true);
      expect(isPublishable(wStart + 2n * tau2Windows - 1n, wStart, tau2Windows)).toBe(false);
    }),
    { numRuns: NUM_RUNS },
  );
});

test("the chapter's worked figures: a chain at network speed takes 14 days and may pause for just under 14", () => {
  const chain = { wStart: 1000n, target: TAU2, done: 0n, iterations: 0n, d: 325_000_000n };
  const pace = { window: 1000n, windowSeconds: 60, segmentSeconds: 60, awakeShare: 1 };
  const deadline = deadlineOf(chain, TAU2, pace);
  expect(deadline.deadlineWindow).toBe(41_320n);
  expect(deadline.workSeconds).toBe(14 * DAY);
  expect(deadline.pausableSeconds).toBe(14 * DAY - 120);
  expect(deadline.hoursPerDayNeeded).toBeCloseTo(12, 2);
  // Half of the hours of each day leave nothing.
  expect(deadlineOf(chain, TAU2, { ...pace, awakeShare: 0.5 }).pausableSeconds).toBe(0);
});

test("an alarm rises at once, falls only with a clear reserve, and never rings twice for one swing", () => {
  const TAU2_SECONDS = 14 * DAY;
  const at = (slackSeconds: number): Deadline => ({
    ...{ deadlineWindow: 0n, timeLeftSeconds: 0, workSeconds: 0, pausableSeconds: 0, hoursPerDayNeeded: 0 },
    slackSeconds,
    slackWithoutBreaksSeconds: slackSeconds + DAY,
  });
  const run = (days: readonly number[]): Alarm[] => {
    let alarm: Alarm = "none";
    return days.map((slack) => (alarm = nextAlarm(alarm, at(slack * DAY), TAU2_SECONDS)));
  };
  expect(run([10, 2.1, 1.9, 2.1, 2.7, 2.9])).toEqual(["none", "none", "tight", "tight", "tight", "none"]);
  expect(run([-0.1, 0.1, 0.4, 0.6])).toEqual(["at-risk", "at-risk", "at-risk", "tight"]);
  expect(run([-1.1, -0.9, -0.4, 10])).toEqual(["out-of-reach", "out-of-reach", "at-risk", "none"]);

  const swing = fc.array(fc.double({ min: -0.4, max: 0.4, noNaN: true }), { maxLength: 50 });
  fc.assert(
    fc.property(swing, fc.constantFrom(0, 2.4, 20), (noise, around) => {
      const alarms = run(noise.map((deviation) => around + deviation));
      const rings = alarms.filter((alarm, i) => alarm !== (alarms[i - 1] ?? "none")).length;
      expect(rings).toBeLessThanOrEqual(2);
    }),
  );
});

test("an alarm is at least as grave as what the figures say without memory", () => {
  const grave: readonly Alarm[] = ["none", "tight", "at-risk", "out-of-reach"];
  fc.assert(
    fc.property(cases, fc.constantFrom(...grave), ({ tau2Windows, chain, pace }, before) => {
      const deadline = deadlineOf(chain, tau2Windows, pace);
      const tau2Seconds = Number(tau2Windows) * pace.windowSeconds;
      const fresh = nextAlarm("none", deadline, tau2Seconds);
      expect(grave.indexOf(nextAlarm(before, deadline, tau2Seconds))).toBeGreaterThanOrEqual(grave.indexOf(fresh));
      if (deadline.slackSeconds < 0) expect(grave.indexOf(fresh)).toBeGreaterThanOrEqual(2);
    }),
    { numRuns: NUM_RUNS },
  );
});

test("a fast computer waits for the network, a slow one for itself; then comes the queue", () => {
  const chain = { wStart: 100n, target: TAU2, done: 0n, iterations: 0n, d: 1n };
  const pace = { window: 100n, windowSeconds: 60, segmentSeconds: 13, awakeShare: 1 };
  expect(etaOf(RULES, chain, pace, 0n, 1n)).toEqual({ chainSeconds: 20_161 * 60, admissionSeconds: 20_164 * 60 });
  const half = { ...pace, segmentSeconds: 60, awakeShare: 0.5 };
  expect(etaOf(RULES, chain, half, 0n, 1n).chainSeconds).toBe(2 * 20_160 * 60);
  // 30 000 wait, of whom 20 163 are admitted before this one comes to the queue.
  expect(etaOf(RULES, chain, pace, 30_000n, 1n).admissionSeconds).toBe((30_000 + 1) * 60);
  const finished = { ...chain, done: TAU2 };
  expect(etaOf(RULES, finished, { ...pace, window: 20_300n }, 2n, 1n).chainSeconds).toBe(0);
});

test("the estimate never comes before either of its two lower bounds", () => {
  fc.assert(
    fc.property(cases, fc.bigInt(0n, 1000n), ({ chain, pace }, queue) => {
      const { chainSeconds, admissionSeconds } = etaOf(RULES, chain, pace, queue, 5n);
      const own = (remainingSegments(chain) * pace.segmentSeconds) / pace.awakeShare;
      expect(chainSeconds).toBeGreaterThanOrEqual(Math.floor(own));
      expect(admissionSeconds).toBeGreaterThanOrEqual(chainSeconds);
    }),
    { numRuns: NUM_RUNS },
  );
});

test("the speed test says what a computer needs: at home, on an old laptop, and on one that is too slow", () => {
  const network = { d: 325_000_000n, tau2Windows: TAU2, target: TAU2, windowSeconds: 60 };
  const fast = outlookOf(25e6, network);
  expect(fast).toMatchObject({ verdict: "comfortable", segmentSeconds: 13 });
  expect(fast.hoursPerDayNeeded).toBeCloseTo(2.6, 1);
  expect(fast.coreHours).toBeCloseTo(72.8, 1);
  expect(fast.shortestSeconds).toBe(20_161 * 60);
  expect(outlookOf(5.1e6, network)).toMatchObject({ verdict: "possible" });
  expect(outlookOf(2.8e6, network)).toMatchObject({ verdict: "barely" });
  const slow = outlookOf(1.1e6, network);
  expect(slow.verdict).toBe("too-slow");
  expect(slow.hoursPerDayNeeded).toBeGreaterThan(24);
});
