/** The answering side of one substream: negotiate, read a request, have it served, write the reply (chapter 06 §4.6). */
import { ProtocolError } from "../../protocol/errors.ts";
import { ByteQueue } from "./byteQueue.ts";
import { NEGOTIATE_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from "./limits.ts";
import { MessageReader, type MessageErrorCode } from "./messageReader.ts";
import { ListenerNegotiation, type NegotiationErrorCode } from "./multistream.ts";
import type { Substream, SubstreamReader } from "./yamux/substream.ts";

/** A {@link Served} that knows for whom. */
export interface Service {
  readonly protocol: string;
  readonly framing: "envelope" | "to-end";
  readonly requestBytesMax: number;
  serve(request: Uint8Array): Promise<Uint8Array | undefined>;
}

export type AnswerFailure =
  | NegotiationErrorCode
  | MessageErrorCode
  | "too-many-exchanges"
  | "request-timeout"
  /** The application gave no reply. */
  | "refused"
  /** The other side does not read its replies. */
  | "replies-unread";

export interface AnswerOwner {
  readonly services: readonly Service[];
  /** Counts a negotiated exchange; false when there are too many. */
  begin(): boolean;
  finish(): void;
  /** Whether a reply of that many bytes may still be queued. */
  hasRoomFor(replyBytes: number): boolean;
  /** A substream came to nothing; the connection does not suffer. `protocol` is undefined when none was agreed. */
  failed(code: AnswerFailure, protocol: string | undefined): void;
  /** Serving threw. */
  defect(error: unknown): void;
}

interface Exchange {
  readonly service: Service;
  readonly reader: MessageReader;
}

export class Answer implements SubstreamReader {
  readonly #substream: Substream;
  readonly #owner: AnswerOwner;
  readonly #negotiation: ListenerNegotiation;
  readonly #negotiated = new ByteQueue();
  #exchange: Exchange | undefined;
  #timer: NodeJS.Timeout;

  constructor(substream: Substream, owner: AnswerOwner) {
    this.#substream = substream;
    this.#owner = owner;
    this.#negotiation = new ListenerNegotiation(owner.services.map(({ protocol }) => protocol));
    this.#timer = this.#failAfter(NEGOTIATE_TIMEOUT_MS);
  }

  data(bytes: Uint8Array): void {
    try {
      if (this.#exchange === undefined) this.#negotiate(bytes);
      else this.#read(this.#exchange, bytes);
    } catch (error) {
      this.#fail(this.#nameOf(error));
    }
  }

  /** What comes to its end too early gets no answer. */
  end(): void {
    try {
      if (this.#exchange === undefined) throw new ProtocolError("multistream-violation");
      this.#serve(this.#exchange.service, this.#exchange.reader.end());
    } catch (error) {
      this.#owner.failed(this.#nameOf(error), this.#exchange?.service.protocol);
      this.#substream.end();
    }
  }

  gone(): void {
    clearTimeout(this.#timer);
    if (this.#exchange !== undefined) this.#owner.finish();
  }

  #negotiate(bytes: Uint8Array): void {
    this.#negotiated.push(bytes);
    const protocol = this.#negotiation.advance(this.#negotiated, (answer) => {
      this.#substream.write(answer);
    });
    if (protocol === undefined) return;
    if (!this.#owner.begin()) {
      this.#fail("too-many-exchanges");
      return;
    }
    const service = this.#owner.services.find((candidate) => candidate.protocol === protocol)!;
    this.#exchange = { service, reader: new MessageReader(service.framing, service.requestBytesMax) };
    clearTimeout(this.#timer);
    this.#timer = this.#failAfter(REQUEST_TIMEOUT_MS);
    this.#read(this.#exchange, this.#negotiated.takeAll());
  }

  #read({ service, reader }: Exchange, bytes: Uint8Array): void {
    const request = reader.push(bytes);
    if (request === undefined) this.#substream.expected = reader.missing;
    else this.#serve(service, request);
  }

  #serve(service: Service, request: Uint8Array): void {
    this.#substream.ignoreRest();
    void this.#reply(service, request);
  }

  async #reply(service: Service, request: Uint8Array): Promise<void> {
    let reply: Uint8Array | undefined;
    try {
      reply = await service.serve(request);
    } catch (error) {
      this.#owner.defect(error);
    }
    if (this.#substream.isGone) return;
    if (reply === undefined) {
      this.#fail("refused");
    } else if (!this.#owner.hasRoomFor(reply.length)) {
      this.#fail("replies-unread");
    } else {
      this.#substream.write(reply);
      this.#substream.end();
    }
  }

  #failAfter(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => this.#fail("request-timeout"), milliseconds);
  }

  #fail(code: AnswerFailure): void {
    if (this.#substream.isGone) return;
    this.#owner.failed(code, this.#exchange?.service.protocol);
    this.#substream.reset();
  }

  /** A proposal that was refused names the failure, whatever the other side did after it. */
  #nameOf(error: unknown): AnswerFailure {
    if (!(error instanceof ProtocolError)) throw error;
    if (this.#exchange === undefined && this.#negotiation.refused) return "protocol-not-available";
    return error.code as NegotiationErrorCode | MessageErrorCode;
  }
}
