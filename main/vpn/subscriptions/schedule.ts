/** When a subscription is fetched again (chapter 08 §4.7): at start, every interval, on demand, once when all have failed. */

/** Part of the interval by which fetches are spread, so that clients that were started together do not ask together. */
const JITTER = 0.1;
const HOUR = 3_600_000;

/** Milliseconds until the next fetch; `random` is from 0 (inclusive) to 1. Never sooner than the interval itself. */
export function refreshDelay(intervalHours: number, random: number): number {
  return Math.round(intervalHours * HOUR * (1 + JITTER * random));
}
