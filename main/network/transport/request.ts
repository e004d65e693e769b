/** The asking side of one substream: negotiate, write a request, read the reply (chapter 06 §4.6). */
import { ProtocolError } from "../../protocol/errors.ts";
import { ENVELOPE_SIZE_MAX } from "../messages/envelope.ts";
import { FETCH_BYTES_MAX } from "../messages/objectFetch.ts";
import type { ProtocolName, RequestFailure, RequestOptions } from "../ports.ts";
import { ByteQueue } from "./byteQueue.ts";
import { NEGOTIATE_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from "./limits.ts";
import { framingOf, MessageReader } from "./messageReader.ts";
import { DialerNegotiation } from "./multistream.ts";
import type { Substream, SubstreamReader } from "./yamux/substream.ts";

/** A head of 7 bytes, at most 65 535 objects with 5 bytes before each (chapter 07 §3.18). */
const FETCH_REPLY_SIZE_MAX = 7 + FETCH_BYTES_MAX + 5 * 0xffff;

export interface RequestOwner {
  /** Whether the other side is known to serve it: then nothing has to wait for its confirmation. */
  isConfirmed(protocol: ProtocolName): boolean;
  confirm(protocol: ProtocolName): void;
  readonly isEnded: boolean;
}

export class Request implements SubstreamReader {
  /** Rejects with `ProtocolError<RequestFailure>`. */
  readonly reply: Promise<Uint8Array>;
  readonly #substream: Substream;
  readonly #owner: RequestOwner;
  readonly #protocol: ProtocolName;
  readonly #negotiation: DialerNegotiation;
  readonly #negotiated = new ByteQueue();
  readonly #reader: MessageReader;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (reply: Uint8Array) => void;
  readonly #reject: (failure: ProtocolError<RequestFailure>) => void;
  #request: Uint8Array | undefined;
  #isNegotiated = false;
  #isSettled = false;
  #timer: NodeJS.Timeout;

  constructor(
    substream: Substream,
    owner: RequestOwner,
    protocol: ProtocolName,
    request: Uint8Array,
    { timeoutMs = REQUEST_TIMEOUT_MS, signal }: RequestOptions,
  ) {
    this.#substream = substream;
    this.#owner = owner;
    this.#protocol = protocol;
    this.#request = request;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
    this.#negotiation = new DialerNegotiation(protocol);
    const framing = framingOf(protocol);
    this.#reader = new MessageReader(framing, framing === "envelope" ? ENVELOPE_SIZE_MAX : FETCH_REPLY_SIZE_MAX);
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.reply = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(this.#timeOut, NEGOTIATE_TIMEOUT_MS);
    signal?.addEventListener("abort", this.#abort);
  }

  /** Sends what can be sent: called once, as soon as the session knows the substream. */
  start(): void {
    this.#substream.write(this.#negotiation.opening);
    if (this.#owner.isConfirmed(this.#protocol)) this.#sendRequest();
    if (this.#signal?.aborted) this.#abort();
  }

  data(bytes: Uint8Array): void {
    try {
      if (this.#isNegotiated) this.#read(bytes);
      else this.#negotiate(bytes);
    } catch (error) {
      this.#fail(failureOf(error));
    }
  }

  end(): void {
    try {
      // What ends before the protocol is agreed on has been refused without a word.
      if (!this.#isNegotiated) throw new ProtocolError("protocol-not-available");
      this.#settle(this.#reader.end());
    } catch (error) {
      this.#fail(failureOf(error));
    }
  }

  gone(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#abort);
    if (!this.#isSettled) this.#reject(new ProtocolError(this.#owner.isEnded ? "connection-closed" : "stream-reset"));
  }

  #negotiate(bytes: Uint8Array): void {
    this.#negotiated.push(bytes);
    if (!this.#negotiation.advance(this.#negotiated)) return;
    this.#isNegotiated = true;
    this.#owner.confirm(this.#protocol);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#timeOut, this.#timeoutMs);
    this.#sendRequest();
    this.#read(this.#negotiated.takeAll());
  }

  #sendRequest(): void {
    if (this.#request === undefined) return;
    this.#substream.write(this.#request);
    this.#substream.end();
    this.#request = undefined;
  }

  #read(bytes: Uint8Array): void {
    const reply = this.#reader.push(bytes);
    if (reply === undefined) this.#substream.expected = this.#reader.missing;
    else this.#settle(reply);
  }

  /** The timer stays: a substream that the other side never ends is reset by it. */
  #settle(reply: Uint8Array): void {
    this.#isSettled = true;
    this.#substream.ignoreRest();
    this.#resolve(reply);
  }

  readonly #timeOut = (): void => {
    this.#fail("request-timeout");
  };

  readonly #abort = (): void => {
    this.#fail("stream-reset");
  };

  #fail(failure: RequestFailure): void {
    if (!this.#isSettled) this.#reject(new ProtocolError(failure));
    this.#isSettled = true;
    this.#substream.reset();
  }
}

function failureOf(error: unknown): RequestFailure {
  if (!(error instanceof ProtocolError)) throw error;
  if (error.code === "protocol-not-available") return "protocol-not-served";
  return error.code === "payload-too-large" ? "reply-too-large" : "reply-malformed";
}
