/** When to dial again after failures (chapter 07 §4.3 item 2). */
import type { Chance } from "./clock.ts";
import { BACKOFF_DOUBLINGS_MAX, BACKOFF_JITTER_PERCENT, BACKOFF_MS_MAX } from "./limits.ts";

const SECOND_MS = 1000;

/** 2^`failures` seconds, at most 300, give or take a fifth. `failures` counts those in a row before this one. */
export function backoffMs(chance: Chance, failures: number): number {
  const plainMs = Math.min(SECOND_MS * 2 ** Math.min(failures, BACKOFF_DOUBLINGS_MAX), BACKOFF_MS_MAX);
  const spreadMs = Math.floor((plainMs * BACKOFF_JITTER_PERCENT) / 100);
  return plainMs - spreadMs + chance.below(2 * spreadMs + 1);
}

/** Of one address or peer. */
export class Backoff {
  failures = 0;
  /** Monotonic; not to be dialled before. */
  notBeforeMs = 0;

  /** An attempt failed, or a connection ended after less than the uptime that counts. */
  failed(nowMs: number, chance: Chance): void {
    this.notBeforeMs = Math.max(this.notBeforeMs, nowMs + backoffMs(chance, this.failures));
    this.failures++;
  }

  /** A connection ended that had lasted. */
  reset(nowMs: number, chance: Chance): void {
    this.failures = 0;
    this.notBeforeMs = nowMs + backoffMs(chance, 0);
  }

  holdUntil(untilMs: number): void {
    this.notBeforeMs = Math.max(this.notBeforeMs, untilMs);
  }
}
