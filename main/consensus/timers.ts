/** Timers as data (chapter 03 §6.3): safety never depends on them, and they never enter a signed object. */

/**
 * `grace` lets late bundles into a proposal. `propose`, `prevote` and `precommit` bound the phases of a round. `resend` paces
 * repetition while the window is undecided.
 */
export type TimerName = "grace" | "propose" | "prevote" | "precommit" | "resend";

export interface Timer {
  readonly name: TimerName;
  readonly window: bigint;
  /** 0 for `resend`. */
  readonly round: number;
}

export interface TimerLength {
  /** SHA-256 iterations of the node's own VDF; an operating-system timer of about that time does as well. */
  readonly iterations: bigint;
  readonly atLeastMs: number;
}

/** Where D is small, as in tests, a message still needs time to travel, and on a busy machine more from round to round. */
export const ROUND_TIMER_MIN_MS = 500;
const GROWING_ROUNDS_MAX = 16;

/** `d` is D of the open window. */
export function timerLength(name: TimerName, round: number, d: bigint): TimerLength {
  const unit = d / 16n;
  const atLeastMs = ROUND_TIMER_MIN_MS * Math.max(1, Math.min(round, GROWING_ROUNDS_MAX));
  switch (name) {
    case "grace":
      return { iterations: d / 64n, atLeastMs: 0 };
    case "propose":
      return { iterations: BigInt(round + 1) * unit, atLeastMs };
    case "prevote":
    case "precommit":
      return { iterations: BigInt(round) * unit, atLeastMs };
    case "resend":
      return { iterations: d / 8n, atLeastMs: ROUND_TIMER_MIN_MS };
  }
}
