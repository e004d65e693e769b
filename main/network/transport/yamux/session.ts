/**
 * Yamux version 0 as a pure state machine (chapter 06 §3.4, §4.5): bytes go in by `receive`, frames come out by `nextFrame`,
 * what a substream receives goes to its reader. Who owns the session moves the bytes and ends the connection.
 */
import { ProtocolError } from "../../../protocol/errors.ts";
import { ByteQueue } from "../byteQueue.ts";
import { decodeHeader, encodeHeader, FLAG, GO_AWAY, HEADER_SIZE, TYPE, type FrameHeader } from "./frame.ts";
import { Substream, WINDOW, type SubstreamHost, type SubstreamReader } from "./substream.ts";

/** Substreams that the other side may have open; a further one is reset. */
const INBOUND_MAX = 128;
/**
 * 16 MiB of unread data in all (chapter 06 §7 item 6): what came on first windows, which can only be refused by a reset, and
 * what was granted beyond them, which can wait. The first has room for the 50 requests that a peer like this one sends.
 */
const FIRST_WINDOW_BYTES_MAX = 13 * 1_048_576;
const GRANTED_BYTES_MAX = 3 * 1_048_576;
/** Pongs and resets that wait because the other side does not read. */
const CONTROL_FRAMES_MAX = 1024;
const U32_MAX = 0xffff_ffff;
const NO_BODY = new Uint8Array(0);

export interface SessionOwner {
  /** A substream that the other side opened; gives who reads it. */
  accept(substream: Substream): SubstreamReader;
  /** There is something for {@link YamuxSession.nextFrame}. */
  wake(): void;
  /**
   * The other side broke a rule, and a GoAway that says so is in the queue: the connection is to be closed behind it. (rc.1
   * goes on after that, and so can this session.)
   */
  violated(rule: string): void;
}

interface Body {
  left: number;
  /** Undefined: the body is skipped. */
  readonly substream: Substream | undefined;
  readonly isLast: boolean;
}

export class YamuxSession implements SubstreamHost {
  readonly #owner: SessionOwner;
  readonly #header = new ByteQueue();
  readonly #control: Uint8Array[] = [];
  readonly #readers = new Map<number, { readonly substream: Substream; readonly reader: SubstreamReader }>();
  /** With something to send, in the order of their turns. */
  readonly #sending = new Set<Substream>();
  /** Waiting for credit that the bound does not allow yet, first come first served. */
  readonly #starved = new Set<Substream>();
  readonly #ownParity: number;
  #nextId: number;
  #inbound = 0;
  #firstWindowBytes = 0;
  #grantedBytes = 0;
  #unsent = 0;
  #body: Body | undefined;
  #isAbandoned = false;

  constructor(isClient: boolean, owner: SessionOwner) {
    this.#owner = owner;
    this.#ownParity = isClient ? 1 : 0;
    this.#nextId = isClient ? 1 : 2;
  }

  get openSubstreams(): number {
    return this.#readers.size;
  }

  /** Bytes that substreams have written and that have not left yet. */
  get unsentBytes(): number {
    return this.#unsent;
  }

  /** The other side hears of it with the first frame that it sends. Throws `ProtocolError("substream-ids-exhausted")`. */
  open(readerOf: (substream: Substream) => SubstreamReader): Substream {
    if (this.#nextId > U32_MAX) throw new ProtocolError("substream-ids-exhausted");
    const substream = new Substream(this, this.#nextId, true, WINDOW);
    this.#nextId += 2;
    this.#readers.set(substream.id, { substream, reader: readerOf(substream) });
    return substream;
  }

  /**
   * Throws `ProtocolError`, and the connection is to be closed: "closed" for a GoAway, "yamux-violation" for what is no frame,
   * "answers-unread" when the other side asks more than it reads.
   */
  receive(bytes: Uint8Array): void {
    for (let rest = bytes; rest.length > 0 && !this.#isAbandoned;) {
      rest = this.#body === undefined ? this.#receiveHeader(rest) : this.#receiveBody(this.#body, rest);
    }
  }

  /** The next frame to send, its header and its body. */
  nextFrame(): readonly [Uint8Array, Uint8Array] | undefined {
    const control = this.#control.shift();
    if (control !== undefined) return [control, NO_BODY];
    const [substream] = this.#sending;
    if (substream === undefined) return undefined;
    const { body, isLast } = substream.takePiece();
    this.#unsent -= body.length;
    // To the end of the queue, if at all.
    this.#sending.delete(substream);
    if (substream.hasSendable) this.#sending.add(substream);
    const flags = substream.takeFirstFlags() | (isLast ? FLAG.fin : 0);
    if (isLast && substream.isRemoteFinished) this.#remove(substream);
    return [encodeHeader({ type: TYPE.data, flags, stream: substream.id, length: body.length }), body];
  }

  /** Ends every substream as if the other side had reset it, and receives nothing more: the connection is gone. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#control.length = 0;
    for (const { substream } of [...this.#readers.values()]) this.#receiveReset(substream.id);
  }

  sendable(substream: Substream, written: number): void {
    this.#unsent += written;
    if (!substream.hasSendable) return;
    this.#sending.add(substream);
    this.#owner.wake();
  }

  reset(substream: Substream): void {
    const isAnnounced = substream.isAnnounced;
    this.#remove(substream);
    if (isAnnounced) this.#sendReset(substream.id, substream.takeFirstFlags());
  }

  ignoreRest(substream: Substream): void {
    this.#release(substream);
    substream.isIgnored = true;
  }

  #receiveHeader(bytes: Uint8Array): Uint8Array {
    const missing = HEADER_SIZE - this.#header.length;
    this.#header.push(bytes.subarray(0, missing));
    if (this.#header.length === HEADER_SIZE) this.#receiveFrame(decodeHeader(this.#header.take(HEADER_SIZE)));
    return bytes.subarray(missing);
  }

  #receiveFrame(header: FrameHeader): void {
    switch (header.type) {
      case TYPE.goAway:
        throw new ProtocolError("closed", { reason: header.length });
      case TYPE.ping:
        this.#receivePing(header);
        return;
      case TYPE.windowUpdate:
        this.#receiveCredit(header);
        return;
      case TYPE.data:
        this.#body = { left: header.length, ...this.#receiveData(header) };
        if (header.length === 0) this.#endBody(this.#body);
    }
  }

  #receivePing({ flags, stream, length }: FrameHeader): void {
    // This side never asks, so no pong is one that it asked for.
    if (flags & FLAG.ack) this.#goAway("unasked pong");
    else if (stream === 0 || this.#readers.has(stream)) {
      this.#answer({ type: TYPE.ping, flags: FLAG.ack, stream: 0, length });
    }
  }

  #receiveCredit({ flags, stream, length }: FrameHeader): void {
    if (flags & FLAG.rst) {
      this.#receiveReset(stream);
      return;
    }
    if (flags & FLAG.syn) {
      if (WINDOW + length > U32_MAX) this.#goAway("credit overflow");
      else this.#accept(stream, WINDOW + length);
    } else {
      this.#addCredit(stream, length);
    }
    if (flags & FLAG.fin) this.#receiveEnd(stream);
  }

  #addCredit(stream: number, credit: number): void {
    const substream = this.#readers.get(stream)?.substream;
    if (substream === undefined) return;
    if (substream.credit + credit > U32_MAX) {
      this.#goAway("credit overflow");
    } else {
      substream.credit += credit;
      this.sendable(substream, 0);
    }
  }

  /** Says where the body of a Data frame goes. */
  #receiveData({ flags, stream, length }: FrameHeader): Omit<Body, "left"> {
    const skipped = { substream: undefined, isLast: false };
    if (flags & FLAG.rst) {
      this.#receiveReset(stream);
      return skipped;
    }
    if (flags & FLAG.syn) {
      if (length > WINDOW) {
        this.#goAway("first body above the window");
        return skipped;
      }
      if (!this.#accept(stream, WINDOW)) return skipped;
    }
    const substream = this.#readers.get(stream)?.substream;
    if (substream === undefined || substream.isRemoteFinished) return skipped;
    if (length > substream.window) {
      this.#goAway("body beyond the window");
      return skipped;
    }
    substream.window -= length;
    return { substream, isLast: (flags & FLAG.fin) !== 0 };
  }

  #receiveBody(body: Body, bytes: Uint8Array): Uint8Array {
    const part = bytes.subarray(0, body.left);
    body.left -= part.length;
    if (body.substream !== undefined) this.#deliver(body.substream, part);
    if (body.left === 0) this.#endBody(body);
    return bytes.subarray(part.length);
  }

  #endBody({ substream, isLast }: Body): void {
    this.#body = undefined;
    if (isLast && substream !== undefined && !substream.isGone) this.#receiveEnd(substream.id);
  }

  #deliver(substream: Substream, part: Uint8Array): void {
    if (!isRead(substream)) return;
    const counted = Math.min(substream.received, WINDOW);
    substream.received += part.length;
    substream.expected = Math.max(0, substream.expected - part.length);
    this.#firstWindowBytes += Math.min(substream.received, WINDOW) - counted;
    if (this.#firstWindowBytes > FIRST_WINDOW_BYTES_MAX) {
      this.reset(substream);
      return;
    }
    this.#readers.get(substream.id)!.reader.data(part);
    // Not before half of the window is used: most messages need no grant at all.
    const isHungry = isRead(substream) && substream.window < WINDOW / 2;
    if (isHungry && !this.#feed(substream)) this.#starved.add(substream);
  }

  /** Grants what the reader still waits for, all at once so that what has begun can end; false while there is no room. */
  #feed(substream: Substream): boolean {
    const credit = substream.expected - substream.window;
    if (credit <= 0) return true;
    if (this.#grantedBytes + credit > GRANTED_BYTES_MAX) return false;
    this.#grantedBytes += credit;
    substream.granted += credit;
    substream.window += credit;
    const flags = substream.takeFirstFlags();
    this.#send({ type: TYPE.windowUpdate, flags, stream: substream.id, length: credit });
    return true;
  }

  #feedStarved(): void {
    for (const substream of this.#starved) {
      if (!this.#feed(substream)) return;
      this.#starved.delete(substream);
    }
  }

  #accept(id: number, credit: number): boolean {
    if (id === 0 || id % 2 === this.#ownParity) {
      this.#goAway("substream id of the wrong side");
    } else if (this.#readers.has(id)) {
      this.#goAway("substream opened twice");
    } else if (this.#inbound >= INBOUND_MAX) {
      this.#answer({ type: TYPE.data, flags: FLAG.rst | FLAG.ack, stream: id, length: 0 });
    } else {
      const substream = new Substream(this, id, false, credit);
      this.#inbound++;
      const reader = this.#owner.accept(substream);
      this.#readers.set(id, { substream, reader });
      return true;
    }
    return false;
  }

  #receiveEnd(id: number): void {
    const entry = this.#readers.get(id);
    if (entry === undefined || entry.substream.isRemoteFinished) return;
    entry.substream.isRemoteFinished = true;
    if (!entry.substream.isIgnored) entry.reader.end();
    if (entry.substream.isFinished && !entry.substream.isGone) this.#remove(entry.substream);
  }

  #receiveReset(id: number): void {
    const entry = this.#readers.get(id);
    if (entry !== undefined) this.#remove(entry.substream);
  }

  #remove(substream: Substream): void {
    this.#release(substream);
    this.#unsent -= substream.unsentBytes;
    const { reader } = this.#readers.get(substream.id)!;
    this.#readers.delete(substream.id);
    this.#sending.delete(substream);
    substream.isGone = true;
    if (!substream.isOwn) this.#inbound--;
    reader.gone();
    this.#owner.wake();
  }

  #release(substream: Substream): void {
    if (!substream.isIgnored) {
      this.#firstWindowBytes -= Math.min(substream.received, WINDOW);
      this.#grantedBytes -= substream.granted;
    }
    this.#starved.delete(substream);
    this.#feedStarved();
  }

  #goAway(rule: string): void {
    this.#answer({ type: TYPE.goAway, flags: 0, stream: 0, length: GO_AWAY.protocolError });
    this.#owner.violated(rule);
  }

  #sendReset(id: number, flags: number): void {
    this.#send({ type: TYPE.data, flags: FLAG.rst | flags, stream: id, length: 0 });
  }

  /** For frames that the other side causes without a bound of their own. */
  #answer(header: FrameHeader): void {
    if (this.#control.length >= CONTROL_FRAMES_MAX) throw new ProtocolError("answers-unread");
    this.#send(header);
  }

  #send(header: FrameHeader): void {
    this.#control.push(encodeHeader(header));
    this.#owner.wake();
  }
}

const isRead = ({ isGone, isIgnored }: Substream): boolean => !isGone && !isIgnored;
