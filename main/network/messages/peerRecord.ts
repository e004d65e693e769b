/**
 * The long form of an address, with the key of its node (chapter 07 §3.9). No message carries it: peer lists have the short
 * form, and the key is learned in the handshake (§9.1 row 5). Other implementations may keep addresses in it.
 */
import { bytes, encode, nodeId, publicKey, struct, u16, type Infer } from "../../protocol/codec/codec.ts";
import { decodeFixed } from "../../protocol/codec/payload.ts";

const peerRecordLayout = struct({
  /** IPv4 as `::ffff:a.b.c.d`. */
  ip: bytes(16),
  port: u16,
  nodeId,
  nodePubkey: publicKey,
});
export type LongPeerRecord = Infer<typeof peerRecordLayout>;

/** 2,002 bytes. */
export function encodePeerRecord(record: LongPeerRecord): Uint8Array {
  return encode(peerRecordLayout, record);
}

/** Throws `payload-length-mismatch`. */
export function decodePeerRecord(record: Uint8Array): LongPeerRecord {
  return decodeFixed(peerRecordLayout, record);
}
