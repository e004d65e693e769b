/**
 * Requests and replies over one Yamux session: all of a connection that lies above its encryption. Plaintext goes in by
 * `receive` and comes out by `takeOutput`; nothing here knows a socket.
 */
import { concatBytes } from "../../protocol/bytes.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { ProtocolName, RequestFailure, RequestOptions } from "../ports.ts";
import { Answer, type AnswerFailure, type AnswerOwner, type Service } from "./answer.ts";
import { EXCHANGES_MAX, OWN_REQUESTS_MAX, UNSENT_BYTES_MAX } from "./limits.ts";
import { Request, type RequestOwner } from "./request.ts";
import { YamuxSession, type SessionOwner } from "./yamux/session.ts";
import type { Substream, SubstreamReader } from "./yamux/substream.ts";

export interface ExchangesOwner {
  /** There is something to take. */
  wake(): void;
  /** The other side broke a rule of Yamux: the connection is to be closed once the output is sent. */
  violated(rule: string): void;
  /** A substream that the other side opened came to nothing. */
  failed(code: AnswerFailure, protocol: string | undefined): void;
  /** Serving threw. */
  defect(error: unknown): void;
}

export class Exchanges implements SessionOwner, AnswerOwner, RequestOwner {
  readonly services: readonly Service[];
  readonly #owner: ExchangesOwner;
  readonly #session: YamuxSession;
  readonly #confirmed = new Set<ProtocolName>();
  #ownRequests = 0;
  #answering = 0;
  #isEnded = false;

  constructor(isDialer: boolean, services: readonly Service[], owner: ExchangesOwner) {
    this.services = services;
    this.#owner = owner;
    this.#session = new YamuxSession(isDialer, this);
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get openSubstreams(): number {
    return this.#session.openSubstreams;
  }

  /** Throws `ProtocolError` when the connection is to be closed, see {@link YamuxSession.receive}. */
  receive(plaintext: Uint8Array): void {
    this.#session.receive(plaintext);
  }

  /** Some whole frames, of `bytesMax` in all or of one frame; none when there is nothing to send. */
  takeOutput(bytesMax: number): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let bytes = 0; bytes < bytesMax;) {
      const frame = this.#session.nextFrame();
      if (frame === undefined) break;
      parts.push(...frame);
      bytes += frame[0].length + frame[1].length;
    }
    return concatBytes(...parts);
  }

  /** As `Connection.request`. */
  async request(protocol: ProtocolName, request: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    if (this.#isEnded) throw new ProtocolError<RequestFailure>("connection-closed");
    if (this.#ownRequests >= OWN_REQUESTS_MAX || this.#ownRequests + this.#answering >= EXCHANGES_MAX) {
      throw new ProtocolError<RequestFailure>("too-many-requests");
    }
    this.#ownRequests++;
    try {
      let exchange: Request | undefined;
      this.#session.open((substream) => (exchange = new Request(substream, this, protocol, request, options)));
      exchange!.start();
      return await exchange!.reply;
    } finally {
      this.#ownRequests--;
    }
  }

  /** The connection is gone: whatever is under way fails. */
  end(): void {
    this.#isEnded = true;
    this.#session.abandon();
  }

  accept(substream: Substream): SubstreamReader {
    return new Answer(substream, this);
  }

  wake(): void {
    this.#owner.wake();
  }

  violated(rule: string): void {
    this.#owner.violated(rule);
  }

  begin(): boolean {
    if (this.#ownRequests + this.#answering >= EXCHANGES_MAX) return false;
    this.#answering++;
    return true;
  }

  finish(): void {
    this.#answering--;
  }

  hasRoomFor(replyBytes: number): boolean {
    return this.#session.unsentBytes + replyBytes <= UNSENT_BYTES_MAX;
  }

  failed(code: AnswerFailure, protocol: string | undefined): void {
    this.#owner.failed(code, protocol);
  }

  defect(error: unknown): void {
    this.#owner.defect(error);
  }

  isConfirmed(protocol: ProtocolName): boolean {
    return this.#confirmed.has(protocol);
  }

  confirm(protocol: ProtocolName): void {
    this.#confirmed.add(protocol);
  }
}
