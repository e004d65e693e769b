/** How long the tunnel waits for what, and how it waits. */

/** Milliseconds. */
export interface TunnelTiming {
  /** One route must be verified within this. */
  readonly connectDeadline: number;
  /** The next route is tried when the one before has not answered for so long. */
  readonly headStart: number;
  readonly checkDeadline: number;
  readonly probePeriod: number;
  readonly measurePeriod: number;
  readonly tick: number;
  readonly retryMin: number;
  readonly retryMax: number;
}

export const TIMING: TunnelTiming = {
  connectDeadline: 10_000,
  headStart: 3_000,
  checkDeadline: 4_000,
  probePeriod: 30_000,
  measurePeriod: 300_000,
  tick: 1_000,
  retryMin: 5_000,
  retryMax: 60_000,
};

/** Probes at a time (chapter 08 §10.9). */
export const PARALLEL_MAX = 8;

/** Asked anew each time: it changes while others work. */
export const isAborted = (signal: AbortSignal): boolean => signal.aborted;

/** Resolves after so many milliseconds, or at once when aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (isAborted(signal)) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
