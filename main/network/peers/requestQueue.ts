/** The requests to one peer: spaced so that its limits hold, few at once, and bounded (chapter 07 §5.3, §7). */
import { ProtocolError } from "../../protocol/errors.ts";
import type { RequestFailure } from "../ports.ts";
import type { OutgoingPace } from "./budget.ts";
import type { Clock } from "./clock.ts";
import { REQUESTS_WAITING_MAX } from "./limits.ts";

interface Waiting {
  readonly bytes: number;
  readonly isUrgent: boolean;
  start(): void;
  fail(failure: RequestFailure): void;
}

export class RequestQueue {
  readonly #clock: Clock;
  readonly #pace: OutgoingPace;
  readonly #underWayMax: () => number;
  readonly #urgent: Waiting[] = [];
  readonly #ordinary: Waiting[] = [];
  #underWay = 0;
  #cancelTimer: (() => void) | undefined;
  #isClosed = false;

  /** `underWayMax` is asked each time: what is known of a peer changes. */
  constructor(clock: Clock, pace: OutgoingPace, underWayMax: () => number) {
    this.#clock = clock;
    this.#pace = pace;
    this.#underWayMax = underWayMax;
  }

  /** Runs `send` when its turn comes. Rejects with `too-many-requests`, or `connection-closed` once the queue is closed. */
  async run(bytes: number, isUrgent: boolean, send: () => Promise<Uint8Array>): Promise<Uint8Array> {
    if (this.#isClosed) throw failureOf("connection-closed");
    if (this.#urgent.length + this.#ordinary.length >= REQUESTS_WAITING_MAX) throw failureOf("too-many-requests");
    await new Promise<void>((resolve, reject) => {
      const fail = (failure: RequestFailure) => reject(failureOf(failure));
      (isUrgent ? this.#urgent : this.#ordinary).push({ bytes, isUrgent, start: resolve, fail });
      this.#pump();
    });
    try {
      return await send();
    } finally {
      this.#underWay--;
      this.#pump();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelTimer?.();
    for (const waiting of [...this.#urgent.splice(0), ...this.#ordinary.splice(0)]) waiting.fail("connection-closed");
  }

  #pump(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    while (!this.#isClosed && this.#underWay < this.#underWayMax()) {
      const line = this.#urgent.length > 0 ? this.#urgent : this.#ordinary;
      const first = line[0];
      if (first === undefined) return;
      const delayMs = this.#pace.delayMs(first.bytes, first.isUrgent, this.#clock.nowMs());
      if (delayMs > 0) {
        this.#cancelTimer = this.#clock.after(delayMs, () => this.#pump());
        return;
      }
      line.shift();
      this.#underWay++;
      first.start();
    }
  }
}

export function failureOf(failure: RequestFailure): ProtocolError<RequestFailure> {
  return new ProtocolError<RequestFailure>(failure);
}
