/** How the codecs of payloads refuse (chapter 07 §3, §10): every name that the structured payloads know. */
import { decode, type FixedCodec } from "../../protocol/codec/codec.ts";
import { ProtocolError } from "../../protocol/errors.ts";

export type PayloadErrorCode = "payload-length-mismatch" | "truncated-payload" | "invalid-payload-field";

/** A payload of fixed size. Throws `payload-length-mismatch` before anything else. */
export function decodeFixed<T>(layout: FixedCodec<T>, payload: Uint8Array): T {
  requireLength(payload, layout.size);
  return decode(layout, payload);
}

/** Throws `payload-length-mismatch`. */
export function requireLength(payload: Uint8Array, expected: number): void {
  if (payload.length !== expected) {
    throw new ProtocolError<PayloadErrorCode>("payload-length-mismatch", { length: payload.length, expected });
  }
}

/** Throws `truncated-payload`. */
export function requireAtLeast(payload: Uint8Array, needed: number): void {
  if (payload.length < needed) {
    throw new ProtocolError<PayloadErrorCode>("truncated-payload", { length: payload.length, needed });
  }
}

export function invalidField(field: string): ProtocolError<PayloadErrorCode> {
  return new ProtocolError<PayloadErrorCode>("invalid-payload-field", { field });
}
