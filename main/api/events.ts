/**
 * The host's events for any number of subscribers, each at its own pace: a ring of the newest ones that all read from. Who
 * falls out of it, or comes from another run of the host, gets a snapshot instead of what it missed.
 */
import { randomBytes } from "node:crypto";

import type { HostEvent, Snapshot } from "./contract.ts";

export const RING_MAX = 1024;

type Payload = { [E in HostEvent as E["kind"]]: Pick<E, "kind" | "payload"> }[HostEvent["kind"]];
export type Published = Exclude<Payload, { readonly kind: "snapshot" }>;

export class EventRing {
  readonly #size: number;
  /** Numbers of another run mean nothing in this one. */
  readonly #run = randomBytes(8).toString("hex");
  readonly #events: (Published | undefined)[];
  /** Of the newest event; 0 before the first. */
  #seq = 0;
  readonly #waiting = new Set<() => void>();

  constructor(size: number = RING_MAX) {
    this.#size = size;
    this.#events = new Array<Published | undefined>(size);
  }

  publish(event: Published): void {
    this.#seq++;
    this.#events[this.#seq % this.#size] = event;
    for (const wake of this.#waiting) wake();
  }

  /** Names the place after the newest event. */
  get cursor(): string {
    return `${this.#run}-${this.#seq}`;
  }

  /**
   * All events after `since`; a snapshot comes first where that cannot be followed, and again after a gap. Ends when
   * `signal` is aborted.
   */
  async *follow(
    since: string | undefined,
    takeSnapshot: () => Promise<Snapshot>,
    signal: AbortSignal,
  ): AsyncGenerator<HostEvent, void> {
    let seq = this.#find(since);
    while (!signal.aborted) {
      if (seq === undefined || !this.#holds(seq)) {
        // The place is taken before the snapshot: what happens while it is made is told again rather than lost.
        seq = this.#seq;
        yield { seq, cursor: this.#cursorOf(seq), kind: "snapshot", payload: await takeSnapshot() };
      } else if (seq < this.#seq) {
        seq++;
        yield { seq, cursor: this.#cursorOf(seq), ...this.#events[seq % this.#size]! };
      } else {
        await this.#next(signal);
      }
    }
  }

  /** The number in a cursor of this run, unless it lies ahead. */
  #find(since: string | undefined): number | undefined {
    if (since?.startsWith(`${this.#run}-`) !== true) return undefined;
    const seq = Number(since.slice(this.#run.length + 1));
    return seq <= this.#seq ? seq : undefined;
  }

  /** Is everything after `seq` still in the ring? */
  #holds(seq: number): boolean {
    return this.#seq - seq <= this.#size;
  }

  #cursorOf(seq: number): string {
    return `${this.#run}-${seq}`;
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake);
    });
  }
}
