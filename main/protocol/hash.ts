/** The tagged hash and the registry of domain tags (chapter 01 §4.1, §4.2). */
import { ascii, concatBytes, type Hash32 } from "./bytes.ts";
import type { Crypto } from "./crypto.ts";

/** Tags of class N: `SHA-256(tag ‖ 0x00 ‖ parts)`. Chapter 01 §4.2 says what each takes. */
export const HASH_TAGS = [
  // consensus and state
  "mt-op",
  "mt-nodereg",
  "mt-proposal",
  "mt-bundle",
  "mt-vdf-reveal",
  "mt-account",
  "mt-node",
  "mt-candidate-vdf-init",
  "mt-merkle-leaf",
  "mt-merkle-node",
  "mt-state-root",
  "mt-timechain",
  "mt-lottery",
  "mt-bc-aggregate",
  "mt-bc-aggregate-empty",
  "mt-selection",
  "mt-nodereg-sort",
  "mt-genesis",
  "mt-app",
  // keys and identity
  "mt-account-fingerprint",
  "mt-recovery-fingerprint",
  // network
  "mt-online-nonce-client",
  // application layer
  "mt-profile",
  "mt-encryption-key",
  "mt-prekeys",
  "mt-content-chunk",
  "mt-content-manifest",
  "mt-vote",
] as const;

export type HashTag = (typeof HASH_TAGS)[number];

/** Tags of class R: `SHA-256(tag ‖ data)`, no 0x00. No tag of class R or S is a prefix of another one. */
export const RAW_TAGS = [
  "mt-bootstrap-pow",
  "mt-noise-pq-xx-v1-sig-r",
  "mt-noise-pq-xx-v1-sig-i",
  "mt-noise-pq-xx-v1-master",
  "mt-noise-pq-xx-v1-i2r",
  "mt-noise-pq-xx-v1-r2i",
  "mt-noise-pq-xx-v1-transcript",
] as const;
export type RawTag = (typeof RAW_TAGS)[number];

/** Tags of class S: raw prefix of a message that is signed, no 0x00, not hashed. */
export const SIGNED_PREFIXES = [
  "mt-operator-pop",
  "mt-tunnel-online",
  "mt-tunnel-mesh",
  "mt-mesh-ack",
  "mt-nonpub",
] as const;
export type SignedPrefix = (typeof SIGNED_PREFIXES)[number];

/** Tags of class I: HKDF `info`. The labels of agent keys, which hold a name, are made in identity/kdf.ts. */
export const INFO_TAGS = [
  "mt-account-key",
  "mt-node-key",
  "mt-app-encryption-key",
  "mt-libp2p-transport-key",
  "mt-mesh-frame-mac",
  "mt-mesh-session",
  "mt-queue-rotation",
  "mt-initial-root",
  "mt-chain",
  "mt-message",
] as const;
export type InfoTag = (typeof INFO_TAGS)[number];

/** The only tag of class K: PBKDF2 salt. */
export const SALT_TAG = "mt-seed";

/** Tags that nothing uses and nothing new may be named: reserved, superseded, retired. */
export const RESERVED_TAGS = [
  "mt-confirmation",
  "mt-noise-pq-v1-master",
  "mt-noise-pq-v1-i2r",
  "mt-noise-pq-v1-r2i",
  "mt-noise-pq-v1-sig-r",
  "mt-noise-pq-v1-sig-i",
  "mt-noise-pq-v1-transcript",
  "mt-header",
  "mt-account-lottery",
  "mt-tunnel",
] as const;

const SEPARATOR = new Uint8Array([0]);

/**
 * `SHA-256(tag ‖ 0x00 ‖ parts[0] ‖ parts[1] ‖ …)`. Parts are joined without lengths: every use has parts of fixed length or
 * at most one variable part.
 */
export function taggedHash(crypto: Pick<Crypto, "sha256">, tag: HashTag, ...parts: readonly Uint8Array[]): Hash32 {
  return crypto.sha256(taggedPreimage(tag, ...parts));
}

/** The bytes that {@link taggedHash} hashes. `tag` is free text here, for tools that show a preimage. */
export function taggedPreimage(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(ascii(tag), SEPARATOR, ...parts);
}

/** `SHA-256(tag ‖ parts[0] ‖ parts[1] ‖ …)`, for class R only. */
export function rawHash(crypto: Crypto, tag: RawTag, ...parts: readonly Uint8Array[]): Hash32 {
  return crypto.sha256(concatBytes(ascii(tag), ...parts));
}

/** `prefix ‖ parts[0] ‖ parts[1] ‖ …`: the message itself that is signed, for class S only. */
export function prefixedMessage(prefix: SignedPrefix, ...parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(ascii(prefix), ...parts);
}
