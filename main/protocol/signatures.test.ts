/** What the protocol needs of signatures and of key encapsulation (chapter 01 §6, properties 6, 8 and 12). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { loadCrypto } from "../native/index.ts";
import { MLKEM_CIPHERTEXT_SIZE } from "./crypto.ts";

const { crypto } = loadCrypto();
const { mldsa65, mlkem768 } = crypto;
const keys = mldsa65.generate(new Uint8Array(32).fill(6));
const anyMessage = fc.uint8Array({ minLength: 1, maxLength: 200 });

function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const at = (bit >> 3) % bytes.length;
  return bytes.with(at, bytes[at]! ^ (1 << (bit & 7)));
}

describe("a signature", () => {
  test("is the same bytes every time and holds for its message", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const signature = mldsa65.sign(keys.secretKey, message);
        expect(mldsa65.sign(keys.secretKey, message)).toEqual(signature);
        expect(mldsa65.verify(keys.publicKey, message, signature)).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  test("does not hold when any bit of message, signature or key is another one", () => {
    const message = new Uint8Array(80).fill(1);
    const signature = mldsa65.sign(keys.secretKey, message);
    fc.assert(
      fc.property(fc.nat(), (bit) => {
        expect(mldsa65.verify(keys.publicKey, flipBit(message, bit), signature)).toBe(false);
        expect(mldsa65.verify(keys.publicKey, message, flipBit(signature, bit))).toBe(false);
        expect(mldsa65.verify(flipBit(keys.publicKey, bit), message, signature)).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  test("over the hash of a message, or with a context, is none of the message", () => {
    const message = new Uint8Array(72).fill(2);
    const ofHash = mldsa65.sign(keys.secretKey, crypto.sha256(message));
    const withContext = mldsa65.sign(keys.secretKey, message, new Uint8Array([1]));
    expect(mldsa65.verify(keys.publicKey, message, ofHash)).toBe(false);
    expect(mldsa65.verify(keys.publicKey, message, withContext)).toBe(false);
  });
});

describe("an encapsulated secret", () => {
  const kem = mlkem768.generate(new Uint8Array(64).fill(7));
  const randomness = fc.uint8Array({ minLength: 32, maxLength: 32 });

  test("comes out of its ciphertext", () => {
    fc.assert(
      fc.property(randomness, (m) => {
        const { ciphertext, sharedSecret } = mlkem768.encapsulate(kem.publicKey, m);
        expect(mlkem768.decapsulate(kem.secretKey, ciphertext)).toEqual(sharedSecret);
      }),
      { numRuns: 10 },
    );
  });

  test("is another one, and no error, when any bit of the ciphertext is another one", () => {
    fc.assert(
      fc.property(randomness, fc.nat(8 * MLKEM_CIPHERTEXT_SIZE - 1), (m, bit) => {
        const { ciphertext, sharedSecret } = mlkem768.encapsulate(kem.publicKey, m);
        const rejected = mlkem768.decapsulate(kem.secretKey, flipBit(ciphertext, bit));
        expect(rejected).toHaveLength(32);
        expect(rejected).not.toEqual(sharedSecret);
      }),
      { numRuns: 30 },
    );
  });
});
