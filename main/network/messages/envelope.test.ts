import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { concatBytes } from "../../protocol/bytes.ts";
import { U64_MAX } from "../../protocol/codec/codec.ts";
import { decodeEnvelope, encodeEnvelope, ENVELOPE_HEADER_SIZE, PAYLOAD_SIZE_MAX } from "./envelope.ts";
import { classifyReply, MESSAGE, MESSAGE_KINDS, messageKind, type EnvelopeProtocol } from "./registry.ts";

const protocols: readonly EnvelopeProtocol[] = ["messages", "consensus"];
const bytesOfTypes = Array.from({ length: 256 }, (_, byte) => byte);

describe("an envelope", () => {
  const envelopes = (protocol: EnvelopeProtocol) =>
    fc.record({
      msgType: fc.constantFrom(...MESSAGE_KINDS.filter((it) => it.protocol === protocol).map(({ type }) => type)),
      requestId: fc.bigInt(0n, U64_MAX),
      payload: fc.uint8Array({ maxLength: 300 }),
    });

  test.each(protocols)("of %s reads back, and nothing shorter or longer does", (protocol) => {
    fc.assert(
      fc.property(envelopes(protocol), fc.nat(), (envelope, cut) => {
        const bytes = encodeEnvelope(envelope);
        expect(decodeEnvelope(bytes, protocol)).toEqual(envelope);
        const length = cut % bytes.length;
        const expected = length < ENVELOPE_HEADER_SIZE ? "truncated-header" : "truncated-payload";
        expect(() => decodeEnvelope(bytes.subarray(0, length), protocol)).toThrow(expected);
        expect(() => decodeEnvelope(concatBytes(bytes, new Uint8Array(1)), protocol)).toThrow(
          "payload-length-mismatch",
        );
      }),
    );
  });

  test("is never built around more than 1 MiB", () => {
    const envelope = { msgType: MESSAGE.ping, requestId: 0n, payload: new Uint8Array(PAYLOAD_SIZE_MAX) };
    expect(encodeEnvelope(envelope)).toHaveLength(ENVELOPE_HEADER_SIZE + PAYLOAD_SIZE_MAX);
    expect(() => encodeEnvelope({ ...envelope, payload: new Uint8Array(PAYLOAD_SIZE_MAX + 1) })).toThrow(
      "payload-too-large",
    );
  });
});

describe("the registry", () => {
  test("has 21 types for messages and two for consensus, which none shares", () => {
    const registered = (protocol: EnvelopeProtocol) =>
      bytesOfTypes.filter((byte) => messageKind(byte, protocol) !== undefined);
    expect(registered("messages")).toHaveLength(21);
    expect(registered("consensus")).toEqual([MESSAGE.proposalBody, MESSAGE.proposalVote]);
  });

  test("knows which reply answers which request", () => {
    expect(classifyReply(MESSAGE.peerListRequest, MESSAGE.peerListResponse)).toBe("answer");
    expect(classifyReply(MESSAGE.fastSyncRequest, MESSAGE.fastSyncError)).toBe("answer");
    expect(classifyReply(MESSAGE.fastSyncRequest, MESSAGE.peerListResponse)).toBe("unfitting");
    expect(classifyReply(MESSAGE.transfer, MESSAGE.fastSyncResponse)).toBe("unfitting");
    for (const { type } of MESSAGE_KINDS) expect(classifyReply(type, MESSAGE.pong)).toBe("acknowledged");
  });
});
