/** Timers of the machine on the monotonic clock: their lengths are given in iterations of the own VDF (chapter 03 §6.3). */
import type { Timer, TimerLength, TimerName } from "../../consensus/timers.ts";

/** What Node's timers take; a longer one would fire at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export class Timers {
  readonly #running = new Map<TimerName, NodeJS.Timeout>();
  readonly #expired: (timer: Timer) => void;
  readonly #iterationsPerMs: () => number;

  constructor(expired: (timer: Timer) => void, iterationsPerMs: () => number) {
    this.#expired = expired;
    this.#iterationsPerMs = iterationsPerMs;
  }

  /** Replaces a running timer of the same name. */
  set(timer: Timer, { iterations, atLeastMs }: TimerLength): void {
    this.cancel(timer.name);
    const delayMs = Math.min(DELAY_MS_MAX, Math.max(atLeastMs, Number(iterations) / this.#iterationsPerMs()));
    const running = setTimeout(() => {
      this.#running.delete(timer.name);
      this.#expired(timer);
    }, delayMs);
    this.#running.set(timer.name, running);
  }

  cancel(name: TimerName): void {
    clearTimeout(this.#running.get(name));
    this.#running.delete(name);
  }

  stop(): void {
    for (const name of [...this.#running.keys()]) this.cancel(name);
  }
}
