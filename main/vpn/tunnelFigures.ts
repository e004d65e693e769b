/** Live figures of a session (chapter 08 §10.8), and what they tell of a stall. */

export interface TrafficSample {
  readonly atMs: number;
  /** Bytes per second. */
  readonly rateUp: number;
  readonly rateDown: number;
}

interface Counted {
  readonly up: bigint;
  readonly down: bigint;
}

/** Five minutes of seconds. */
const HISTORY_MAX = 300;
const NOTHING: Counted = { up: 0n, down: 0n };

/** Totals since the session began; the engine's counters begin anew with each of its starts. */
export class TunnelFigures {
  #before = NOTHING;
  #counted = NOTHING;
  #lastMs: number | undefined;
  readonly #history: TrafficSample[] = [];

  get total(): Counted {
    return { up: this.#before.up + this.#counted.up, down: this.#before.down + this.#counted.down };
  }

  /** Oldest first. */
  get history(): readonly TrafficSample[] {
    return this.#history;
  }

  get latest(): TrafficSample | undefined {
    return this.#history.at(-1);
  }

  onEngineStart(): void {
    this.#before = this.total;
    this.#counted = NOTHING;
  }

  sample(counted: Counted, atMs: number): void {
    const seconds = this.#lastMs === undefined ? 0 : (atMs - this.#lastMs) / 1_000;
    if (seconds > 0) {
      const rate = (now: bigint, before: bigint): number => Math.max(0, Math.round(Number(now - before) / seconds));
      this.#history.push({
        atMs,
        rateUp: rate(counted.up, this.#counted.up),
        rateDown: rate(counted.down, this.#counted.down),
      });
      if (this.#history.length > HISTORY_MAX) this.#history.shift();
    }
    this.#counted = counted;
    this.#lastMs = atMs;
  }
}

/** Milliseconds. */
const STALL_AFTER = 3_000;
/** Bytes: less is the end of a connection, or a probe's. */
const FLOW_MIN = 4_096n;
const REQUEST_MIN = 1_024n;

/**
 * Suspects an exit in use of having gone silent: nothing comes any more where something just came, or was asked for. That the
 * person simply stopped looks the same, so it is only a reason to probe, once for each time that traffic flows.
 */
export class StallDetector {
  #settled = NOTHING;
  #seen = NOTHING;
  #lastDownMs = 0;
  #openedMs: number | undefined;

  /** A connection takes the exit in use: an answer is expected. */
  onOpened(atMs: number): void {
    this.#openedMs ??= atMs;
  }

  /** Counters of the exit in use. True: probe now, then {@link settle}. */
  sample(counted: Counted, atMs: number): boolean {
    if (counted.down < this.#seen.down || counted.up < this.#seen.up) this.#settled = NOTHING;
    if (counted.down !== this.#seen.down) {
      this.#lastDownMs = atMs;
      this.#openedMs = undefined;
    }
    this.#seen = counted;
    if (this.#openedMs !== undefined && atMs - this.#openedMs >= STALL_AFTER) return true;
    if (atMs - this.#lastDownMs < STALL_AFTER) return false;
    return counted.down - this.#settled.down >= FLOW_MIN || counted.up - this.#settled.up >= REQUEST_MIN;
  }

  /** What has been counted until now raises no suspicion any more. */
  settle(counted: Counted, atMs: number): void {
    this.#settled = counted;
    this.#seen = counted;
    this.#lastDownMs = atMs;
    this.#openedMs = undefined;
  }
}
