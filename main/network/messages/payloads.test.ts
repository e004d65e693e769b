/** Chapter 07 §6 items 1, 2 and 11: payloads read back, nothing shorter does, and lookups hide their target. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { concatBytes, type AccountId, type Bytes, type NodeId } from "../../protocol/bytes.ts";
import { U64_MAX } from "../../protocol/codec/codec.ts";
import type { PublicKey } from "../../protocol/crypto.ts";
import * as lookup from "./batchLookup.ts";
import { PAYLOAD_SIZE_MAX } from "./envelope.ts";
import { decodeBye, encodeBye } from "./liveness.ts";
import {
  decodeFetchReply,
  decodeFetchRequest,
  encodeFetchReply,
  encodeFetchRequest,
  FETCH_BYTES_MAX,
  FETCH_IDS_MAX,
  FETCH_REQUEST_SIZE_MAX,
  type FetchRequest,
} from "./objectFetch.ts";
import * as peerList from "./peerList.ts";
import { decodePeerRecord, encodePeerRecord } from "./peerRecord.ts";
import * as subscribe from "./rangeSubscribe.ts";

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
const u64 = fc.bigInt(0n, U64_MAX);
const sized = <N extends number>(length: N) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => bytes as Bytes<N>);
const nodeId = sized(32).map((bytes) => bytes as NodeId);
const accountId = sized(32).map((bytes) => bytes as AccountId);
const blob = fc.uint8Array({ maxLength: 60 });
const sixteen = <T>(element: fc.Arbitrary<T>) => fc.array(element, { minLength: 16, maxLength: 16 });

const peerEntry = fc.record({
  ipVersion: fc.constantFrom(4 as const, 6 as const),
  ip: sized(16),
  port: u16,
  nodeId,
  startWindow: u64,
});
const fetchRequest: fc.Arbitrary<FetchRequest> = fc.oneof(
  fc.record({ kind: fc.constant(1 as const), ids: fc.array(sized(32), { minLength: 1, maxLength: 10 }) }),
  fc
    .record({ first: fc.bigInt(0n, U64_MAX - 63n), length: fc.bigInt(0n, 63n), cursor: u32 })
    .map(({ first, length, cursor }) => ({ kind: 2 as const, first, last: first + length, cursor })),
);

interface Case<T> {
  readonly value: fc.Arbitrary<T>;
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (payload: Uint8Array) => T;
}
const payload = <T>(value: fc.Arbitrary<T>, encode: Case<T>["encode"], decode: Case<T>["decode"]) =>
  ({ value, encode, decode }) as Case<unknown>;

describe.each(
  Object.entries({
    "peer entry": payload(peerEntry, peerList.encodePeerEntry, peerList.decodePeerEntry),
    "peer list request": payload(
      fc.record({ maxCount: u16 }),
      peerList.encodePeerListRequest,
      peerList.decodePeerListRequest,
    ),
    "peer list": payload(
      fc.array(peerEntry, { maxLength: 8 }),
      peerList.encodePeerListResponse,
      peerList.decodePeerListResponse as (bytes: Uint8Array) => peerList.PeerEntry[],
    ),
    "long address": payload(
      fc.record({
        ip: sized(16),
        port: u16,
        nodeId,
        nodePubkey: u8.map((byte) => new Uint8Array(1952).fill(byte) as PublicKey),
      }),
      encodePeerRecord,
      decodePeerRecord,
    ),
    Bye: payload(fc.record({ reason: u8 }), encodeBye, decodeBye),
    "lookup request": payload(
      fc.record({ queryType: fc.constantFrom(1 as const, 3 as const), accountIds: sixteen(accountId) }),
      lookup.encodeLookupRequest,
      lookup.decodeLookupRequest as (bytes: Uint8Array) => { queryType: 1 | 3; accountIds: AccountId[] },
    ),
    "lookup of bundles": payload(
      fc.record({ queryType: fc.constant(1 as const), bundles: sixteen(blob) }),
      lookup.encodeLookupResponse,
      (bytes) => lookup.decodeLookupResponse(bytes, 1) as { queryType: 1; bundles: Uint8Array<ArrayBuffer>[] },
    ),
    "lookup of existence": payload(
      fc.record({ queryType: fc.constant(3 as const), exists: sixteen(fc.boolean()) }),
      lookup.encodeLookupResponse,
      (bytes) => lookup.decodeLookupResponse(bytes, 3) as { queryType: 3; exists: boolean[] },
    ),
    "lookup error": payload(
      fc.record({ queryType: u8, errorCode: u8 }),
      lookup.encodeLookupError,
      lookup.decodeLookupError,
    ),
    "subscribe request": payload(
      fc.array(sized(32), { maxLength: 10 }),
      subscribe.encodeSubscribeRequest,
      subscribe.decodeSubscribeRequest as (bytes: Uint8Array) => Bytes<32>[],
    ),
    "subscribe response": payload(
      fc.array(fc.record({ matchedLabel: sized(32), data: blob }), { maxLength: 6 }),
      (blobs) => subscribe.encodeSubscribeResponse(blobs)!,
      subscribe.decodeSubscribeResponse as (
        bytes: Uint8Array,
      ) => { matchedLabel: Bytes<32>; data: Uint8Array<ArrayBuffer> }[],
    ),
    "fetch request": payload(fetchRequest, encodeFetchRequest, decodeFetchRequest),
    "fetch reply": payload(
      fc.record({
        more: fc.boolean(),
        nextCursor: u32,
        objects: fc.array(fc.record({ msgType: u8, bytes: blob }), { maxLength: 6 }),
      }),
      encodeFetchReply,
      decodeFetchReply as (bytes: Uint8Array) => {
        more: boolean;
        nextCursor: number;
        objects: { msgType: number; bytes: Uint8Array<ArrayBuffer> }[];
      },
    ),
  }),
)("a %s", (_, { value, encode, decode }) => {
  test("reads back, and nothing shorter or longer does", () => {
    fc.assert(
      fc.property(value, fc.nat(), (it, cut) => {
        const bytes = encode(it);
        expect(decode(bytes)).toEqual(it);
        const refused = /^(payload-length-mismatch|truncated-payload|invalid-payload-field)$/;
        expect(() => decode(bytes.subarray(0, cut % bytes.length))).toThrow(refused);
        expect(() => decode(concatBytes(bytes, new Uint8Array(1)))).toThrow(refused);
      }),
    );
  });
});

describe("a batch lookup", () => {
  const ids = Array.from({ length: 16 }, (_, i) => new Uint8Array(32).fill(i) as AccountId);
  const request = lookup.encodeLookupRequest({ queryType: lookup.ACCOUNT_EXISTS, accountIds: ids });

  test("has its target in the place of the first draw of 0, so in each of sixteen with the same chance", () => {
    // Place i: no 0 among i + 2 … 16, then a 0 among i + 1, which is (i + 1)/16 · 1/(i + 1).
    for (let place = 0; place < 16; place++) {
      const { accountIds, position } = lookup.hideAmong(ids[0]!, ids.slice(1), (n) => (n === place + 1 ? 0 : n - 1));
      expect(position).toBe(place);
      expect(accountIds[place]).toBe(ids[0]);
      expect(new Set(accountIds)).toEqual(new Set(ids));
    }
  });

  test("finds its target again after any draws", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 15, maxLength: 15 }), (draws) => {
        const left = [...draws];
        const { accountIds, position } = lookup.hideAmong(ids[0]!, ids.slice(1), (n) => left.pop()! % n);
        expect(accountIds[position]).toBe(ids[0]);
      }),
    );
  });

  test("is never built with another number of accounts", () => {
    expect(() => lookup.hideAmong(ids[0]!, ids.slice(2), () => 0)).toThrow("invalid-payload-field");
    expect(() => lookup.encodeLookupRequest({ queryType: 1, accountIds: ids.slice(1) })).toThrow();
  });

  test("is answered for sixteen of an account's requests a window", () => {
    expect(lookup.judgeLookupRequest(request, 15)).toHaveProperty("request");
    expect(lookup.judgeLookupRequest(request, 16)).toEqual({ error: { queryType: 3, errorCode: 1 } });
  });

  test("is answered in the order of the accounts, longest bundles as absent, within one message", () => {
    const bundles = ids.map((_, i) => new Uint8Array(i === 3 ? 65_001 : 65_000).fill(i));
    const bytes = lookup.encodeLookupResponse({ queryType: 1, bundles });
    expect(bytes.length).toBeLessThanOrEqual(PAYLOAD_SIZE_MAX);
    const answer = lookup.decodeLookupResponse(bytes, 1);
    expect(answer.queryType === 1 && answer.bundles).toEqual(bundles.with(3, new Uint8Array(0)));
  });

  test("is not answered by an answer to another question", () => {
    const exists = lookup.encodeLookupResponse({ queryType: 3, exists: ids.map(() => true) });
    expect(() => lookup.decodeLookupResponse(exists, 1)).toThrow("invalid-payload-field");
  });
});

describe("a range subscription", () => {
  const labels = (count: number) => Array.from({ length: count }, () => new Uint8Array(32) as Bytes<32>);

  test("is refused when it is too large or too frequent", () => {
    const judge = (count: number, made: number) =>
      subscribe.judgeSubscribeRequest(subscribe.encodeSubscribeRequest(labels(count)), made);
    expect(judge(10_000, 15)).toHaveProperty("labels");
    expect(judge(10_001, 15)).toEqual({ error: { errorCode: 2 } });
    expect(judge(1, 16)).toEqual({ error: { errorCode: 1 } });
  });

  test("has no answer above one message", () => {
    const answer = (length: number) =>
      subscribe.encodeSubscribeResponse([{ matchedLabel: labels(1)[0]!, data: new Uint8Array(length) }]);
    expect(answer(PAYLOAD_SIZE_MAX - 38)).toHaveLength(PAYLOAD_SIZE_MAX);
    expect(answer(PAYLOAD_SIZE_MAX - 37)).toBeUndefined();
  });
});

describe("a request for objects", () => {
  const id = new Uint8Array(32) as Bytes<32>;

  test("names 1 to 1,000 objects", () => {
    const request = (count: number) => encodeFetchRequest({ kind: 1, ids: new Array<Bytes<32>>(count).fill(id) });
    expect(request(FETCH_IDS_MAX)).toHaveLength(FETCH_REQUEST_SIZE_MAX);
    for (const count of [0, FETCH_IDS_MAX + 1]) expect(() => request(count)).toThrow("invalid-payload-field");
  });

  test("spans 1 to 64 windows", () => {
    const request = (first: bigint, last: bigint) => encodeFetchRequest({ kind: 2, first, last, cursor: 0 });
    expect(decodeFetchRequest(request(7n, 70n))).toMatchObject({ first: 7n, last: 70n });
    expect(() => request(7n, 71n)).toThrow("invalid-payload-field");
    expect(() => request(7n, 6n)).toThrow("invalid-payload-field");
  });

  test("of another kind is refused", () => {
    expect(() => decodeFetchRequest(new Uint8Array([3, 1, 0, ...id]))).toThrow("invalid-payload-field");
  });

  test("is answered by at most 1 MiB of objects", () => {
    const reply = (length: number) => ({
      more: false,
      nextCursor: 0,
      objects: [{ msgType: 1, bytes: new Uint8Array(length) }],
    });
    expect(decodeFetchReply(encodeFetchReply(reply(FETCH_BYTES_MAX))).objects).toHaveLength(1);
    expect(() => encodeFetchReply(reply(FETCH_BYTES_MAX + 1))).toThrow("invalid-payload-field");
  });
});
