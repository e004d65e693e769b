/** multistream-select 1.0 (chapter 06 §3.1, §4.2): pure, both roles. */
import { concatBytes } from "../../protocol/bytes.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { ByteQueue } from "./byteQueue.ts";

const HEADER = "/multistream/1.0.0";
const NOT_AVAILABLE = "na";
const LIST = "ls";
const NEWLINE = 0x0a;
const SLASH = 0x2f;

/** rc.1 has no such bound; without one, refusals to a peer that does not read them would pile up. */
const PROPOSALS_MAX = 64;

export type NegotiationErrorCode = "multistream-violation" | "protocol-not-available";

/** The listener's side of one negotiation. */
export class ListenerNegotiation {
  readonly #supported: readonly string[];
  #hasHeader = false;
  #proposals = 0;
  #refused = false;

  constructor(supported: readonly string[]) {
    this.#supported = supported;
  }

  /** Whether a proposal has been answered by `na`. */
  get refused(): boolean {
    return this.#refused;
  }

  /**
   * Takes whole messages off `received`, gives each answer to `send`, and returns the agreed protocol as soon as there is one;
   * what follows it stays in `received`. Throws `ProtocolError("multistream-violation")`.
   */
  advance(received: ByteQueue, send: (answer: Uint8Array) => void): string | undefined {
    for (let text = takeMessage(received); text !== undefined; text = takeMessage(received)) {
      if (!this.#hasHeader) {
        if (text !== HEADER) throw violation();
        this.#hasHeader = true;
        send(encodeMessage(HEADER));
        continue;
      }
      if (++this.#proposals > PROPOSALS_MAX) throw violation();
      if (text === LIST) {
        send(encodeList(this.#supported));
      } else if (!isProtocolName(text)) {
        throw violation();
      } else if (this.#supported.includes(text)) {
        send(encodeMessage(text));
        return text;
      } else {
        this.#refused = true;
        send(encodeMessage(NOT_AVAILABLE));
      }
    }
    return undefined;
  }
}

/** The dialer's side, with one proposal. */
export class DialerNegotiation {
  /** Header and proposal. */
  readonly opening: Uint8Array;
  readonly #protocol: string;
  #hasHeader = false;

  constructor(protocol: string) {
    this.#protocol = protocol;
    this.opening = concatBytes(encodeMessage(HEADER), encodeMessage(protocol));
  }

  /**
   * Takes the confirmation off `received`, and nothing behind it; true once it is whole. Throws
   * `ProtocolError<NegotiationErrorCode>`.
   */
  advance(received: ByteQueue): boolean {
    for (let text = takeMessage(received); text !== undefined; text = takeMessage(received)) {
      if (this.#hasHeader && text === this.#protocol) return true;
      if (this.#hasHeader && text === NOT_AVAILABLE) {
        throw new ProtocolError<NegotiationErrorCode>("protocol-not-available", { protocol: this.#protocol });
      }
      if (this.#hasHeader || text !== HEADER) throw violation();
      this.#hasHeader = true;
    }
    return false;
  }
}

const isProtocolName = (text: string): boolean => text.startsWith("/") && text !== HEADER;

/** `text` with its newline behind its length. */
function encodeMessage(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(`${text}\n`);
  return concatBytes(encodeLength(bytes.length), bytes);
}

function encodeList(protocols: readonly string[]): Uint8Array {
  const list = concatBytes(...protocols.map(encodeMessage), new Uint8Array([NEWLINE]));
  return concatBytes(encodeLength(list.length), list);
}

/** An unsigned varint of at most two bytes, which every length here fits. */
function encodeLength(length: number): Uint8Array {
  return new Uint8Array(length < 0x80 ? [length] : [0x80 | (length & 0x7f), length >> 7]);
}

/** The text of the next message, without its newline; `undefined` while it is not whole. */
function takeMessage(received: ByteQueue): string | undefined {
  if (received.length === 0) return undefined;
  let length = received.at(0);
  let prefix = 1;
  if (length >= 0x80) {
    if (received.length < 2) return undefined;
    const high = received.at(1);
    // A third byte would make it too long, a zero one not the shortest form.
    if (high >= 0x80 || high === 0) throw violation();
    length = (length & 0x7f) | (high << 7);
    prefix = 2;
  }
  if (length === 0) throw violation();
  if (received.length < prefix + length) return undefined;
  const message = received.take(prefix + length).subarray(prefix);
  const newline = message.indexOf(NEWLINE);
  if (newline !== message.length - 1) throw violation();
  const text = message.subarray(0, newline);
  if (text[0] !== SLASH) return String.fromCharCode(...text.subarray(0, LIST.length + 1));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(text);
  } catch {
    throw violation();
  }
}

function violation(): ProtocolError<NegotiationErrorCode> {
  return new ProtocolError("multistream-violation");
}
