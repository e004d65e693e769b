/** One Yamux stream: what it may send and receive, and who reads it. */
import { invariant } from "../../../protocol/errors.ts";
import { FLAG } from "./frame.ts";

/** Credit that each direction starts with. */
export const WINDOW = 262_144;
/** Longest body sent, so that substreams take turns. */
const BODY_SENT_MAX = 16_384;

/** Takes what arrives. May write to, end or reset the substream while it is called. */
export interface SubstreamReader {
  /** In memory of the session: to be used or copied at once. */
  data(bytes: Uint8Array): void;
  /** The other side half-closed. */
  end(): void;
  /** Both directions have ended, or either side has reset it, or the connection is gone; the last call. */
  gone(): void;
}

/** What a substream asks of its session. */
export interface SubstreamHost {
  sendable(substream: Substream, written: number): void;
  reset(substream: Substream): void;
  ignoreRest(substream: Substream): void;
}

export class Substream {
  readonly id: number;
  /** Bytes that may still be sent. */
  credit: number;
  /** Bytes that the other side may still send. */
  window = WINDOW;
  /** Bytes beyond the first window that the other side was granted. */
  granted = 0;
  received = 0;
  /** Bytes that the reader still waits for; no credit is granted for more. */
  expected = 0;
  isIgnored = false;
  isRemoteFinished = false;
  isGone = false;
  readonly isOwn: boolean;
  readonly #host: SubstreamHost;
  readonly #unsent: Uint8Array[] = [];
  #offset = 0;
  #ended = false;
  #finished = false;
  #firstFlags: number;

  constructor(host: SubstreamHost, id: number, isOwn: boolean, credit: number) {
    this.#host = host;
    this.id = id;
    this.isOwn = isOwn;
    this.credit = credit;
    this.#firstFlags = isOwn ? FLAG.syn : FLAG.ack;
  }

  /** Queues `bytes`, which must not change any more. Each write makes frames of its own. Nothing once it is gone. */
  write(bytes: Uint8Array): void {
    invariant(!this.#ended, "nothing is written behind the end");
    if (this.isGone || bytes.length === 0) return;
    this.#unsent.push(bytes);
    this.#host.sendable(this, bytes.length);
  }

  /** Half-closes behind what is written. */
  end(): void {
    if (this.isGone || this.#ended) return;
    this.#ended = true;
    this.#host.sendable(this, 0);
  }

  /** Ends both directions at once. */
  reset(): void {
    if (!this.isGone) this.#host.reset(this);
  }

  /** Lets what still arrives fall to the ground; the reader hears only that it is gone. */
  ignoreRest(): void {
    if (!this.isGone && !this.isIgnored) this.#host.ignoreRest(this);
  }

  /** Whether the end of this side's direction has been sent. */
  get isFinished(): boolean {
    return this.#finished;
  }

  get hasSendable(): boolean {
    if (this.isGone || this.#finished) return false;
    return this.#unsent.length > 0 ? this.credit > 0 : this.#ended;
  }

  /** Whether the other side has been told of this substream. */
  get isAnnounced(): boolean {
    return this.#firstFlags !== FLAG.syn;
  }

  get unsentBytes(): number {
    return this.#unsent.reduce((sum, { length }) => sum + length, -this.#offset);
  }

  /** Takes what the next Data frame carries, out of what may be sent. */
  takePiece(): { readonly body: Uint8Array; readonly isLast: boolean } {
    invariant(this.hasSendable, "a piece is taken when there is one");
    const chunk = this.#unsent[0];
    if (chunk === undefined) {
      this.#finished = true;
      return { body: new Uint8Array(0), isLast: true };
    }
    const end = Math.min(chunk.length, this.#offset + Math.min(BODY_SENT_MAX, this.credit));
    const body = chunk.subarray(this.#offset, end);
    this.credit -= body.length;
    this.#offset = end;
    if (end === chunk.length) {
      this.#unsent.shift();
      this.#offset = 0;
    }
    return { body, isLast: false };
  }

  /** The flags that its first frame has besides its own: SYN, or ACK of the other side's SYN. */
  takeFirstFlags(): number {
    const flags = this.#firstFlags;
    this.#firstFlags = 0;
    return flags;
  }
}
