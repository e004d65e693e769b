/**
 * What this room gives to the program: the protocol's `Crypto` and the rest that is native, with one meaning for both back
 * ends. Wrong lengths throw `ProtocolError("wrong-length")` with `field`, `expected` and `actual`.
 */
import type { Bytes, Hash32 } from "../protocol/bytes.ts";
import type { Crypto, VerifyJob } from "../protocol/crypto.ts";
import type { ChainRun } from "./chain.ts";

export type BackEnd = "rust" | "noble";

export interface Native extends Crypto {
  readonly backEnd: BackEnd;
  /** Names of the SHA-256 kernels in use, and of those that the CPU has but that failed their self-test. */
  readonly kernels: Kernels;
  readonly aead: Aead;
  readonly x25519: X25519;

  /**
   * RFC 9106, version 0x13, without secret and associated data. Blocks for as long as the parameters say: call it from a
   * worker. Throws `RangeError` for parameters outside the RFC's bounds.
   */
  argon2id(password: Uint8Array, salt: Uint8Array, parameters: Argon2Parameters): Uint8Array;

  /** A VDF chain that is computed in slices (chapter 03 §4.2), from a 32-byte value, `done` hashes of which are behind it. */
  chainRun(value: Uint8Array, done?: number): ChainRun;

  /**
   * Says for each stretch of a chain whether its end is the claimed one (chapter 03 §4.3). Runs on threads of its own, so that
   * neither the event loop nor the pool of {@link verifyBatchAsync} waits for it. Rejects with `ProtocolError("cancelled")`
   * once `signal` is aborted.
   */
  verifySegments(segments: readonly Segment[], options: SegmentOptions): Promise<boolean[]>;

  /**
   * As `mldsa65.verifyBatch`, on a bounded pool of threads beside the event loop. Rejects with `ProtocolError("busy")` while
   * 64 batches are waiting.
   */
  verifyBatchAsync(jobs: readonly VerifyJob[]): Promise<boolean[]>;

  /**
   * Sets the priority of the calling thread alone; meant for worker threads. False when the system refuses, as it does on
   * Linux for raising a lowered one, and always on the JavaScript back end.
   */
  setThreadPriority(priority: ThreadPriority): boolean;
}

/** ChaCha20-Poly1305 as in RFC 8439; the 16-byte tag follows the ciphertext. */
export interface Aead {
  /** `key` 32 bytes, `nonce` 12 bytes, never twice under one key. Gives `plaintext.length + 16` bytes. */
  seal(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** `undefined` when the tag does not match or `sealed` is shorter than a tag. */
  open(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

/** RFC 7748, for the VPN side only: the protocol forbids elliptic curves (chapter 01 §1). */
export interface X25519 {
  /** The public key of 32 random bytes. */
  publicKey(secretKey: Uint8Array): Bytes<32>;
  /** Throws `ProtocolError("low-order-point")` for a public key whose shared secret everybody knows. */
  sharedSecret(secretKey: Uint8Array, publicKey: Uint8Array): Bytes<32>;
}

export interface Argon2Parameters {
  /** At least 8 a lane. */
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
  /** Of the derived key, in bytes; at least 4. */
  readonly length: number;
}

/** One stretch of a chain. */
export interface Segment {
  readonly start: Hash32;
  readonly iterations: number;
  readonly claimedEnd: Hash32;
}

export interface SegmentOptions {
  readonly threads: number;
  /** Called some times a second with the hashes computed and to compute in all. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export type ThreadPriority = "normal" | "low" | "background";

export interface Kernels {
  /** For one chain. */
  readonly chain: string;
  /** For many chains or messages side by side. */
  readonly lanes: string;
  readonly usable: readonly string[];
  readonly failed: readonly string[];
}
