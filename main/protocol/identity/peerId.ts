/** The network-level name of a node: a multihash of its key (chapter 01 §4.7, chapter 06 §3.6). */
import { concatBytes, sized, type Bytes } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import { decodeBase58, encodeBase58, type Base58ErrorCode } from "./base58.ts";

/** `0x12 0x20 ‖ SHA-256(node public key)`, 34 bytes. */
export type PeerId = Bytes<34>;
const PEER_ID_SIZE = 34;

/** What a PeerId text can name. Only "sha2-256" with a digest of 32 bytes is an identity here. */
export interface Multihash {
  readonly kind: "sha2-256" | "identity";
  /** The whole of it: code, length, digest. */
  readonly bytes: Uint8Array;
}

const CODE_IDENTITY = 0x00n;
const CODE_SHA2_256 = 0x12n;
const DIGEST_MAX = 64n;
const INLINE_KEY_MAX = 42n;
/** Protobuf of an Ed25519 public key (type 1, 32 bytes) inside an identity multihash of 36 bytes. */
const LEGACY_HEADER = new Uint8Array([0x00, 0x24, 0x08, 0x01, 0x12, 0x20]);

export function peerIdOf(crypto: Crypto, nodePublicKey: Uint8Array): PeerId {
  return sized(concatBytes(new Uint8Array([0x12, 0x20]), crypto.sha256(nodePublicKey)), PEER_ID_SIZE);
}

/** The PeerId that the reference prints for its legacy transport key (D10). It never matches a handshake. */
export function legacyPeerIdOf(ed25519PublicKey: Uint8Array): Uint8Array {
  return concatBytes(LEGACY_HEADER, sized(ed25519PublicKey, 32));
}

/** Base58 of the multihash; 46 characters beginning with `Qm` for a {@link PeerId}. */
export function formatPeerId(multihash: Uint8Array): string {
  return encodeBase58(multihash);
}

/** The PeerId of a Montana node. Throws `ProtocolError("invalid-peer-id")` for every other text. */
export function parsePeerId(text: string): PeerId {
  const { kind, bytes } = parseMultihash(text);
  if (kind !== "sha2-256" || bytes.length !== PEER_ID_SIZE) throw invalidPeerId("unsupported-multihash-code");
  return sized(bytes, PEER_ID_SIZE);
}

/**
 * Reads a PeerId text as the reference's networking library does, which also knows legacy names and other digest lengths.
 * Throws `ProtocolError("invalid-peer-id")` whose `reason` is "base58", "invalid-multihash" or "unsupported-multihash-code".
 */
export function parseMultihash(text: string): Multihash {
  const bytes = decodeText(text);
  const code = readVarint(bytes, 0);
  const length = code && readVarint(bytes, code.end);
  if (length === undefined || length.value > DIGEST_MAX || BigInt(bytes.length - length.end) !== length.value) {
    throw invalidPeerId("invalid-multihash");
  }
  if (code?.value === CODE_SHA2_256) return { kind: "sha2-256", bytes };
  if (code?.value === CODE_IDENTITY && length.value <= INLINE_KEY_MAX) return { kind: "identity", bytes };
  throw invalidPeerId("unsupported-multihash-code");
}

function decodeText(text: string): Uint8Array {
  try {
    return decodeBase58(text);
  } catch (error) {
    const code = (error as ProtocolError<Base58ErrorCode>).code;
    throw invalidPeerId(code === "bad-character" ? "base58" : "invalid-multihash");
  }
}

/** LEB128 in its shortest form, below 2^64. */
function readVarint(bytes: Uint8Array, start: number): { readonly value: bigint; readonly end: number } | undefined {
  let value = 0n;
  for (let i = start; i < bytes.length && i < start + 10; i++) {
    const byte = bytes[i]!;
    value |= BigInt(byte & 0x7f) << BigInt(7 * (i - start));
    if (byte < 0x80) {
      const isShortest = byte !== 0 || i === start;
      return isShortest && value < 1n << 64n ? { value, end: i + 1 } : undefined;
    }
  }
  return undefined;
}

function invalidPeerId(reason: "base58" | "invalid-multihash" | "unsupported-multihash-code"): ProtocolError {
  return new ProtocolError("invalid-peer-id", { reason });
}
