/** Peer exchange, messages 0x50 and 0x51 (chapter 07 §3.5). */
import {
  bytes,
  decode,
  encode,
  list,
  nodeId,
  struct,
  u16,
  u64,
  u8,
  type FixedCodec,
  type Infer,
} from "../../protocol/codec/codec.ts";
import { decodeFixed, invalidField, requireAtLeast, requireLength } from "../../protocol/codec/payload.ts";

export type IpVersion = 4 | 6;

const ipVersion: FixedCodec<IpVersion> = {
  size: u8.size,
  minSize: u8.minSize,
  write: (writer, value) => u8.write(writer, value),
  read: (reader) => {
    const value = u8.read(reader);
    if (value !== 4 && value !== 6) throw invalidField("ip_version");
    return value;
  },
};

const peerEntryLayout = struct({
  ipVersion,
  /** IPv4 in the last four bytes; the twelve before them are for the reader to judge, as the port is. */
  ip: bytes(16),
  port: u16,
  nodeId,
  /** What its sender claims: the Node Table says it better where it knows the node. */
  startWindow: u64,
});
/** Where a node is said to be, 59 bytes. Its key is learned in the handshake and checked against `nodeId`. */
export type PeerEntry = Infer<typeof peerEntryLayout>;

const requestLayout = struct({ maxCount: u16 });
export type PeerListRequest = Infer<typeof requestLayout>;

const COUNT_SIZE = u16.size;
const responseLayout = list(peerEntryLayout);

/** 59 bytes. */
export function encodePeerEntry(entry: PeerEntry): Uint8Array {
  return encode(peerEntryLayout, entry);
}

/** Throws `payload-length-mismatch`, then `invalid-payload-field`. */
export function decodePeerEntry(payload: Uint8Array): PeerEntry {
  return decodeFixed(peerEntryLayout, payload);
}

/** 2 bytes. */
export function encodePeerListRequest(request: PeerListRequest): Uint8Array {
  return encode(requestLayout, request);
}

/** Throws `payload-length-mismatch`. */
export function decodePeerListRequest(payload: Uint8Array): PeerListRequest {
  return decodeFixed(requestLayout, payload);
}

/** 2 + 59 bytes an entry. */
export function encodePeerListResponse(peers: readonly PeerEntry[]): Uint8Array {
  return encode(responseLayout, peers);
}

/** Throws `truncated-payload`, then `payload-length-mismatch`, then `invalid-payload-field`. */
export function decodePeerListResponse(payload: Uint8Array): readonly PeerEntry[] {
  requireAtLeast(payload, COUNT_SIZE);
  const count = decode(u16, payload.subarray(0, COUNT_SIZE));
  requireLength(payload, COUNT_SIZE + count * peerEntryLayout.size);
  return decode(responseLayout, payload);
}
