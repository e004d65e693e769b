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

const SEPARATOR = new Uint8Array([0]);

/**
 * `SHA-256(tag ‖ 0x00 ‖ parts[0] ‖ parts[1] ‖ …)`. Parts are joined without lengths: every use has parts of fixed length or
 * at most one variable part.
 */
export function taggedHash(crypto: Crypto, tag: HashTag, ...parts: readonly Uint8Array[]): Hash32 {
  return crypto.sha256(taggedPreimage(tag, ...parts));
}

/** The bytes that {@link taggedHash} hashes. `tag` is free text here, for tools that show a preimage. */
export function taggedPreimage(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(ascii(tag), SEPARATOR, ...parts);
}
