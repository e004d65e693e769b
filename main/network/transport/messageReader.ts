/** Collects the one message that a direction of a substream carries (chapter 06 §3.5, §4.6; chapter 07 §3.18). */
import { ProtocolError } from "../../protocol/errors.ts";
import { ENVELOPE_HEADER_SIZE, readEnvelopeHeader } from "../messages/envelope.ts";
import { PROTOCOLS, type ProtocolName, type Served } from "../ports.ts";
import { ByteQueue } from "./byteQueue.ts";

/** `envelope`: the message ends where its header says, whatever follows; `to-end`: where its writer half-closes. */
export type Framing = Served["framing"];

export type MessageErrorCode = "payload-too-large" | "truncated-header" | "truncated-payload";

export function framingOf(protocol: ProtocolName): Framing {
  return protocol === PROTOCOLS.objects ? "to-end" : "envelope";
}

export class MessageReader {
  readonly #framing: Framing;
  readonly #bytesMax: number;
  #bytes = new ByteQueue();
  /** Known once the header of an envelope is there. */
  #size: number | undefined;

  constructor(framing: Framing, bytesMax: number) {
    this.#framing = framing;
    this.#bytesMax = bytesMax;
  }

  /** How many more bytes it may take. */
  get missing(): number {
    return (this.#size ?? this.#bytesMax) - this.#bytes.length;
  }

  /** Gives the message once it is whole. Throws `ProtocolError("payload-too-large")` before it keeps what is too much. */
  push(part: Uint8Array): Uint8Array | undefined {
    if (this.#framing === "to-end") {
      if (part.length > this.missing) throw refusal("payload-too-large");
      this.#bytes.push(part);
      return undefined;
    }
    const needed = this.#pushHeader(part);
    if (this.#size === undefined) return undefined;
    this.#bytes.push(needed.subarray(0, this.missing));
    return this.missing === 0 ? this.#bytes.takeAll() : undefined;
  }

  /** The writer half-closed: gives the message, or throws `ProtocolError`, truncated-header or truncated-payload. */
  end(): Uint8Array {
    if (this.#framing === "to-end") return this.#bytes.takeAll();
    throw refusal(this.#size === undefined ? "truncated-header" : "truncated-payload");
  }

  /** Gives what follows the header. */
  #pushHeader(part: Uint8Array): Uint8Array {
    if (this.#size !== undefined) return part;
    const headerPart = part.subarray(0, ENVELOPE_HEADER_SIZE - this.#bytes.length);
    this.#bytes.push(headerPart);
    if (this.#bytes.length === ENVELOPE_HEADER_SIZE) {
      const header = this.#bytes.take(ENVELOPE_HEADER_SIZE);
      const size = ENVELOPE_HEADER_SIZE + readEnvelopeHeader(header).payloadLength;
      if (size > this.#bytesMax) throw refusal("payload-too-large");
      this.#size = size;
      this.#bytes = new ByteQueue(size);
      this.#bytes.push(header);
    }
    return part.subarray(headerPart.length);
  }
}

function refusal(code: MessageErrorCode): ProtocolError<MessageErrorCode> {
  return new ProtocolError(code);
}
