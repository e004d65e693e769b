/**
 * The cryptography that the protocol needs, as one interface (chapter 01 §1, primitive set). This room computes nothing of
 * it: `main/native` implements it twice, in Rust and on @noble, and the caller passes one in.
 *
 * Lengths are checked by the implementation; a wrong one throws `ProtocolError("wrong-length", {…})`.
 */
import type { Bytes, Hash32 } from "./bytes.ts";

export const MLDSA_SEED_SIZE = 32;
export const MLDSA_PUBLIC_KEY_SIZE = 1952;
export const MLDSA_SECRET_KEY_SIZE = 4032;
export const MLDSA_SIGNATURE_SIZE = 3309;
export const MLKEM_SEED_SIZE = 64;
export const MLKEM_PUBLIC_KEY_SIZE = 1184;
export const MLKEM_SECRET_KEY_SIZE = 2400;
export const MLKEM_CIPHERTEXT_SIZE = 1088;
export const MLKEM_SHARED_SECRET_SIZE = 32;

export type PublicKey = Bytes<1952>;
export type SecretKey = Bytes<4032>;
export type Signature = Bytes<3309>;

export interface Crypto {
  sha256(message: Uint8Array): Hash32;

  /**
   * Hashes equally long messages that lie one after the other; digest i goes to bytes 32·i of `digests`.
   * `messages.length` is a multiple of `messageLength`, `digests.length` is 32 times the count.
   */
  sha256Batch(messages: Uint8Array, messageLength: number, digests: Uint8Array): void;

  /**
   * Folds single-leaf subtrees up a sparse Merkle tree (chapter 02 §4.2): for each i, starting with `hashes[i]` at level
   * `fromLevels[i]`, node-hashes with the empty subtree of each level, on the side that the key's bit gives, up to level
   * `toLevels[i]`, and writes the result over `hashes[i]`. `keys` and `hashes` hold 32 bytes an item.
   */
  foldLoneLeaves(keys: Uint8Array, hashes: Uint8Array, fromLevels: Uint16Array, toLevels: Uint16Array): void;

  /** RFC 2104. */
  hmacSha256(key: Uint8Array, message: Uint8Array): Hash32;
  /** RFC 8018 §5.2 with HMAC-SHA-256; `iterations` ≥ 1. Blocks: call it from a worker when `iterations` is large. */
  pbkdf2HmacSha256(password: Uint8Array, salt: Uint8Array, iterations: number, length: number): Uint8Array;

  /** `iterations` times SHA-256 on a 32-byte value, no domain (chapter 03 §4.2). 0 gives `state` back. Blocks. */
  sha256Chain(state: Uint8Array, iterations: number): Hash32;

  readonly mldsa65: MlDsa65;
  readonly mlkem768: MlKem768;
}

/** FIPS 204, ML-DSA-65: external interface, pure mode, deterministic (chapter 01 §4.4). */
export interface MlDsa65 {
  generate(seed: Uint8Array): { readonly publicKey: PublicKey; readonly secretKey: SecretKey };
  /** `context` is empty for every protocol object; at most 255 bytes. */
  sign(secretKey: Uint8Array, message: Uint8Array, context?: Uint8Array): Signature;
  /** False for every malformed key or signature of the right length. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** Verifies independent signatures; result i is that of job i. */
  verifyBatch(jobs: readonly VerifyJob[]): boolean[];
  /**
   * For an expanded secret key from outside: throws `ProtocolError("invalid-secret-key")` unless s1 and s2 are in range and
   * t0 and tr follow from them (chapter 01 §4.4); gives the public key that belongs to it. K cannot be checked.
   */
  publicKeyOf(secretKey: Uint8Array): PublicKey;
}

export interface VerifyJob {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** FIPS 203, ML-KEM-768 (chapter 01 §4.5). */
export interface MlKem768 {
  generate(seed: Uint8Array): { readonly publicKey: Bytes<1184>; readonly secretKey: Bytes<2400> };
  /**
   * `randomness` is the 32-byte m, fresh from the operating system. Throws `ProtocolError("invalid-encapsulation-key")`
   * for a coefficient ≥ 3329.
   */
  encapsulate(
    publicKey: Uint8Array,
    randomness: Uint8Array,
  ): { readonly ciphertext: Bytes<1088>; readonly sharedSecret: Bytes<32> };
  /** Implicit rejection: a wrong ciphertext gives another secret, never an error. */
  decapsulate(secretKey: Uint8Array, ciphertext: Uint8Array): Bytes<32>;
  /** For an expanded key from outside: throws `ProtocolError("invalid-decapsulation-key")` (chapter 01 §4.5). */
  checkSecretKey(secretKey: Uint8Array): void;
}
