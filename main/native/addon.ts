/**
 * The exports of the Rust add-on, as both back ends offer them: `crate/src/lib.rs` in Rust, `fallback/noble.ts` on @noble.
 * Only `checked.ts` calls these. Lengths are right when it does; results go into the caller's buffers, so that a secret is
 * in one place that can be wiped; `false` is a verdict about the input.
 */
import { createRequire } from "node:module";
import type { Kernels, ThreadPriority } from "./interface.ts";

export interface Addon {
  kernels(): Kernels;
  sha256(message: Uint8Array, digest: Uint8Array): void;
  sha256Batch(messages: Uint8Array, messageLength: number, digests: Uint8Array): void;
  foldLoneLeaves(keys: Uint8Array, hashes: Uint8Array, fromLevels: Uint16Array, toLevels: Uint16Array): void;
  sha256Chain(value: Uint8Array, iterations: number, end: Uint8Array): void;
  SegmentRun: new () => SegmentRun;

  hmacSha256(key: Uint8Array, message: Uint8Array, mac: Uint8Array): void;
  pbkdf2HmacSha256(password: Uint8Array, salt: Uint8Array, iterations: number, derived: Uint8Array): void;

  mldsaGenerate(seed: Uint8Array, publicKey: Uint8Array, secretKey: Uint8Array): void;
  /** False for a key that no key generation gives. */
  mldsaSign(secretKey: Uint8Array, message: Uint8Array, context: Uint8Array, signature: Uint8Array): boolean;
  mldsaVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  mldsaVerifyBatch(...batch: [...FlatBatch, valid: Uint8Array]): void;
  mldsaVerifyBatchAsync(...batch: FlatBatch): Promise<Uint8Array>;
  mldsaPublicKeyOf(secretKey: Uint8Array, publicKey: Uint8Array): boolean;

  mlkemGenerate(seed: Uint8Array, publicKey: Uint8Array, secretKey: Uint8Array): void;
  mlkemEncapsulate(
    publicKey: Uint8Array,
    randomness: Uint8Array,
    ciphertext: Uint8Array,
    sharedSecret: Uint8Array,
  ): boolean;
  mlkemDecapsulate(secretKey: Uint8Array, ciphertext: Uint8Array, sharedSecret: Uint8Array): boolean;
  mlkemCheckSecretKey(secretKey: Uint8Array): boolean;

  aeadSeal(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, plaintext: Uint8Array, sealed: Uint8Array): void;
  aeadOpen(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, sealed: Uint8Array, plaintext: Uint8Array): boolean;
  x25519PublicKey(secretKey: Uint8Array, publicKey: Uint8Array): void;
  x25519SharedSecret(secretKey: Uint8Array, publicKey: Uint8Array, sharedSecret: Uint8Array): boolean;
  argon2id(
    password: Uint8Array,
    salt: Uint8Array,
    memoryKib: number,
    passes: number,
    lanes: number,
    derived: Uint8Array,
  ): boolean;

  setThreadPriority(priority: ThreadPriority): boolean;
}

/** Signatures to check: keys, messages and signatures each one after the other; message i ends at `messageEnds[i]`. */
export type FlatBatch = [
  publicKeys: Uint8Array,
  messages: Uint8Array,
  messageEnds: Uint32Array,
  signatures: Uint8Array,
];

export interface SegmentRun {
  /** Starts and claimed ends hold 32 bytes a segment. Gives a byte a segment, or null when cancelled. */
  verify(
    starts: Uint8Array,
    iterations: Float64Array,
    claimedEnds: Uint8Array,
    threads: number,
  ): Promise<Uint8Array | null>;
  /** Hashes computed so far. */
  done(): number;
  cancel(): void;
}

/** What only the Rust add-on has: a kernel chosen by name, for tests, and the peers of the bench programme. */
export interface RustAddon extends Addon {
  sha256Batch(messages: Uint8Array, messageLength: number, digests: Uint8Array, kernel?: string): void;
  foldLoneLeaves(
    keys: Uint8Array,
    hashes: Uint8Array,
    fromLevels: Uint16Array,
    toLevels: Uint16Array,
    kernel?: string,
  ): void;
  sha256Chain(value: Uint8Array, iterations: number, end: Uint8Array, kernel?: string): void;
  SegmentRun: new () => SegmentRun & {
    verify(
      starts: Uint8Array,
      iterations: Float64Array,
      claimedEnds: Uint8Array,
      threads: number,
      kernel?: string,
    ): Promise<Uint8Array | null>;
  };
  /** The dependent round instructions of `steps` hashes and nothing else. False where the CPU has no such instruction. */
  benchRoundsAlone(value: Uint8Array, steps: number, end: Uint8Array): boolean;
  /** The chain as the `sha2` crate computes it. */
  benchSha2Chain(value: Uint8Array, iterations: number, end: Uint8Array): void;
}

/** Loads the add-on from a file. Throws what the loader throws. */
export function loadAddon(path: string): RustAddon {
  return createRequire(import.meta.url)(path) as RustAddon;
}
