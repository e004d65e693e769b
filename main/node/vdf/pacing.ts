/** How long a chain works before it looks up: the length of a slice, the rest after it, and when progress is due on disk. */

/** Between two slices a worker hears messages; the chapter's users are promised 100 ms (issue 4, VDF workers). */
export const SLICE_MS_MAX = 100;
/** Half of the bound: a machine that suddenly has half its speed still keeps it. */
const SLICE_MS_TARGET = 50;
/** Short on any machine: half a millisecond in JavaScript. */
const FIRST_ITERATIONS = 512;
const GROWTH_MAX = 4;

/** Finds out how many iterations fill a slice on this machine, and follows when its speed changes. */
export class SlicePacer {
  #iterations = FIRST_ITERATIONS;

  get iterations(): number {
    return this.#iterations;
  }

  /** A slice of `iterations` took `elapsedMs`. One that was cut short by the end of a segment counts too. */
  record(iterations: number, elapsedMs: number): void {
    if (iterations === 0) return;
    // A timer without resolution, or a slice that took no time, says only "faster".
    const ideal = elapsedMs > 0 ? (iterations * SLICE_MS_TARGET) / elapsedMs : Infinity;
    // A very short slice says little about a long one.
    const isShort = elapsedMs < SLICE_MS_TARGET / GROWTH_MAX;
    const limit = isShort ? Math.max(iterations * GROWTH_MAX, this.#iterations) : this.#iterations * GROWTH_MAX;
    this.#iterations = Math.max(1, Math.floor(Math.min(ideal, limit)));
  }
}

/**
 * How long to rest after a slice so that work takes `cpuShare` of the time of one core. `cpuShare` is above 0 and at most 1.
 */
export function restMs(busyMs: number, cpuShare: number): number {
  return (busyMs * (1 - cpuShare)) / cpuShare;
}

/** At most this much work is lost by a crash. */
export const LOSS_MS_MAX = 10_000;
/** Leaves room for the slice in progress, a rest and a slow disk. */
export const SAVE_INTERVAL_MS = 5_000;
/** A full disk is asked again after this. */
const RETRY_INTERVAL_MS = 1_000;

/** Says when progress must be written. Times are monotonic milliseconds. */
export class SaveClock {
  readonly #intervalMs: number;
  #dueMs: number;

  constructor(nowMs: number, intervalMs: number = SAVE_INTERVAL_MS) {
    this.#intervalMs = intervalMs;
    this.#dueMs = nowMs + intervalMs;
  }

  /** Whether to write now, `aheadMs` being how long the next look at the clock may be away. */
  isDue(nowMs: number, aheadMs: number): boolean {
    return nowMs + aheadMs >= this.#dueMs;
  }

  saved(nowMs: number): void {
    this.#dueMs = nowMs + this.#intervalMs;
  }

  failed(nowMs: number): void {
    this.#dueMs = nowMs + Math.min(RETRY_INTERVAL_MS, this.#intervalMs);
  }
}
