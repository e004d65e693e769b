import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import type { Bytes, Hash32 } from "../../protocol/bytes.ts";
import { nodeIdOf } from "../../protocol/identity/ids.ts";
import { ACK_STATUS, decodeMeshAck, encodeMeshAck, signMeshAck, verifyMeshAck } from "./meshAck.ts";
import {
  decodeMeshFrame,
  encodeMeshFrame,
  HOPS_MAX,
  MESH_PAYLOAD_MAX,
  meshSession,
  type MeshFrame,
} from "./meshFrame.ts";

const { crypto } = loadCrypto();
const hashOf = (number: number) => new Uint8Array(32).fill(number) as Hash32;
const session = meshSession(crypto, new Uint8Array(32).fill(1) as Bytes<32>, {
  initiator: hashOf(2),
  responder: hashOf(3),
});
const frames: fc.Arbitrary<MeshFrame> = fc
  .record({
    frameType: fc.nat(3),
    ttl: fc.nat(HOPS_MAX),
    hops: fc.nat(HOPS_MAX),
    payload: fc.uint8Array({ maxLength: MESH_PAYLOAD_MAX }),
  })
  .map(({ hops, ...fields }) => ({
    ...fields,
    hopCount: Math.min(hops, HOPS_MAX - fields.ttl),
    senderRef: session.id,
    recipientHint: hashOf(4),
  }));

describe("a radio frame", () => {
  test("has at most 343 bytes and reads back with the key of its session, and with no byte changed", () => {
    fc.assert(
      fc.property(frames, fc.nat(), fc.integer({ min: 1, max: 255 }), (frame, place, change) => {
        const bytes = encodeMeshFrame(crypto, session.macKey, frame);
        expect(bytes).toHaveLength(87 + frame.payload.length);
        expect(decodeMeshFrame(crypto, session.macKey, bytes)).toEqual(frame);
        const at = place % bytes.length;
        expect(() => decodeMeshFrame(crypto, session.macKey, bytes.with(at, bytes[at]! ^ change))).toThrow();
        expect(() => decodeMeshFrame(crypto, hashOf(9), bytes)).toThrow("bad-mac");
        expect(() => decodeMeshFrame(crypto, session.macKey, bytes.subarray(0, at))).toThrow(/truncated/);
      }),
    );
  });

  test("travels at most 16 hops and carries at most 256 bytes of a known type", () => {
    const frame = { frameType: 1, ttl: 8, hopCount: 8, senderRef: session.id, recipientHint: hashOf(4) };
    const encode = (change: Partial<MeshFrame>) => () =>
      encodeMeshFrame(crypto, session.macKey, { ...frame, payload: new Uint8Array(256), ...change });
    expect(encode({})()).toHaveLength(343);
    for (const change of [{ ttl: 9 }, { frameType: 4 }, { payload: new Uint8Array(257) }]) {
      expect(encode(change)).toThrow("invalid-payload-field");
    }
  });
});

test("an acknowledgement reads back, and is its relay's word", () => {
  const { publicKey, secretKey } = crypto.mldsa65.generate(new Uint8Array(32).fill(6));
  const ack = signMeshAck(crypto, secretKey, {
    ackedFrameHash: hashOf(1),
    relayNodeId: nodeIdOf(crypto, publicKey),
    status: ACK_STATUS.forwarded,
    ackSeq: 7n,
  });
  const bytes = encodeMeshAck(ack);
  expect(bytes).toHaveLength(3382);
  expect(decodeMeshAck(bytes)).toEqual(ack);
  expect(verifyMeshAck(crypto, publicKey, ack)).toBe(true);
  expect(verifyMeshAck(crypto, publicKey, { ...ack, status: ACK_STATUS.buffered })).toBe(false);
  expect(() => decodeMeshAck(bytes.with(64, 5))).toThrow("invalid-payload-field");
  expect(() => encodeMeshAck({ ...ack, status: 5 })).toThrow("invalid-payload-field");
});
