/** How the codecs of messages refuse (chapter 07 §10): the three names that all structured payloads share. */
import { ProtocolError } from "../errors.ts";
import { decode, u32, type Codec, type FixedCodec } from "./codec.ts";
import type { CodecErrorCode } from "./reader.ts";

export type PayloadErrorCode = "payload-length-mismatch" | "truncated-payload" | "invalid-payload-field";

/** A payload of fixed size. Throws `payload-length-mismatch` before it looks at a field. */
export function decodeFixed<T>(layout: FixedCodec<T>, payload: Uint8Array): T {
  requireLength(payload, layout.size);
  return decode(layout, payload);
}

const PAYLOAD_CODES: Partial<Record<CodecErrorCode, PayloadErrorCode>> = {
  truncated: "truncated-payload",
  "trailing-bytes": "payload-length-mismatch",
};

/** A payload whose length follows from its fields. Throws `ProtocolError<PayloadErrorCode>`. */
export function decodePayload<T>(layout: Codec<T>, payload: Uint8Array): T {
  try {
    return decode(layout, payload);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const code = PAYLOAD_CODES[error.code as CodecErrorCode] ?? "invalid-payload-field";
    throw new ProtocolError<PayloadErrorCode>(code, error.params);
  }
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

/** Bytes behind their length as u32. */
export const blob: Codec<Uint8Array> = {
  minSize: u32.size,
  write(writer, value) {
    u32.write(writer, value.length);
    writer.bytes(value);
  },
  read: (reader) => reader.bytes(u32.read(reader)),
};
