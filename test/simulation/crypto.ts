/**
 * The program's cryptography with signatures that cost one hash: whoever knows a public key could forge them, which no
 * simulated node does. Hashing, Merkle trees and VDF are the real ones.
 */
import { concatBytes } from "../../main/protocol/bytes.ts";
import {
  MLDSA_PUBLIC_KEY_SIZE,
  MLDSA_SECRET_KEY_SIZE,
  MLDSA_SIGNATURE_SIZE,
  type Crypto,
  type MlDsa65,
  type PublicKey,
  type SecretKey,
  type Signature,
} from "../../main/protocol/crypto.ts";

const TAG_SIZE = 32;

export function simulationCrypto(crypto: Crypto): Crypto {
  const tag = (key: Uint8Array, message: Uint8Array) => crypto.sha256(concatBytes(key.subarray(0, TAG_SIZE), message));
  const padded = (start: Uint8Array, size: number): Uint8Array => {
    const bytes = new Uint8Array(size);
    bytes.set(start);
    return bytes;
  };
  // Decoded objects are shared by all nodes, and so are the verdicts on them.
  const verdicts = new WeakMap<
    Uint8Array,
    { readonly key: Uint8Array; readonly message: Uint8Array; readonly is: boolean }
  >();
  const verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
    const known = verdicts.get(signature);
    if (known?.key === publicKey && known.message === message) return known.is;
    const expected = tag(publicKey, message);
    const is = signature.every((byte, i) => byte === (expected[i] ?? 0));
    verdicts.set(signature, { key: publicKey, message, is });
    return is;
  };
  const mldsa65: MlDsa65 = {
    generate(seed) {
      const identity = crypto.sha256(seed);
      return {
        publicKey: padded(identity, MLDSA_PUBLIC_KEY_SIZE) as PublicKey,
        secretKey: padded(identity, MLDSA_SECRET_KEY_SIZE) as SecretKey,
      };
    },
    sign: (secretKey, message) => padded(tag(secretKey, message), MLDSA_SIGNATURE_SIZE) as Signature,
    verify,
    verifyBatch: (jobs) => jobs.map(({ publicKey, message, signature }) => verify(publicKey, message, signature)),
    publicKeyOf: (secretKey) => padded(secretKey.subarray(0, TAG_SIZE), MLDSA_PUBLIC_KEY_SIZE) as PublicKey,
  };
  return {
    sha256: (message) => crypto.sha256(message),
    sha256Batch: (messages, length, digests) => {
      crypto.sha256Batch(messages, length, digests);
    },
    foldLoneLeaves: (keys, hashes, from, to) => {
      crypto.foldLoneLeaves(keys, hashes, from, to);
    },
    hmacSha256: (key, message) => crypto.hmacSha256(key, message),
    pbkdf2HmacSha256: (password, salt, iterations, length) =>
      crypto.pbkdf2HmacSha256(password, salt, iterations, length),
    sha256Chain: (state, iterations) => crypto.sha256Chain(state, iterations),
    mldsa65,
    mlkem768: crypto.mlkem768,
  };
}
