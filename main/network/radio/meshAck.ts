/** A relay's signed word on a radio frame (chapter 07 §3.14). */
import { concatBytes } from "../../protocol/bytes.ts";
import { encode, hash32, nodeId, signature, struct, u64, u8, type Infer } from "../../protocol/codec/codec.ts";
import { decodeFixed, invalidField } from "../../protocol/codec/payload.ts";
import type { Crypto, PublicKey, SecretKey } from "../../protocol/crypto.ts";
import { prefixedMessage } from "../../protocol/hash.ts";

export const ACK_STATUS = { accepted: 0, buffered: 1, forwarded: 2, rejectedQuota: 3, rejectedExpired: 4 } as const;
const STATUS_MAX = ACK_STATUS.rejectedExpired;

const unsignedLayout = struct({ ackedFrameHash: hash32, relayNodeId: nodeId, status: u8, ackSeq: u64 });
export type UnsignedMeshAck = Infer<typeof unsignedLayout>;

const meshAckLayout = struct({ ackedFrameHash: hash32, relayNodeId: nodeId, status: u8, ackSeq: u64, signature });
/** 3,382 bytes. */
export type MeshAck = Infer<typeof meshAckLayout>;

/** The 73 bytes that stand before the signature. */
export function encodeUnsignedMeshAck(ack: UnsignedMeshAck): Uint8Array {
  return encode(unsignedLayout, ack);
}

export function signMeshAck(crypto: Crypto, secretKey: SecretKey, ack: UnsignedMeshAck): MeshAck {
  return { ...ack, signature: crypto.mldsa65.sign(secretKey, signedMessage(ack)) };
}

export function verifyMeshAck(crypto: Crypto, relayPublicKey: PublicKey, ack: MeshAck): boolean {
  return crypto.mldsa65.verify(relayPublicKey, signedMessage(ack), ack.signature);
}

/** Throws `invalid-payload-field` for another status. */
export function encodeMeshAck(ack: MeshAck): Uint8Array {
  checkStatus(ack);
  return concatBytes(encodeUnsignedMeshAck(ack), ack.signature);
}

/** Throws `payload-length-mismatch`, then `invalid-payload-field`. The signature is not verified. */
export function decodeMeshAck(bytes: Uint8Array): MeshAck {
  const ack = decodeFixed(meshAckLayout, bytes);
  checkStatus(ack);
  return ack;
}

function checkStatus({ status }: UnsignedMeshAck): void {
  if (status > STATUS_MAX) throw invalidField("status");
}

function signedMessage(ack: UnsignedMeshAck): Uint8Array {
  return prefixedMessage("mt-mesh-ack", encodeUnsignedMeshAck(ack));
}
