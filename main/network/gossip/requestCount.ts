/** How often a peer may ask for something (chapter 07 §5.3). Time is an argument, in ms of a monotonic clock. */
import { TAU1_MS } from "./limits.ts";

/** Requests of one kind in a window, or in τ₁ where windows take longer. */
export class RequestCount {
  readonly #max: number;
  #count = 0;
  #sinceMs: number;

  constructor(max: number, nowMs: number) {
    this.#max = max;
    this.#sinceMs = nowMs;
  }

  /** False where there were too many. */
  take(nowMs: number): boolean {
    if (nowMs - this.#sinceMs >= TAU1_MS) this.windowOpened(nowMs);
    return ++this.#count <= this.#max;
  }

  windowOpened(nowMs: number): void {
    this.#count = 0;
    this.#sinceMs = nowMs;
  }
}
