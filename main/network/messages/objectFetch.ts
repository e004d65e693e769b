/** What a node asks another for by name or by window, on `/montana/objects/1.0.0`, without envelope (chapter 07 §3.18). */
import type { Hash32 } from "../../protocol/bytes.ts";
import {
  encode,
  flag,
  hash32,
  list,
  struct,
  typeByte,
  u32,
  u64,
  u8,
  type FixedCodec,
} from "../../protocol/codec/codec.ts";
import { blob, decodeFixed, decodePayload, invalidField, requireAtLeast } from "../../protocol/codec/payload.ts";
import { PAYLOAD_SIZE_MAX } from "./envelope.ts";

export const FETCH_IDS_MAX = 1000;
/** Windows of one range. */
export const FETCH_WINDOWS_MAX = 64;
/** Of all objects of a reply together. */
export const FETCH_BYTES_MAX = PAYLOAD_SIZE_MAX;

const BY_IDS = 1;
const BY_RANGE = 2;

const byIds = struct({ kind: typeByte(BY_IDS), ids: list(hash32) });
const byRange = struct({
  kind: typeByte(BY_RANGE),
  first: u64,
  last: u64,
  /** Counts the objects of the range; 0 at first. */
  cursor: u32,
}) as FixedCodec<FetchRange>;

export interface FetchIds {
  readonly kind: typeof BY_IDS;
  /** 1 to 1,000. */
  readonly ids: readonly Hash32[];
}

export interface FetchRange {
  readonly kind: typeof BY_RANGE;
  /** At most 64 windows, both ends included. */
  readonly first: bigint;
  readonly last: bigint;
  readonly cursor: number;
}

export type FetchRequest = FetchIds | FetchRange;

const fetchedObject = struct({ msgType: u8, bytes: blob });
const replyLayout = struct({
  /** Ask again: with `nextCursor`, or for the ids not yet answered. */
  more: flag,
  nextCursor: u32,
  objects: list(fetchedObject),
});

export interface FetchedObject {
  /** A message type; what it is of is for the receiver to judge, as the bytes are. */
  readonly msgType: number;
  readonly bytes: Uint8Array;
}

export interface FetchReply {
  readonly more: boolean;
  readonly nextCursor: number;
  readonly objects: readonly FetchedObject[];
}

/** Bytes of the longest request. */
export const FETCH_REQUEST_SIZE_MAX = byIds.minSize + FETCH_IDS_MAX * hash32.size;

/** Throws `invalid-payload-field` for a request that {@link decodeFetchRequest} would refuse. */
export function encodeFetchRequest(request: FetchRequest): Uint8Array {
  checkRequest(request);
  return request.kind === BY_IDS ? encode(byIds, request) : encode(byRange, request);
}

/** Throws `ProtocolError<PayloadErrorCode>`. */
export function decodeFetchRequest(payload: Uint8Array): FetchRequest {
  requireAtLeast(payload, 1);
  const request: FetchRequest = payload[0] === BY_RANGE ? decodeFixed(byRange, payload) : decodePayload(byIds, payload);
  checkRequest(request);
  return request;
}

/** Throws `invalid-payload-field` for more than 1 MiB of objects. */
export function encodeFetchReply(reply: FetchReply): Uint8Array {
  checkReply(reply);
  return encode(replyLayout, reply);
}

/** Throws `ProtocolError<PayloadErrorCode>`. */
export function decodeFetchReply(payload: Uint8Array): FetchReply {
  const reply = decodePayload(replyLayout, payload);
  checkReply(reply);
  return reply;
}

function checkRequest(request: FetchRequest): void {
  if (request.kind === BY_IDS) {
    if (request.ids.length < 1 || request.ids.length > FETCH_IDS_MAX) throw invalidField("count");
    return;
  }
  if (request.first > request.last || request.last - request.first >= BigInt(FETCH_WINDOWS_MAX)) {
    throw invalidField("last");
  }
}

function checkReply({ objects }: FetchReply): void {
  const total = objects.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (total > FETCH_BYTES_MAX) throw invalidField("length");
}
