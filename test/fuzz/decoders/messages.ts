/** What peers send: envelopes, payloads of messages, requests for objects and their replies. */
import { blob, decodeFixed, decodePayload } from "../../../main/protocol/codec/payload.ts";
import { encode, struct, u16, u8 } from "../../../main/protocol/codec/codec.ts";
import type { Bytes } from "../../../main/protocol/bytes.ts";
import * as lookup from "../../../main/network/messages/batchLookup.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  PAYLOAD_SIZE_MAX,
  readEnvelopeHeader,
  type Envelope,
} from "../../../main/network/messages/envelope.ts";
import { decodeBye, encodeBye } from "../../../main/network/messages/liveness.ts";
import * as fetch from "../../../main/network/messages/objectFetch.ts";
import * as peerList from "../../../main/network/messages/peerList.ts";
import { decodePeerRecord, encodePeerRecord, type LongPeerRecord } from "../../../main/network/messages/peerRecord.ts";
import * as subscribe from "../../../main/network/messages/rangeSubscribe.ts";
import { MESSAGE_KINDS, type EnvelopeProtocol } from "../../../main/network/messages/registry.ts";
import type { AnyDecoder, Decoder } from "../decoder.ts";
import type { Random } from "../random.ts";
import * as values from "../values.ts";

const COPY = { base: 64, perByte: 2 };
/** Lists of short elements: a reference and a copy for each. */
const LISTED = { base: 256, perByte: 12 };

function fixedPayload<T>(decoder: Pick<Decoder<T>, "name" | "of" | "decode" | "encode" | "generate">): Decoder<T> {
  return { ...decoder, errors: ["payload-length-mismatch"], allocation: COPY, notations: "one" };
}

function envelope(protocol: EnvelopeProtocol): Decoder<Envelope> {
  const types = MESSAGE_KINDS.filter((kind) => kind.protocol === protocol).map(({ type }) => type);
  return {
    name: protocol === "messages" ? "envelope" : `envelope-${protocol}`,
    of: [decodeEnvelope, readEnvelopeHeader],
    errors: [
      "truncated-header",
      "unknown-msg-type",
      "unsupported-version",
      "truncated-payload",
      "payload-length-mismatch",
    ],
    allocation: COPY,
    notations: "one",
    keepsInput: true,
    decode: (input) => decodeEnvelope(input, protocol),
    encode: (value) => encodeEnvelope(value),
    generate: (random) => ({
      msgType: random.pick(types),
      requestId: values.u64(random),
      payload: random.bytes(random.small(2000)),
    }),
  };
}

// Helpers that others build on

const fixedLayout = struct({ a: u8, b: u16 });
const payloadLayout = struct({ a: u8, data: blob });

const fixed: Decoder<{ readonly a: number; readonly b: number }> = fixedPayload({
  name: "fixed-payload",
  of: [decodeFixed],
  decode: (input) => decodeFixed(fixedLayout, input),
  encode: (value) => encode(fixedLayout, value),
  generate: (random) => ({ a: values.u8(random), b: values.u16(random) }),
});

const payload: Decoder<{ readonly a: number; readonly data: Uint8Array }> = {
  name: "payload",
  of: [decodePayload, blob],
  errors: ["truncated-payload", "payload-length-mismatch"],
  allocation: COPY,
  notations: "one",
  decode: (input) => decodePayload(payloadLayout, input),
  encode: (value) => encode(payloadLayout, value),
  generate: (random) => ({ a: values.u8(random), data: random.bytes(random.small(500)) }),
};

// Peers

const entry = (random: Random): peerList.PeerEntry => ({
  ipVersion: random.pick([4, 6] as const),
  ip: random.bytes(16) as Bytes<16>,
  port: values.u16(random),
  nodeId: values.nodeId(random),
  startWindow: values.u64(random),
});

const peerEntry: Decoder<peerList.PeerEntry> = {
  name: "peer-entry",
  of: [peerList.decodePeerEntry],
  errors: ["payload-length-mismatch", "invalid-payload-field"],
  allocation: COPY,
  notations: "one",
  decode: peerList.decodePeerEntry,
  encode: peerList.encodePeerEntry,
  generate: entry,
};

const peerListRequest: Decoder<peerList.PeerListRequest> = fixedPayload({
  name: "peer-list-request",
  of: [peerList.decodePeerListRequest],
  decode: peerList.decodePeerListRequest,
  encode: peerList.encodePeerListRequest,
  generate: (random) => ({ maxCount: values.u16(random) }),
});

const peerListResponse: Decoder<readonly peerList.PeerEntry[]> = {
  name: "peer-list-response",
  of: [peerList.decodePeerListResponse],
  errors: ["truncated-payload", "payload-length-mismatch", "invalid-payload-field"],
  allocation: COPY,
  notations: "one",
  decode: peerList.decodePeerListResponse,
  encode: peerList.encodePeerListResponse,
  generate: (random) => values.listOf(random, 30, entry),
};

const peerRecord: Decoder<LongPeerRecord> = fixedPayload({
  name: "peer-record",
  of: [decodePeerRecord],
  decode: decodePeerRecord,
  encode: encodePeerRecord,
  generate: (random) => ({
    ip: random.bytes(16) as Bytes<16>,
    port: values.u16(random),
    nodeId: values.nodeId(random),
    nodePubkey: values.publicKey(random),
  }),
});

const bye: Decoder<{ readonly reason: number }> = fixedPayload({
  name: "bye",
  of: [decodeBye],
  decode: decodeBye,
  encode: encodeBye,
  generate: (random) => ({ reason: values.u8(random) }),
});

// Batch lookup and range subscribe

const QUERY_TYPES = [lookup.PRE_KEY_BUNDLE, lookup.ACCOUNT_EXISTS] as const;
const sixteen = <T>(make: () => T): T[] => Array.from({ length: lookup.LOOKUP_SIZE }, make);

const lookupRequest: Decoder<lookup.LookupRequest> = {
  name: "batch-lookup-request",
  of: [lookup.decodeLookupRequest],
  errors: ["payload-length-mismatch", "invalid-payload-field"],
  allocation: COPY,
  notations: "one",
  decode: lookup.decodeLookupRequest,
  encode: lookup.encodeLookupRequest,
  generate: (random) => ({
    queryType: random.pick(QUERY_TYPES),
    accountIds: sixteen(() => values.accountId(random)),
  }),
};

function lookupResponse(queryType: lookup.QueryType): Decoder<lookup.LookupResponse> {
  const isExists = queryType === lookup.ACCOUNT_EXISTS;
  return {
    name: isExists ? "batch-lookup-exists" : "batch-lookup-bundles",
    of: [lookup.decodeLookupResponse],
    errors: ["truncated-payload", "payload-length-mismatch", "invalid-payload-field"],
    allocation: LISTED,
    notations: "one",
    decode: (input) => lookup.decodeLookupResponse(input, queryType),
    encode: lookup.encodeLookupResponse,
    generate: (random) =>
      isExists
        ? { queryType: lookup.ACCOUNT_EXISTS, exists: sixteen(() => random.once(2)) }
        : { queryType: lookup.PRE_KEY_BUNDLE, bundles: sixteen(() => random.bytes(random.small(300))) },
  };
}

const lookupError: Decoder<lookup.LookupError> = fixedPayload({
  name: "batch-lookup-error",
  of: [lookup.decodeLookupError],
  decode: lookup.decodeLookupError,
  encode: lookup.encodeLookupError,
  generate: (random) => ({ queryType: values.u8(random), errorCode: values.u8(random) }),
});

const subscribeRequest: Decoder<readonly Bytes<32>[]> = {
  name: "range-subscribe-request",
  of: [subscribe.decodeSubscribeRequest],
  errors: ["truncated-payload", "payload-length-mismatch"],
  allocation: COPY,
  notations: "one",
  decode: subscribe.decodeSubscribeRequest,
  encode: subscribe.encodeSubscribeRequest,
  generate: (random) => values.listOf(random, 40, values.hash32),
};

const subscribeResponse: Decoder<readonly subscribe.LabelledBlob[]> = {
  name: "range-subscribe-response",
  of: [subscribe.decodeSubscribeResponse],
  errors: ["truncated-payload", "payload-length-mismatch"],
  allocation: LISTED,
  notations: "one",
  decode: subscribe.decodeSubscribeResponse,
  encode: (blobs) => subscribe.encodeSubscribeResponse(blobs)!,
  generate: (random) =>
    values.listOf(random, 12, () => ({
      matchedLabel: values.hash32(random),
      data: random.bytes(random.small(200)),
    })),
};

const subscribeError: Decoder<subscribe.SubscribeError> = fixedPayload({
  name: "range-subscribe-error",
  of: [subscribe.decodeSubscribeError],
  decode: subscribe.decodeSubscribeError,
  encode: subscribe.encodeSubscribeError,
  generate: (random) => ({ errorCode: values.u8(random) }),
});

// Object fetch

const PAYLOAD_ERRORS = ["truncated-payload", "payload-length-mismatch", "invalid-payload-field"];

const fetchRequest: Decoder<fetch.FetchRequest> = {
  name: "object-fetch-request",
  of: [fetch.decodeFetchRequest],
  errors: PAYLOAD_ERRORS,
  allocation: COPY,
  notations: "one",
  decode: fetch.decodeFetchRequest,
  encode: fetch.encodeFetchRequest,
  generate(random) {
    if (random.once(2)) return { kind: 1, ids: [values.hash32(random), ...values.listOf(random, 30, values.hash32)] };
    const first = random.uint(63);
    const last = first + BigInt(random.below(fetch.FETCH_WINDOWS_MAX));
    return { kind: 2, first, last, cursor: values.u32(random) };
  },
};

const fetchReply: Decoder<fetch.FetchReply> = {
  name: "object-fetch-reply",
  of: [fetch.decodeFetchReply],
  errors: PAYLOAD_ERRORS,
  allocation: LISTED,
  notations: "one",
  corpus: [replyOf(PAYLOAD_SIZE_MAX + 1)],
  decode: fetch.decodeFetchReply,
  encode: fetch.encodeFetchReply,
  generate: (random) => ({
    more: random.once(2),
    nextCursor: values.u32(random),
    objects: values.listOf(random, 12, () => ({
      msgType: values.u8(random),
      bytes: random.bytes(random.small(300)),
    })),
  }),
};

/** A reply of two objects of together `length` bytes, more than a reply may have. */
function replyOf(length: number): Uint8Array {
  const half = Math.floor(length / 2);
  const object = (size: number) =>
    encode(struct({ msgType: u8, bytes: blob }), { msgType: 1, bytes: new Uint8Array(size) });
  return Uint8Array.from([...new Uint8Array(5), 2, 0, ...object(half), ...object(length - half)]);
}

export const messageDecoders: readonly AnyDecoder[] = [
  envelope("messages"),
  envelope("consensus"),
  fixed,
  payload,
  peerEntry,
  peerListRequest,
  peerListResponse,
  peerRecord,
  bye,
  lookupRequest,
  lookupResponse(lookup.PRE_KEY_BUNDLE),
  lookupResponse(lookup.ACCOUNT_EXISTS),
  lookupError,
  subscribeRequest,
  subscribeResponse,
  subscribeError,
  fetchRequest,
  fetchReply,
];
