/** Makes a {@link Native} of either back end: the one place that checks lengths, allocates results and throws typed errors. */
import { concatBytes, sized, type Bytes, type Hash32 } from "../protocol/bytes.ts";
import {
  MLDSA_PUBLIC_KEY_SIZE,
  MLDSA_SECRET_KEY_SIZE,
  MLDSA_SEED_SIZE,
  MLDSA_SIGNATURE_SIZE,
  MLKEM_CIPHERTEXT_SIZE,
  MLKEM_PUBLIC_KEY_SIZE,
  MLKEM_SECRET_KEY_SIZE,
  MLKEM_SEED_SIZE,
  MLKEM_SHARED_SECRET_SIZE,
  type MlDsa65,
  type MlKem768,
  type VerifyJob,
} from "../protocol/crypto.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { Addon, FlatBatch } from "./addon.ts";
import { ChainRun } from "./chain.ts";
import type { Aead, Argon2Parameters, BackEnd, Native, Segment, SegmentOptions, X25519 } from "./interface.ts";

const HASH_SIZE = 32;
const LEVEL_MAX = 256;
const CONTEXT_SIZE_MAX = 255;
const AEAD_KEY_SIZE = 32;
const AEAD_NONCE_SIZE = 12;
const AEAD_TAG_SIZE = 16;
const X25519_KEY_SIZE = 32;
const U32_MAX = 2 ** 32 - 1;
const PROGRESS_INTERVAL_MS = 100;
/** A caller that is ahead of the pool by so much must wait: its signatures lie copied in memory. */
const BATCHES_WAITING_MAX = 64;
/** Enough for all cores. Copies of more at a time are fresh memory from the system, which takes longer than the copying. */
const JOBS_PER_CALL = 1024;
const NO_CONTEXT = new Uint8Array(0);

export function checked(addon: Addon, backEnd: BackEnd): Native {
  let batchesWaiting = 0;
  const native: Native = {
    backEnd,
    kernels: addon.kernels(),

    sha256: (message) =>
      filled(HASH_SIZE, (digest) => {
        addon.sha256(message, digest);
      }),

    sha256Batch(messages, messageLength, digests) {
      checkMultiple("digests", digests, HASH_SIZE);
      checkLength("messages", messages, (digests.length / HASH_SIZE) * messageLength);
      addon.sha256Batch(messages, messageLength, digests);
    },

    foldLoneLeaves(keys, hashes, fromLevels, toLevels) {
      const items = fromLevels.length;
      checkLength("toLevels", toLevels, items);
      checkLength("keys", keys, HASH_SIZE * items);
      checkLength("hashes", hashes, HASH_SIZE * items);
      for (const level of toLevels) checkRange("level", level, 0, LEVEL_MAX);
      addon.foldLoneLeaves(keys, hashes, fromLevels, toLevels);
    },

    hmacSha256: (key, message) =>
      filled(HASH_SIZE, (mac) => {
        addon.hmacSha256(key, message, mac);
      }),

    pbkdf2HmacSha256(password, salt, iterations, length) {
      checkRange("iterations", iterations, 1, U32_MAX);
      return filled(length, (derived) => {
        addon.pbkdf2HmacSha256(password, salt, iterations, derived);
      });
    },

    sha256Chain(state, iterations) {
      checkLength("state", state, HASH_SIZE);
      checkRange("iterations", iterations, 0, Number.MAX_SAFE_INTEGER);
      return filled(HASH_SIZE, (end) => {
        addon.sha256Chain(state, iterations, end);
      });
    },

    mldsa65: mldsa65(addon),
    mlkem768: mlkem768(addon),
    aead: aead(addon),
    x25519: x25519(addon),

    argon2id(password, salt, { memoryKib, passes, lanes, length }: Argon2Parameters) {
      checkRange("salt length", salt.length, 8, U32_MAX);
      checkRange("lanes", lanes, 1, 2 ** 24 - 1);
      checkRange("memoryKib", memoryKib, 8 * lanes, U32_MAX);
      checkRange("passes", passes, 1, U32_MAX);
      checkRange("length", length, 4, U32_MAX);
      return filled(length, (derived) => {
        if (!addon.argon2id(password, salt, memoryKib, passes, lanes, derived))
          throw new RangeError("Argon2 parameters");
      });
    },

    chainRun(value, done = 0) {
      checkLength("value", value, HASH_SIZE);
      return new ChainRun(native, value as Hash32, done);
    },

    verifySegments: (segments, options) => verifySegments(addon, segments, options),

    async verifyBatchAsync(jobs) {
      if (batchesWaiting === BATCHES_WAITING_MAX) throw new ProtocolError("busy", { waiting: batchesWaiting });
      const batch = flatten(jobs);
      batchesWaiting++;
      try {
        return Array.from(await addon.mldsaVerifyBatchAsync(...batch), Boolean);
      } finally {
        batchesWaiting--;
      }
    },

    setThreadPriority: (priority) => addon.setThreadPriority(priority),
  };
  return native;
}

function mldsa65(addon: Addon): MlDsa65 {
  return {
    generate(seed) {
      checkLength("seed", seed, MLDSA_SEED_SIZE);
      const publicKey = sized(new Uint8Array(MLDSA_PUBLIC_KEY_SIZE), MLDSA_PUBLIC_KEY_SIZE);
      const secretKey = sized(new Uint8Array(MLDSA_SECRET_KEY_SIZE), MLDSA_SECRET_KEY_SIZE);
      addon.mldsaGenerate(seed, publicKey, secretKey);
      return { publicKey, secretKey };
    },

    sign(secretKey, message, context = NO_CONTEXT) {
      checkLength("secretKey", secretKey, MLDSA_SECRET_KEY_SIZE);
      if (context.length > CONTEXT_SIZE_MAX) throw wrongLength("context", CONTEXT_SIZE_MAX, context.length);
      return filled(MLDSA_SIGNATURE_SIZE, (signature) => {
        if (!addon.mldsaSign(secretKey, message, context, signature)) throw new ProtocolError("invalid-secret-key");
      });
    },

    verify(publicKey, message, signature) {
      checkJob({ publicKey, message, signature });
      return addon.mldsaVerify(publicKey, message, signature);
    },

    verifyBatch(jobs) {
      const valid = new Uint8Array(jobs.length);
      for (let first = 0; first < jobs.length; first += JOBS_PER_CALL) {
        const end = Math.min(first + JOBS_PER_CALL, jobs.length);
        addon.mldsaVerifyBatch(...flatten(jobs.slice(first, end)), valid.subarray(first, end));
      }
      return Array.from(valid, Boolean);
    },

    publicKeyOf(secretKey) {
      checkLength("secretKey", secretKey, MLDSA_SECRET_KEY_SIZE);
      return filled(MLDSA_PUBLIC_KEY_SIZE, (publicKey) => {
        if (!addon.mldsaPublicKeyOf(secretKey, publicKey)) throw new ProtocolError("invalid-secret-key");
      });
    },
  };
}

function mlkem768(addon: Addon): MlKem768 {
  return {
    generate(seed) {
      checkLength("seed", seed, MLKEM_SEED_SIZE);
      const publicKey = sized(new Uint8Array(MLKEM_PUBLIC_KEY_SIZE), MLKEM_PUBLIC_KEY_SIZE);
      const secretKey = sized(new Uint8Array(MLKEM_SECRET_KEY_SIZE), MLKEM_SECRET_KEY_SIZE);
      addon.mlkemGenerate(seed, publicKey, secretKey);
      return { publicKey, secretKey };
    },

    encapsulate(publicKey, randomness) {
      checkLength("publicKey", publicKey, MLKEM_PUBLIC_KEY_SIZE);
      checkLength("randomness", randomness, 32);
      const ciphertext = sized(new Uint8Array(MLKEM_CIPHERTEXT_SIZE), MLKEM_CIPHERTEXT_SIZE);
      const sharedSecret = sized(new Uint8Array(MLKEM_SHARED_SECRET_SIZE), MLKEM_SHARED_SECRET_SIZE);
      if (!addon.mlkemEncapsulate(publicKey, randomness, ciphertext, sharedSecret)) {
        throw new ProtocolError("invalid-encapsulation-key");
      }
      return { ciphertext, sharedSecret };
    },

    decapsulate(secretKey, ciphertext) {
      checkLength("secretKey", secretKey, MLKEM_SECRET_KEY_SIZE);
      checkLength("ciphertext", ciphertext, MLKEM_CIPHERTEXT_SIZE);
      return filled(MLKEM_SHARED_SECRET_SIZE, (sharedSecret) => {
        if (!addon.mlkemDecapsulate(secretKey, ciphertext, sharedSecret)) {
          throw new ProtocolError("invalid-decapsulation-key");
        }
      });
    },

    checkSecretKey(secretKey) {
      checkLength("secretKey", secretKey, MLKEM_SECRET_KEY_SIZE);
      if (!addon.mlkemCheckSecretKey(secretKey)) throw new ProtocolError("invalid-decapsulation-key");
    },
  };
}

function aead(addon: Addon): Aead {
  return {
    seal(key, nonce, data, plaintext) {
      checkLength("key", key, AEAD_KEY_SIZE);
      checkLength("nonce", nonce, AEAD_NONCE_SIZE);
      return filled(plaintext.length + AEAD_TAG_SIZE, (sealed) => {
        addon.aeadSeal(key, nonce, data, plaintext, sealed);
      });
    },

    open(key, nonce, data, sealed) {
      checkLength("key", key, AEAD_KEY_SIZE);
      checkLength("nonce", nonce, AEAD_NONCE_SIZE);
      if (sealed.length < AEAD_TAG_SIZE) return undefined;
      const plaintext = new Uint8Array(sealed.length - AEAD_TAG_SIZE);
      return addon.aeadOpen(key, nonce, data, sealed, plaintext) ? plaintext : undefined;
    },
  };
}

function x25519(addon: Addon): X25519 {
  return {
    publicKey(secretKey) {
      checkLength("secretKey", secretKey, X25519_KEY_SIZE);
      return filled(X25519_KEY_SIZE, (publicKey) => {
        addon.x25519PublicKey(secretKey, publicKey);
      });
    },

    sharedSecret(secretKey, publicKey) {
      checkLength("secretKey", secretKey, X25519_KEY_SIZE);
      checkLength("publicKey", publicKey, X25519_KEY_SIZE);
      return filled(X25519_KEY_SIZE, (sharedSecret) => {
        if (!addon.x25519SharedSecret(secretKey, publicKey, sharedSecret)) throw new ProtocolError("low-order-point");
      });
    },
  };
}

async function verifySegments(
  addon: Addon,
  segments: readonly Segment[],
  { threads, onProgress, signal }: SegmentOptions,
): Promise<boolean[]> {
  checkRange("threads", threads, 1, 1024);
  for (const { start, iterations, claimedEnd } of segments) {
    checkLength("start", start, HASH_SIZE);
    checkLength("claimedEnd", claimedEnd, HASH_SIZE);
    checkRange("iterations", iterations, 0, Number.MAX_SAFE_INTEGER);
  }
  if (signal?.aborted) throw new ProtocolError("cancelled");

  const run = new addon.SegmentRun();
  const total = segments.reduce((sum, segment) => sum + segment.iterations, 0);
  const ticker =
    onProgress &&
    setInterval(() => {
      onProgress(run.done(), total);
    }, PROGRESS_INTERVAL_MS);
  const cancel = (): void => {
    run.cancel();
  };
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    const valid = await run.verify(
      concatBytes(...segments.map((segment) => segment.start)),
      Float64Array.from(segments, (segment) => segment.iterations),
      concatBytes(...segments.map((segment) => segment.claimedEnd)),
      threads,
    );
    if (valid === null) throw new ProtocolError("cancelled");
    return Array.from(valid, Boolean);
  } finally {
    clearInterval(ticker);
    signal?.removeEventListener("abort", cancel);
  }
}

function flatten(jobs: readonly VerifyJob[]): FlatBatch {
  jobs.forEach(checkJob);
  let end = 0;
  return [
    concatBytes(...jobs.map((job) => job.publicKey)),
    concatBytes(...jobs.map((job) => job.message)),
    Uint32Array.from(jobs, (job) => (end += job.message.length)),
    concatBytes(...jobs.map((job) => job.signature)),
  ];
}

function checkJob({ publicKey, signature }: VerifyJob): void {
  checkLength("publicKey", publicKey, MLDSA_PUBLIC_KEY_SIZE);
  checkLength("signature", signature, MLDSA_SIGNATURE_SIZE);
}

/** A new buffer of `length` bytes after `fill` wrote it. */
function filled<N extends number>(length: N, fill: (buffer: Uint8Array) => void): Bytes<N> {
  const buffer = new Uint8Array(length);
  fill(buffer);
  return sized(buffer, length);
}

function checkLength(field: string, bytes: { readonly length: number }, expected: number): void {
  if (bytes.length !== expected) throw wrongLength(field, expected, bytes.length);
}

function checkMultiple(field: string, bytes: Uint8Array, unit: number): void {
  const expected = Math.floor(bytes.length / unit) * unit;
  checkLength(field, bytes, expected);
}

function wrongLength(field: string, expected: number, actual: number): ProtocolError {
  return new ProtocolError("wrong-length", { field, expected, actual });
}

/** Numbers are chosen by this program, never by a peer: a wrong one is a programming error. */
function checkRange(name: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be an integer from ${min} to ${max}`);
  }
}
