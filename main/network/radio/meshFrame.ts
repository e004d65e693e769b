/** A radio frame of form 1: 71 bytes of header, a ciphertext, 16 bytes of authentication (chapter 07 §3.13). */
import { ascii, concatBytes, type Bytes, type Hash32 } from "../../protocol/bytes.ts";
import { bytes, decode, encode, hash32, struct, u16, u8 } from "../../protocol/codec/codec.ts";
import { invalidField, requireAtLeast, requireLength } from "../../protocol/codec/payload.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { InfoTag } from "../../protocol/hash.ts";
import { hkdfExpand } from "../../protocol/identity/kdf.ts";

const MESH_PROTOCOL_VERSION = 1;
export const MESH_PAYLOAD_MAX = 256;
/** Of ttl, of hop count, and of both together. */
export const HOPS_MAX = 16;

export const FRAME_TYPE = { discovery: 0, data: 1, ack: 2, forward: 3 } as const;
const FRAME_TYPE_MAX = FRAME_TYPE.forward;

const SESSION_INFO: InfoTag = "mt-mesh-session";
const MAC_INFO: InfoTag = "mt-mesh-frame-mac";

const header = struct({
  version: u16,
  frameType: u8,
  /** Hops that are left. */
  ttl: u8,
  hopCount: u8,
  /** The session, in place of a name. */
  senderRef: hash32,
  recipientHint: hash32,
  payloadLength: u16,
});
const mac = bytes(16);

export interface MeshFrame {
  readonly frameType: number;
  readonly ttl: number;
  readonly hopCount: number;
  readonly senderRef: Hash32;
  readonly recipientHint: Hash32;
  /** Ciphertext of the session, at most 256 bytes. */
  readonly payload: Uint8Array;
}

export interface MeshSession {
  readonly id: Hash32;
  /** Secret. */
  readonly macKey: Hash32;
}

/** Of the 32-byte secret and the two nonces of a mesh handshake. */
export function meshSession(
  crypto: Crypto,
  sharedSecret: Bytes<32>,
  nonces: { readonly initiator: Hash32; readonly responder: Hash32 },
): MeshSession {
  const derive = (salt: Uint8Array, info: InfoTag) =>
    hkdfExpand(crypto, crypto.hmacSha256(salt, sharedSecret), ascii(info), 32);
  return {
    id: derive(concatBytes(nonces.initiator, nonces.responder), SESSION_INFO),
    macKey: derive(new Uint8Array(0), MAC_INFO),
  };
}

/** At most 343 bytes. Throws `invalid-payload-field` for a frame that {@link decodeMeshFrame} would refuse. */
export function encodeMeshFrame(crypto: Crypto, macKey: Hash32, frame: MeshFrame): Uint8Array {
  const head = { ...frame, version: MESH_PROTOCOL_VERSION, payloadLength: frame.payload.length };
  check(head);
  const authenticated = concatBytes(encode(header, head), frame.payload);
  return concatBytes(authenticated, macOf(crypto, macKey, authenticated));
}

/** Throws `truncated-header`, `unsupported-version`, `ProtocolError<PayloadErrorCode>`, in the end `bad-mac`. */
export function decodeMeshFrame(crypto: Crypto, macKey: Hash32, bytes: Uint8Array): MeshFrame {
  if (bytes.length < header.size) throw new ProtocolError("truncated-header", { length: bytes.length });
  const { version, ...fields } = decode(header, bytes.subarray(0, header.size));
  if (version !== MESH_PROTOCOL_VERSION) throw new ProtocolError("unsupported-version", { version });
  check(fields);
  const { payloadLength, ...frame } = fields;
  const end = header.size + payloadLength;
  requireAtLeast(bytes, end + mac.size);
  requireLength(bytes, end + mac.size);
  if (!isSameMac(macOf(crypto, macKey, bytes.subarray(0, end)), bytes.subarray(end)))
    throw new ProtocolError("bad-mac");
  // Not `slice`, which gives a view of a Buffer instead of a copy.
  return { ...frame, payload: new Uint8Array(bytes.subarray(header.size, end)) };
}

function check(fields: Readonly<Record<"frameType" | "ttl" | "hopCount" | "payloadLength", number>>): void {
  if (fields.frameType > FRAME_TYPE_MAX) throw invalidField("frame_type");
  if (fields.ttl + fields.hopCount > HOPS_MAX) throw invalidField("ttl");
  if (fields.payloadLength > MESH_PAYLOAD_MAX) throw invalidField("payload_length");
}

function macOf(crypto: Crypto, macKey: Hash32, authenticated: Uint8Array): Uint8Array {
  return crypto.hmacSha256(macKey, authenticated).subarray(0, mac.size);
}

/** In a time that does not depend on where the two differ. */
function isSameMac(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < mac.size; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
