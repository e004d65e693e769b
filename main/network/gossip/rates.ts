/** How much a peer may send (chapter 07 §5.3). Time is an argument, in ms of a monotonic clock. */
import { BYTES_BURST, BYTES_PER_SECOND, DELAY_MS_MAX, MESSAGES_BURST, MESSAGES_PER_SECOND, TAU1_MS } from "./limits.ts";

/**
 * Who sends faster waits for its answers, and with them for the places of its next requests; nothing that is due is lost. A
 * window that opens fills both buckets: a small network with short windows has more to say in a second.
 */
export class Pace {
  #messages = MESSAGES_BURST;
  #bytes = BYTES_BURST;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** Ms until a message of `bytes` may be taken, 0 for at once; undefined where that is too long: it is not counted then. */
  take(bytes: number, nowMs: number): number | undefined {
    const seconds = (nowMs - this.#atMs) / 1000;
    this.#atMs = nowMs;
    this.#messages = Math.min(MESSAGES_BURST, this.#messages + seconds * MESSAGES_PER_SECOND);
    this.#bytes = Math.min(BYTES_BURST, this.#bytes + seconds * BYTES_PER_SECOND);
    const missingMs = Math.max(
      (1 - this.#messages) / (MESSAGES_PER_SECOND / 1000),
      (bytes - this.#bytes) / (BYTES_PER_SECOND / 1000),
    );
    if (missingMs > DELAY_MS_MAX) return undefined;
    this.#messages -= 1;
    this.#bytes -= bytes;
    return Math.max(0, missingMs);
  }

  windowOpened(): void {
    this.#messages = MESSAGES_BURST;
    this.#bytes = BYTES_BURST;
  }
}

/** Requests of one kind in a window, or in τ₁ where windows take longer. */
export class RequestCount {
  readonly #max: number;
  #count = 0;
  #sinceMs = 0;

  constructor(max: number) {
    this.#max = max;
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
