/** ML-KEM-768 on @noble/post-quantum, with the checks of keys from outside as verdicts (chapter 01 §4.5). */
import { sha3_256 } from "@noble/hashes/sha3.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { compareBytes } from "../../protocol/bytes.ts";

const Q = 3329;
/** Layout of the secret key: ŝ, the public key (t̂ and ρ), its hash, the secret z. */
const PUBLIC_KEY = 1152;
const HASH = PUBLIC_KEY + 1184;
const Z = HASH + 32;
/** Length of 768 coefficients of twelve bits. */
const COEFFICIENTS_SIZE = 1152;

export function generate(seed: Uint8Array, publicKey: Uint8Array, secretKey: Uint8Array): void {
  const pair = ml_kem768.keygen(seed);
  publicKey.set(pair.publicKey);
  secretKey.set(pair.secretKey);
  pair.secretKey.fill(0);
}

/** False for a key with a coefficient that is not reduced. */
export function encapsulate(
  publicKey: Uint8Array,
  randomness: Uint8Array,
  ciphertext: Uint8Array,
  sharedSecret: Uint8Array,
): boolean {
  if (!reduced(publicKey)) return false;
  const sent = ml_kem768.encapsulate(publicKey, randomness);
  ciphertext.set(sent.cipherText);
  sharedSecret.set(sent.sharedSecret);
  sent.sharedSecret.fill(0);
  return true;
}

/** False for a key whose stored hash is not that of its public key. */
export function decapsulate(secretKey: Uint8Array, ciphertext: Uint8Array, sharedSecret: Uint8Array): boolean {
  if (compareBytes(sha3_256(secretKey.subarray(PUBLIC_KEY, HASH)), secretKey.subarray(HASH, Z)) !== 0) return false;
  const secret = ml_kem768.decapsulate(ciphertext, secretKey);
  sharedSecret.set(secret);
  secret.fill(0);
  return true;
}

/** Reduced coefficients, hash of the public key, and one encapsulation that comes back. */
export function checkSecretKey(secretKey: Uint8Array): boolean {
  if (!reduced(secretKey)) return false;
  const ciphertext = new Uint8Array(ml_kem768.lengths.cipherText!);
  const sent = new Uint8Array(32);
  const received = new Uint8Array(32);
  // Any m does; the hash needs no generator.
  const consistent =
    encapsulate(secretKey.subarray(PUBLIC_KEY, HASH), secretKey.subarray(HASH, Z), ciphertext, sent) &&
    decapsulate(secretKey, ciphertext, received) &&
    compareBytes(sent, received) === 0;
  sent.fill(0);
  received.fill(0);
  return consistent;
}

/** Whether the 768 coefficients that `key` starts with are below q; a difference is negative for one that is not. */
function reduced(key: Uint8Array): boolean {
  let above = 0;
  for (let i = 0; i < COEFFICIENTS_SIZE; i += 3) {
    const middle = key[i + 1]!;
    above |= (Q - 1 - (key[i]! | ((middle & 15) << 8))) | (Q - 1 - ((middle >> 4) | (key[i + 2]! << 4)));
  }
  return above >= 0;
}
