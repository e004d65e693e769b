/** Range subscribe, messages 0x63 to 0x65 (chapter 07 §3.7, §4.14): blobs by the labels of queues. */
import type { Hash32 } from "../../protocol/bytes.ts";
import { decode, encode, hash32, list, struct, u16, u8, type Infer } from "../../protocol/codec/codec.ts";
import { blob, decodeFixed, decodePayload, requireAtLeast, requireLength } from "../../protocol/codec/payload.ts";
import { PAYLOAD_SIZE_MAX } from "./envelope.ts";

export const LABELS_MAX = 10_000;
/** Requests of one account in one window. */
export const SUBSCRIBES_PER_WINDOW_MAX = 16;

export const SUBSCRIBE_ERROR = { rateLimited: 1, rangeTooLarge: 2, resourceExhausted: 3 } as const;

const labels = list(hash32);

const labelledBlob = struct({ matchedLabel: hash32, data: blob });
export type LabelledBlob = Infer<typeof labelledBlob>;
const responseLayout = list(labelledBlob);

const errorLayout = struct({ errorCode: u8 });
export type SubscribeError = Infer<typeof errorLayout>;

/** 2 + 32 bytes a label. The codec takes 65,535 of them, a host {@link LABELS_MAX}. */
export function encodeSubscribeRequest(wanted: readonly Hash32[]): Uint8Array {
  return encode(labels, wanted);
}

/** Throws `truncated-payload`, then `payload-length-mismatch`. */
export function decodeSubscribeRequest(payload: Uint8Array): readonly Hash32[] {
  requireAtLeast(payload, u16.size);
  requireLength(payload, u16.size + decode(u16, payload.subarray(0, u16.size)) * hash32.size);
  return decode(labels, payload);
}

/**
 * What a host does with a request of an account that has made `madeInWindow` requests in this window: gives the labels, or
 * the error to answer with. Throws as {@link decodeSubscribeRequest} does: that is a malformed payload, and penalised.
 */
export function judgeSubscribeRequest(
  payload: Uint8Array,
  madeInWindow: number,
): { readonly labels: readonly Hash32[] } | { readonly error: SubscribeError } {
  const wanted = decodeSubscribeRequest(payload);
  if (wanted.length > LABELS_MAX) return { error: { errorCode: SUBSCRIBE_ERROR.rangeTooLarge } };
  if (madeInWindow >= SUBSCRIBES_PER_WINDOW_MAX) return { error: { errorCode: SUBSCRIBE_ERROR.rateLimited } };
  return { labels: wanted };
}

/** Undefined where the blobs do not fit a message: the host answers `resourceExhausted`, the client halves its labels. */
export function encodeSubscribeResponse(blobs: readonly LabelledBlob[]): Uint8Array | undefined {
  const size = blobs.reduce((sum, { data }) => sum + labelledBlob.minSize + data.length, u16.size);
  return size > PAYLOAD_SIZE_MAX ? undefined : encode(responseLayout, blobs);
}

/** Throws `ProtocolError<PayloadErrorCode>`. */
export function decodeSubscribeResponse(payload: Uint8Array): readonly LabelledBlob[] {
  return decodePayload(responseLayout, payload);
}

/** 1 byte. */
export function encodeSubscribeError(error: SubscribeError): Uint8Array {
  return encode(errorLayout, error);
}

/** Throws `payload-length-mismatch`. */
export function decodeSubscribeError(payload: Uint8Array): SubscribeError {
  return decodeFixed(errorLayout, payload);
}
