/**
 * The add-on's functions on the @noble libraries, for machines without a built add-on, and as the readable reference of the
 * tests. Same results and verdicts; slower, and without any guarantee about timing (docs/constant-time.md).
 */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { argon2id } from "@noble/hashes/argon2.js";
import { hmac } from "@noble/hashes/hmac.js";
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { ml_dsa65 } from "@noble/post-quantum/ml-dsa.js";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ascii, compareBytes, concatBytes } from "../../protocol/bytes.ts";
import type { Addon, FlatBatch, SegmentRun } from "../addon.ts";
import { publicKeyOf, secretsInRange } from "./mldsaKey.ts";
import { checkSecretKey, decapsulate, encapsulate, generate } from "./mlkem.ts";

const HASH_SIZE = 32;
const PUBLIC_KEY_SIZE = 1952;
const SIGNATURE_SIZE = 3309;
const TREE_DEPTH = 256;
/** Hashes between two turns of the event loop; some 10 ms. */
const SLICE_ITERATIONS = 8192;

const NODE_PREFIX = concatBytes(ascii("mt-merkle-node"), new Uint8Array(1));

export const noble: Addon = {
  kernels: () => ({ chain: "javascript", lanes: "javascript", usable: ["javascript"], failed: [] }),

  sha256(message, digest) {
    digest.set(sha256(message));
  },

  sha256Batch(messages, messageLength, digests) {
    for (let i = 0; i < digests.length / HASH_SIZE; i++) {
      digests.set(sha256(messages.subarray(i * messageLength, (i + 1) * messageLength)), i * HASH_SIZE);
    }
  },

  foldLoneLeaves(keys, hashes, fromLevels, toLevels) {
    for (let i = 0; i < fromLevels.length; i++) {
      const key = keys.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE);
      let hash: Uint8Array = hashes.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE);
      for (let level = fromLevels[i]!; level < toLevels[i]!; level++) {
        const onRight = (key[level >> 3]! >> (level & 7)) & 1;
        hash = onRight ? node(emptyHash(level), hash) : node(hash, emptyHash(level));
      }
      hashes.set(hash, i * HASH_SIZE);
    }
  },

  sha256Chain(value, iterations, end) {
    end.set(chain(value, iterations));
  },

  SegmentRun: class implements SegmentRun {
    #done = 0;
    #cancelled = false;

    /** One segment after the other, on this thread. */
    async verify(starts: Uint8Array, iterations: Float64Array, claimedEnds: Uint8Array): Promise<Uint8Array | null> {
      const valid = new Uint8Array(iterations.length);
      for (let i = 0; i < iterations.length; i++) {
        let value = starts.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE);
        for (let remaining = iterations[i]!; remaining > 0;) {
          await nextTurn();
          if (this.#cancelled) return null;
          const slice = Math.min(remaining, SLICE_ITERATIONS);
          value = chain(value, slice);
          remaining -= slice;
          this.#done += slice;
        }
        valid[i] = Number(compareBytes(value, claimedEnds.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE)) === 0);
      }
      return valid;
    }

    done(): number {
      return this.#done;
    }

    cancel(): void {
      this.#cancelled = true;
    }
  },

  hmacSha256(key, message, mac) {
    mac.set(hmac(sha256, key, message));
  },

  pbkdf2HmacSha256(password, salt, iterations, derived) {
    // The library gives no empty key.
    if (derived.length > 0) derived.set(pbkdf2(sha256, password, salt, { c: iterations, dkLen: derived.length }));
  },

  mldsaGenerate(seed, publicKey, secretKey) {
    const pair = ml_dsa65.keygen(seed);
    publicKey.set(pair.publicKey);
    move(pair.secretKey, secretKey);
  },

  mldsaSign(secretKey, message, context, signature) {
    // The library would throw with the coefficient in its message. It knows no bound of tries either: a key from outside goes
    // through publicKeyOf first, or an inconsistent one may keep it trying for ever.
    if (!secretsInRange(secretKey)) return false;
    signature.set(ml_dsa65.sign(message, secretKey, { context, extraEntropy: false }));
    return true;
  },

  mldsaVerify: verify,

  mldsaVerifyBatch(publicKeys, messages, messageEnds, signatures, valid) {
    for (let i = 0; i < valid.length; i++) {
      valid[i] = Number(verifyJob([publicKeys, messages, messageEnds, signatures], i));
    }
  },

  async mldsaVerifyBatchAsync(...batch) {
    const valid = new Uint8Array(batch[2].length);
    for (let i = 0; i < valid.length; i++) {
      await nextTurn();
      valid[i] = Number(verifyJob(batch, i));
    }
    return valid;
  },

  mldsaPublicKeyOf(secretKey, publicKey) {
    const derived = publicKeyOf(secretKey);
    if (derived) publicKey.set(derived);
    return derived !== undefined;
  },

  mlkemGenerate: generate,
  mlkemEncapsulate: encapsulate,
  mlkemDecapsulate: decapsulate,
  mlkemCheckSecretKey: checkSecretKey,

  aeadSeal(key, nonce, data, plaintext, sealed) {
    chacha20poly1305(key, nonce, data).encrypt(plaintext, sealed);
  },

  aeadOpen(key, nonce, data, sealed, plaintext) {
    try {
      chacha20poly1305(key, nonce, data).decrypt(sealed, plaintext);
      return true;
    } catch {
      // Lengths have been checked: what is left to throw is the tag.
      return false;
    }
  },

  x25519PublicKey(secretKey, publicKey) {
    publicKey.set(x25519.getPublicKey(secretKey));
  },

  x25519SharedSecret(secretKey, publicKey, sharedSecret) {
    try {
      move(x25519.getSharedSecret(secretKey, publicKey), sharedSecret);
      return true;
    } catch {
      // Lengths have been checked: what is left to throw is a point of small order.
      return false;
    }
  },

  argon2id(password, salt, memoryKib, passes, lanes, derived) {
    move(
      argon2id(password, salt, { m: memoryKib, t: passes, p: lanes, dkLen: derived.length, maxmem: 2 ** 32 - 1 }),
      derived,
    );
    return true;
  },

  setThreadPriority: () => false,
};

function chain(value: Uint8Array, iterations: number): Uint8Array {
  for (let i = 0; i < iterations; i++) value = sha256(value);
  return value;
}

function node(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256.create().update(NODE_PREFIX).update(left).update(right).digest();
}

const emptyHashes: Uint8Array[] = [new Uint8Array(HASH_SIZE)];

/** Hash of the empty subtree of a level. */
function emptyHash(level: number): Uint8Array {
  while (emptyHashes.length <= Math.min(level, TREE_DEPTH)) {
    const below = emptyHashes[emptyHashes.length - 1]!;
    emptyHashes.push(node(below, below));
  }
  return emptyHashes[level]!;
}

function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return ml_dsa65.verify(signature, message, publicKey);
}

function verifyJob([publicKeys, messages, messageEnds, signatures]: FlatBatch, i: number): boolean {
  return verify(
    publicKeys.subarray(i * PUBLIC_KEY_SIZE, (i + 1) * PUBLIC_KEY_SIZE),
    messages.subarray(i === 0 ? 0 : messageEnds[i - 1]!, messageEnds[i]),
    signatures.subarray(i * SIGNATURE_SIZE, (i + 1) * SIGNATURE_SIZE),
  );
}

/** Copies a secret and wipes where it came from. */
function move(from: Uint8Array, to: Uint8Array): void {
  to.set(from);
  from.fill(0);
}
