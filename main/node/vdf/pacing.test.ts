import fc from "fast-check";
import { expect, test } from "vitest";

import { LOSS_MS_MAX, restMs, SAVE_INTERVAL_MS, SaveClock, SLICE_MS_MAX, SlicePacer } from "./pacing.ts";

/** Iterations per millisecond: from JavaScript on a slow machine to SHA instructions on a fast one. */
const speed = fc.double({ min: 20, max: 50_000, noNaN: true });

test("no slice takes longer than 100 ms on any machine, also when its speed halves in between", () => {
  fc.assert(
    fc.property(speed, fc.array(fc.constantFrom(1, 0.5), { maxLength: 50 }), (full, slowdowns) => {
      const pacer = new SlicePacer();
      let before = 1;
      for (const slowdown of [...new Array<number>(20).fill(1), ...slowdowns]) {
        // From 1 to 0.5 is a halving; the way back only makes a slice shorter.
        const elapsedMs = pacer.iterations / (full * slowdown);
        expect(elapsedMs).toBeLessThanOrEqual(SLICE_MS_MAX * 1.01);
        pacer.record(pacer.iterations, elapsedMs);
        before = slowdown;
      }
      expect(before).toBeGreaterThan(0);
    }),
  );
});

test("slices soon become long enough to be worth it, and are not shortened by the ends of segments", () => {
  fc.assert(
    fc.property(speed, fc.integer({ min: 1, max: 100 }), (full, rest) => {
      const pacer = new SlicePacer();
      for (let i = 0; i < 20; i++) pacer.record(pacer.iterations, pacer.iterations / full);
      pacer.record(rest, rest / full);
      const sliceMs = pacer.iterations / full;
      expect(sliceMs).toBeGreaterThan(20);
      expect(sliceMs).toBeLessThanOrEqual(SLICE_MS_MAX);
    }),
  );
});

test("a timer without resolution does not stop the pacer or let it grow without bound", () => {
  const pacer = new SlicePacer();
  const first = pacer.iterations;
  pacer.record(first, 0);
  expect(pacer.iterations).toBe(4 * first);
  pacer.record(0, 0);
  expect(pacer.iterations).toBe(4 * first);
});

test("work takes its share of the time and no more", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 100, noNaN: true }),
      (share, busyMs) => {
        expect(busyMs).toBeCloseTo(share * (busyMs + restMs(busyMs, share)), 6);
      },
    ),
  );
  expect(restMs(50, 1)).toBe(0);
});

test("whatever slices and rests take, no more than 10 s of work are at risk", () => {
  const turn = fc.record({
    busyMs: fc.double({ min: 0.1, max: SLICE_MS_MAX, noNaN: true }),
    share: fc.double({ min: 0.01, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(turn, { minLength: 1, maxLength: 300 }), (turns) => {
      let nowMs = 0;
      let atRiskMs = 0;
      const clock = new SaveClock(nowMs);
      for (const { busyMs, share } of turns) {
        nowMs += busyMs;
        atRiskMs += busyMs;
        const pauseMs = restMs(busyMs, share);
        expect(atRiskMs).toBeLessThanOrEqual(LOSS_MS_MAX);
        if (clock.isDue(nowMs, pauseMs + SLICE_MS_MAX)) {
          clock.saved(nowMs);
          atRiskMs = 0;
        }
        nowMs += pauseMs;
      }
    }),
  );
  expect(SAVE_INTERVAL_MS).toBeLessThan(LOSS_MS_MAX);
});

test("a write that failed is tried again after a second, not at every slice", () => {
  const clock = new SaveClock(0);
  clock.failed(5000);
  expect(clock.isDue(5500, 0)).toBe(false);
  expect(clock.isDue(6000, 0)).toBe(true);
});
