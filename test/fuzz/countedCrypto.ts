/**
 * The hash functions of the program, counted: bytes hashed are the only work of a decoder that its code does not show, and a
 * bound on them is a bound on time that no slow machine breaks. Public-key cryptography is no decoder's business and fails.
 */
import type { Crypto } from "../../main/protocol/crypto.ts";

const BLOCK_SIZE = 64;
/** A node message of the sparse Merkle tree takes two blocks. */
const FOLD_SIZE = 2 * BLOCK_SIZE;
/** Two hashes, each of a key block and what follows it. */
const MAC_SIZE = 4 * BLOCK_SIZE;

export interface CountedCrypto extends Crypto {
  /** Bytes hashed since this was made, in whole blocks. */
  readonly hashed: () => number;
}

export function countHashing(crypto: Crypto): CountedCrypto {
  let hashed = 0;
  const refuse = (): never => {
    throw new Error("a decoder does no public-key cryptography");
  };
  return {
    hashed: () => hashed,
    sha256(message) {
      hashed += inBlocks(message.length);
      return crypto.sha256(message);
    },
    sha256Batch(messages, messageLength, digests) {
      hashed += (digests.length / 32) * inBlocks(messageLength);
      crypto.sha256Batch(messages, messageLength, digests);
    },
    foldLoneLeaves(keys, hashes, fromLevels, toLevels) {
      for (let i = 0; i < toLevels.length; i++) hashed += FOLD_SIZE * Math.max(0, toLevels[i]! - fromLevels[i]!);
      crypto.foldLoneLeaves(keys, hashes, fromLevels, toLevels);
    },
    hmacSha256(key, message) {
      hashed += MAC_SIZE + inBlocks(message.length);
      return crypto.hmacSha256(key, message);
    },
    pbkdf2HmacSha256(password, salt, iterations, length) {
      hashed += iterations * MAC_SIZE * Math.ceil(length / 32);
      return crypto.pbkdf2HmacSha256(password, salt, iterations, length);
    },
    sha256Chain(state, iterations) {
      hashed += iterations * BLOCK_SIZE;
      return crypto.sha256Chain(state, iterations);
    },
    mldsa65: { generate: refuse, sign: refuse, verify: refuse, verifyBatch: refuse, publicKeyOf: refuse },
    mlkem768: { generate: refuse, encapsulate: refuse, decapsulate: refuse, checkSecretKey: refuse },
  };
}

function inBlocks(length: number): number {
  return BLOCK_SIZE * Math.ceil((length + 9) / BLOCK_SIZE);
}
