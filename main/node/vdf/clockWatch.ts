/**
 * Notices that the computer slept, or that its clock was set. Three clocks, read together some times a minute: the wall clock,
 * which a person sets; the monotonic clock, which on Linux and macOS stands still in sleep; the time since boot, which does
 * not. On Windows the monotonic clock runs on in sleep: there a reading that comes much too late tells the same.
 */
import { uptime } from "node:os";

/** Milliseconds, each from a beginning of its own. */
export interface ClockReading {
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly sinceBootMs: number;
}

export const readClocks = (): ClockReading => ({
  wallMs: Date.now(),
  monotonicMs: performance.now(),
  sinceBootMs: uptime() * 1000,
});

/** What happened between two readings. */
export interface Elapsed {
  readonly awakeMs: number;
  readonly asleepMs: number;
  /** How far the wall clock was set forward, or back where negative; 0 below what could be chance. */
  readonly clockSetMs: number;
}

/** Clocks of different resolution, read one after the other on a busy computer, differ by less. */
const TOLERANCE_MS = 3_000;
/** A reading that is later than this was not delayed by load. */
const LATE_MS = 60_000;

/** `intervalMs` is when the second reading was due after the first. */
export function elapsedBetween(before: ClockReading, after: ClockReading, intervalMs: number): Elapsed {
  const monotonicMs = after.monotonicMs - before.monotonicMs;
  const sinceBootMs = Math.max(after.sinceBootMs - before.sinceBootMs, monotonicMs);
  const hidden = sinceBootMs - monotonicMs;
  const late = monotonicMs - intervalMs;
  const asleepMs = (hidden > TOLERANCE_MS ? hidden : 0) + (late > LATE_MS ? late : 0);
  const clockSetMs = after.wallMs - before.wallMs - sinceBootMs;
  return {
    awakeMs: monotonicMs - (late > LATE_MS ? late : 0),
    asleepMs,
    clockSetMs: Math.abs(clockSetMs) > TOLERANCE_MS ? clockSetMs : 0,
  };
}

const READ_INTERVAL_MS = 10_000;

/** Reads the clocks every ten seconds and tells what passed, and when it is now. The function that comes back ends it. */
export function watchClocks(
  listener: (elapsed: Elapsed, now: ClockReading) => void,
  read: () => ClockReading = readClocks,
  intervalMs = READ_INTERVAL_MS,
): () => void {
  let before = read();
  const timer = setInterval(() => {
    const now = read();
    listener(elapsedBetween(before, now, intervalMs), now);
    before = now;
  }, intervalMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
