/** What is checked of every chunk before its records are looked at (chapter 02 §4.11, receiver checks). */
import { ProtocolError } from "../errors.ts";
import { PAYLOAD_SIZE_MAX } from "./chunks.ts";
import { decodeChunk, type Chunk, type FastSyncCodecErrorCode } from "./codec.ts";

export type ReplyFault =
  | "payload-too-large"
  | FastSyncCodecErrorCode
  | "wrong-chunk-index"
  | "wrong-table"
  | "wrong-records-length"
  | "wrong-record-count"
  | "wrong-total-chunks"
  | "non-canonical-flag"
  | "duplicate-key";

/** What came, or why its sender is not asked again. Nothing of a faulty reply is used. */
export type Result<T, Fault = ReplyFault> =
  { readonly fault: Fault; readonly value?: undefined } | { readonly fault?: undefined; readonly value: T };

/** `index` is the chunk that was asked for, `recordSize` gives the size of one record of a table, in bytes. */
export function readReply(
  payload: Uint8Array,
  index: number,
  recordSize: (chunk: Chunk) => number | undefined,
): Result<Chunk> {
  if (payload.length > PAYLOAD_SIZE_MAX) return { fault: "payload-too-large" };
  let chunk: Chunk;
  try {
    chunk = decodeChunk(payload);
  } catch (error) {
    if (error instanceof ProtocolError) return { fault: error.code as FastSyncCodecErrorCode };
    throw error;
  }
  if (chunk.chunkIndex !== index) return { fault: "wrong-chunk-index" };
  const size = recordSize(chunk);
  if (size === undefined) return { fault: "wrong-table" };
  if (chunk.records.length !== chunk.recordCount * size) return { fault: "wrong-records-length" };
  return { value: chunk };
}

/** `records` cut into copies of `size` bytes. Not by `slice`, which gives views of a Buffer. */
export function splitRecords(records: Uint8Array, size: number): Uint8Array[] {
  const recordAt = (i: number): Uint8Array => new Uint8Array(records.subarray(i * size, (i + 1) * size));
  return Array.from({ length: records.length / size }, (_, i) => recordAt(i));
}
