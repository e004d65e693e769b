/** How long the network's windows last, as this node saw them close. */

/** The mean is that of so many windows; one that was caught up says nothing. */
const WINDOWS_MAX = 60;

export class WindowPace {
  readonly #closedMs: number[] = [];
  #last: bigint | undefined;

  /** Monotonic milliseconds. */
  closed(window: bigint, isLive: boolean, nowMs: number): void {
    if (!isLive || (this.#last !== undefined && window !== this.#last + 1n)) this.#closedMs.length = 0;
    this.#last = window;
    if (!isLive) return;
    this.#closedMs.push(nowMs);
    if (this.#closedMs.length > WINDOWS_MAX + 1) this.#closedMs.shift();
  }

  /** Undefined until two windows were seen. */
  get meanSeconds(): number | undefined {
    const count = this.#closedMs.length - 1;
    if (count < 1) return undefined;
    return (this.#closedMs[count]! - this.#closedMs[0]!) / 1000 / count;
  }
}
