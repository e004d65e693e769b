/** The envelope around every message: 14 bytes of header, then the payload (chapter 07 §3.1, §5.1). */
import { concatBytes } from "../../protocol/bytes.ts";
import { decode, encode, struct, u32, u64, u8, type Infer } from "../../protocol/codec/codec.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { messageKind, type EnvelopeProtocol, type MessageType } from "./registry.ts";

export const MSG_VERSION = 1;
/** Bytes of the longest payload. */
export const PAYLOAD_SIZE_MAX = 1_048_576;

const headerLayout = struct({ msgType: u8, msgVersion: u8, requestId: u64, payloadLength: u32 });
/** As it was read: neither type nor version nor length is checked. */
export type EnvelopeHeader = Infer<typeof headerLayout>;
export const ENVELOPE_HEADER_SIZE = headerLayout.size;
export const ENVELOPE_SIZE_MAX = ENVELOPE_HEADER_SIZE + PAYLOAD_SIZE_MAX;

export interface Envelope {
  readonly msgType: MessageType;
  /** Unique among the outstanding requests of one sender, not beyond; 0 for gossip, the window for a header. */
  readonly requestId: bigint;
  readonly payload: Uint8Array;
}

export type EnvelopeErrorCode =
  | "truncated-header"
  | "payload-too-large"
  | "unknown-msg-type"
  | "unsupported-version"
  | "truncated-payload"
  | "payload-length-mismatch";

/** Throws `payload-too-large`, and `unsupported-version` for any `msgVersion` but 1. */
export function encodeEnvelope({ msgType, requestId, payload }: Envelope, msgVersion = MSG_VERSION): Uint8Array {
  if (msgVersion !== MSG_VERSION) throw refusal("unsupported-version", { msgVersion });
  if (payload.length > PAYLOAD_SIZE_MAX) throw refusal("payload-too-large", { length: payload.length });
  return concatBytes(encode(headerLayout, { msgType, msgVersion, requestId, payloadLength: payload.length }), payload);
}

/**
 * The header of a message that is still arriving: the first 14 of `bytes`. Throws `truncated-header`. A reader of a stream
 * refuses a `payloadLength` above {@link PAYLOAD_SIZE_MAX} before it allocates.
 */
export function readEnvelopeHeader(bytes: Uint8Array): EnvelopeHeader {
  if (bytes.length < ENVELOPE_HEADER_SIZE) throw refusal("truncated-header", { length: bytes.length });
  return decode(headerLayout, bytes.subarray(0, ENVELOPE_HEADER_SIZE));
}

/**
 * One whole message; `payload` is a view into `bytes`. Throws the first that applies: `truncated-header`, `unknown-msg-type`
 * (not registered on `protocol`), `unsupported-version`, `truncated-payload`, `payload-length-mismatch`.
 */
export function decodeEnvelope(bytes: Uint8Array, protocol: EnvelopeProtocol = "messages"): Envelope {
  const { msgType, msgVersion, requestId, payloadLength } = readEnvelopeHeader(bytes);
  const kind = messageKind(msgType, protocol);
  if (kind === undefined) throw refusal("unknown-msg-type", { msgType });
  if (msgVersion !== MSG_VERSION) throw refusal("unsupported-version", { msgVersion });
  const payload = bytes.subarray(ENVELOPE_HEADER_SIZE);
  if (payload.length < payloadLength) throw refusal("truncated-payload", { length: payload.length, payloadLength });
  if (payload.length > payloadLength) {
    throw refusal("payload-length-mismatch", { length: payload.length, payloadLength });
  }
  return { msgType: kind.type, requestId, payload };
}

function refusal(code: EnvelopeErrorCode, params: Readonly<Record<string, number>>) {
  return new ProtocolError<EnvelopeErrorCode>(code, params);
}
