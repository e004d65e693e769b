/** Payloads of Fast Sync, message types 0x40 to 0x42 (chapter 02 §3.8, chapter 07 §3.4). */
import { concatBytes } from "../bytes.ts";
import { decode, encode, struct, u32, u64, u8, type Infer } from "../codec/codec.ts";
import { decodeFixed, invalidField, requireAtLeast, requireLength, type PayloadErrorCode } from "../codec/payload.ts";
import { accountRecord, candidateRecord, nodeRecord } from "../state/records.ts";
import { proposalHeader } from "../objects/consensus.ts";

export const TABLE_ACCOUNTS = 1;
export const TABLE_NODES = 2;
export const TABLE_CANDIDATES = 3;
/** Headers, ascending by window. */
export const TABLE_PROPOSALS = 4;
export type TableId = 1 | 2 | 3 | 4;
/** In the order in which a snapshot carries them. */
export const TABLE_IDS: readonly TableId[] = [TABLE_ACCOUNTS, TABLE_NODES, TABLE_CANDIDATES, TABLE_PROPOSALS];

/** Bytes of one record of a table. */
export const RECORD_SIZES: Readonly<Record<TableId, number>> = {
  1: accountRecord.size,
  2: nodeRecord.size,
  3: candidateRecord.size,
  4: proposalHeader.codec.minSize,
};

export type FastSyncCodecErrorCode = PayloadErrorCode;

const requestLayout = struct({
  anchorWindow: u64,
  /** Which part is wanted: `addressing.ts` says how. */
  resumeOffset: u64,
});
export type FastSyncRequest = Infer<typeof requestLayout>;

/** 16 bytes. */
export function encodeRequest(request: FastSyncRequest): Uint8Array {
  return encode(requestLayout, request);
}

/** Throws `payload-length-mismatch`. */
export function decodeRequest(payload: Uint8Array): FastSyncRequest {
  return decodeFixed(requestLayout, payload);
}

const chunkHeader = struct({ chunkIndex: u32, totalChunks: u32, tableId: u8, recordCount: u32 });
export const CHUNK_HEADER_SIZE = chunkHeader.size;

export interface Chunk {
  readonly chunkIndex: number;
  readonly totalChunks: number;
  readonly tableId: TableId;
  readonly recordCount: number;
  /** The records one after the other; their length is not compared with the count here. */
  readonly records: Uint8Array;
}

/** 13 bytes and the records. */
export function encodeChunk(chunk: Chunk): Uint8Array {
  return concatBytes(encode(chunkHeader, chunk), chunk.records);
}

/** Throws `truncated-payload`, then `invalid-payload-field`. `records` is a view into `payload`. */
export function decodeChunk(payload: Uint8Array): Chunk {
  requireAtLeast(payload, CHUNK_HEADER_SIZE);
  const header = decode(chunkHeader, payload.subarray(0, CHUNK_HEADER_SIZE));
  const { chunkIndex, totalChunks, tableId } = header;
  if (totalChunks === 0 || chunkIndex >= totalChunks) throw invalidField("total_chunks");
  if (!isTableId(tableId)) throw invalidField("table_id");
  return { ...header, tableId, records: payload.subarray(CHUNK_HEADER_SIZE) };
}

const MESSAGE_SIZE_MAX = 255;
const ERROR_HEADER_SIZE = 2;

export interface FastSyncError {
  /**
   * 1 snapshot unavailable (anchor too old, no such part, or §4.12 is not served), 2 snapshot too large, 3 unsupported version,
   * 4 resources exhausted, 5 access denied; another one is foreign, not malformed.
   */
  readonly code: number;
  /** UTF-8, informative. */
  readonly message: Uint8Array;
}

/** A message longer than 255 bytes is cut. */
export function encodeError({ code, message }: FastSyncError): Uint8Array {
  const shown = message.subarray(0, MESSAGE_SIZE_MAX);
  return concatBytes(encode(u8, code), encode(u8, shown.length), shown);
}

/** Throws `truncated-payload`, then `payload-length-mismatch`. */
export function decodeError(payload: Uint8Array): FastSyncError {
  requireAtLeast(payload, ERROR_HEADER_SIZE);
  const [code, length] = payload as unknown as readonly [number, number];
  requireLength(payload, ERROR_HEADER_SIZE + length);
  // Not `slice`, which gives a view of a Buffer instead of a copy.
  return { code, message: new Uint8Array(payload.subarray(ERROR_HEADER_SIZE)) };
}

function isTableId(value: number): value is TableId {
  return value >= TABLE_ACCOUNTS && value <= TABLE_PROPOSALS;
}
