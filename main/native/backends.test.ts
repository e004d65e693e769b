/** Both back ends give the same results and the same errors; known answers come from NIST, the RFCs and chapter 01. */
import fc from "fast-check";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ascii, concatBytes, fromHex, toHex } from "../protocol/bytes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { ADDON_PATH, loadFallback, loadNative, type Native } from "./index.ts";

const javascript = loadFallback();
const rust = existsSync(ADDON_PATH) ? loadNative() : undefined;
const backEnds: Native[] = rust ? [rust, javascript] : [javascript];

const hex = (text: string): Uint8Array => fromHex(text.replaceAll(/\s/g, "")) ?? new Uint8Array(0);
const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

/** Runs `compute` on both back ends: what one gives or throws, the other gives or throws. */
function expectAgreement(compute: (crypto: Native) => unknown): void {
  const [first, ...others] = backEnds.map((crypto) => outcome(() => compute(crypto)));
  for (const other of others) expect(other).toEqual(first);
}

function outcome(compute: () => unknown): unknown {
  try {
    return compute();
  } catch (error) {
    if (!(error instanceof ProtocolError)) return error;
    const { code, params } = error as ProtocolError;
    return { code, params };
  }
}

describe.runIf(rust)("both back ends agree on", () => {
  it("hashes of messages of every length around a block", () => {
    for (const messageLength of [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 128, 2074]) {
      const messages = Uint8Array.from({ length: 37 * messageLength }, (_, i) => (i * 31) >> 3);
      expectAgreement((crypto) => {
        const digests = new Uint8Array(37 * 32);
        crypto.sha256Batch(messages, messageLength, digests);
        return [digests, crypto.sha256(messages)];
      });
    }
  });

  it("lone leaves folded between any two levels", () => {
    const items = fc.array(
      fc.record({
        key: bytes(32),
        hash: bytes(32),
        from: fc.integer({ min: 0, max: 256 }),
        to: fc.integer({ min: 0, max: 256 }),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(items, (leaves) => {
        expectAgreement((crypto) => {
          const hashes = concatBytes(...leaves.map((leaf) => leaf.hash));
          const keys = concatBytes(...leaves.map((leaf) => leaf.key));
          const from = Uint16Array.from(leaves, (leaf) => leaf.from);
          const to = Uint16Array.from(leaves, (leaf) => leaf.to);
          crypto.foldLoneLeaves(keys, hashes, from, to);
          return hashes;
        });
      }),
      { numRuns: 25 },
    );
  });

  it("chains and how they compose", () => {
    fc.assert(
      fc.property(bytes(32), fc.nat(300), fc.nat(300), (state, a, b) => {
        expectAgreement((crypto) => crypto.sha256Chain(state, a));
        for (const crypto of backEnds) {
          const run = crypto.chainRun(state);
          run.advance(a);
          run.advance(b);
          expect(run.value).toEqual(crypto.sha256Chain(state, a + b));
          expect(run.done).toBe(a + b);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("ML-DSA-65 keys, signatures and verdicts", () => {
    fc.assert(
      fc.property(
        bytes(32),
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(3308),
        fc.nat(254),
        (seed, message, at, flip) => {
          expectAgreement((crypto) => {
            const { publicKey, secretKey } = crypto.mldsa65.generate(seed);
            const signature = crypto.mldsa65.sign(secretKey, message, seed.subarray(0, at % 33));
            const own = crypto.mldsa65.sign(secretKey, message);
            const damaged = Uint8Array.from(own);
            damaged[at]! ^= flip + 1;
            const verdicts = [own, damaged, signature].map((s) => crypto.mldsa65.verify(publicKey, message, s));
            expect(verdicts).toEqual([true, false, at % 33 === 0]);
            expect(crypto.mldsa65.publicKeyOf(secretKey)).toEqual(publicKey);
            return [publicKey, secretKey, signature, own];
          });
        },
      ),
      { numRuns: 8 },
    );
  });

  it("any damage to an ML-DSA-65 secret key", () => {
    const { publicKey, secretKey } = javascript.mldsa65.generate(new Uint8Array(32));
    fc.assert(
      fc.property(fc.nat(4031), fc.nat(7), (at, bit) => {
        const damaged = Uint8Array.from(secretKey);
        damaged[at]! ^= 1 << bit;
        // K, the second 32 bytes, cannot be checked.
        const isK = at >= 32 && at < 64;
        const expected = isK ? publicKey : { code: "invalid-secret-key", params: {} };
        for (const crypto of backEnds) {
          expect(outcome(() => crypto.mldsa65.publicKeyOf(damaged))).toEqual(expected);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("ML-KEM-768 keys, ciphertexts, rejections and damage", () => {
    fc.assert(
      fc.property(bytes(64), bytes(32), fc.nat(2399), fc.nat(1087), (seed, randomness, keyAt, ciphertextAt) => {
        expectAgreement((crypto) => {
          const { publicKey, secretKey } = crypto.mlkem768.generate(seed);
          const { ciphertext, sharedSecret } = crypto.mlkem768.encapsulate(publicKey, randomness);
          crypto.mlkem768.checkSecretKey(secretKey);
          expect(crypto.mlkem768.decapsulate(secretKey, ciphertext)).toEqual(sharedSecret);
          const otherCiphertext = Uint8Array.from(ciphertext);
          otherCiphertext[ciphertextAt]! ^= 4;
          const otherKey = Uint8Array.from(secretKey);
          otherKey[keyAt]! ^= 4;
          const rejected = crypto.mlkem768.decapsulate(secretKey, otherCiphertext);
          expect(rejected).not.toEqual(sharedSecret);
          return [
            publicKey,
            secretKey,
            ciphertext,
            rejected,
            outcome(() => {
              crypto.mlkem768.checkSecretKey(otherKey);
            }),
            outcome(() => crypto.mlkem768.decapsulate(otherKey, ciphertext)),
          ];
        });
      }),
      { numRuns: 20 },
    );
  });

  it("AEAD, X25519, HMAC, PBKDF2 and Argon2id", () => {
    const text = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(bytes(32), bytes(32), text, text, (key, other, data, plaintext) => {
        expectAgreement((crypto) => [
          crypto.aead.seal(key, other.subarray(0, 12), data, plaintext),
          crypto.x25519.publicKey(key),
          crypto.x25519.sharedSecret(key, other),
          crypto.hmacSha256(data, plaintext),
          crypto.pbkdf2HmacSha256(data, plaintext, 3, data.length),
          crypto.argon2id(data, key, { memoryKib: 16, passes: 1, lanes: 2, length: 40 }),
        ]);
      }),
      { numRuns: 20 },
    );
  });
});

describe.each(backEnds)("the $backEnd back end", (crypto) => {
  const zeros = (length: number): Uint8Array => new Uint8Array(length);

  it("opens what it sealed and nothing else, as RFC 8439 §2.8.2 does", () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i);
    const nonce = hex("070000004041424344454647");
    const data = hex("50515253c0c1c2c3c4c5c6c7");
    const plaintext = ascii(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    );
    const sealed = crypto.aead.seal(key, nonce, data, plaintext);
    expect(toHex(sealed.subarray(0, 16))).toBe("d31a8d34648e60db7b86afbc53ef7ec2");
    expect(toHex(sealed.subarray(-16))).toBe("1ae10b594f09e26a7e902ecbd0600691");
    expect(crypto.aead.open(key, nonce, data, sealed)).toEqual(plaintext);
    for (const at of [0, sealed.length - 1]) {
      const damaged = Uint8Array.from(sealed);
      damaged[at]! ^= 1;
      expect(crypto.aead.open(key, nonce, data, damaged)).toBeUndefined();
    }
    expect(crypto.aead.open(key, nonce, zeros(0), sealed)).toBeUndefined();
    expect(crypto.aead.open(key, nonce, data, sealed.subarray(0, 15))).toBeUndefined();
  });

  it("computes the shared secrets of RFC 7748 §5.2 and refuses points of small order", () => {
    const scalar = hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    const point = hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
    const expected = "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552";
    expect(toHex(crypto.x25519.sharedSecret(scalar, point))).toBe(expected);
    expect(outcome(() => crypto.x25519.sharedSecret(scalar, zeros(32)))).toMatchObject({ code: "low-order-point" });
  });

  it("derives the Argon2id key of the reference implementation", () => {
    // From src/test.c of the reference implementation; the vector of RFC 9106 needs a secret and associated data.
    const parameters = { memoryKib: 65536, passes: 2, lanes: 1, length: 32 };
    const derived = crypto.argon2id(ascii("password"), ascii("somesalt"), parameters);
    expect(toHex(derived)).toBe("09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
    expect(() => crypto.argon2id(zeros(1), zeros(7), parameters)).toThrow(RangeError);
    expect(() => crypto.argon2id(zeros(1), zeros(8), { ...parameters, memoryKib: 7 })).toThrow(RangeError);
  });

  it("verifies batches job by job, at once and beside the event loop", async () => {
    const { publicKey, secretKey } = crypto.mldsa65.generate(zeros(32));
    const jobs = [0, 1, 2, 3, 4].map((i) => {
      const message = new Uint8Array(i * 7).fill(i);
      const signature = crypto.mldsa65.sign(secretKey, message);
      if (i === 3) signature[100]! ^= 1;
      return { publicKey, message, signature };
    });
    const verdicts = [true, true, true, false, true];
    expect(crypto.mldsa65.verifyBatch(jobs)).toEqual(verdicts);
    expect(await crypto.verifyBatchAsync(jobs)).toEqual(verdicts);
    expect(crypto.mldsa65.verifyBatch([])).toEqual([]);
    expect(await crypto.verifyBatchAsync([])).toEqual([]);
  });

  it("lets no more than 64 batches wait", async () => {
    const batches = Array.from({ length: 64 }, () => crypto.verifyBatchAsync([]));
    await expect(crypto.verifyBatchAsync([])).rejects.toMatchObject({ code: "busy", params: { waiting: 64 } });
    await Promise.all(batches);
    expect(await crypto.verifyBatchAsync([])).toEqual([]);
  });

  it("answers every malformed key and signature of the right length with false", () => {
    const { publicKey, secretKey } = crypto.mldsa65.generate(zeros(32));
    const signature = crypto.mldsa65.sign(secretKey, zeros(1));
    for (const fill of [0, 0x7f, 0xff]) {
      expect(crypto.mldsa65.verify(new Uint8Array(1952).fill(fill), zeros(1), signature)).toBe(false);
      expect(crypto.mldsa65.verify(publicKey, zeros(1), new Uint8Array(3309).fill(fill))).toBe(false);
    }
    expect(outcome(() => crypto.mldsa65.sign(new Uint8Array(4032).fill(0xff), zeros(1)))).toMatchObject({
      code: "invalid-secret-key",
    });
  });

  it("refuses wrong lengths with the field's name, and wrong numbers as programming errors", () => {
    const short = zeros(31);
    const signature = zeros(3309);
    const refused: Record<string, () => unknown> = {
      state: () => crypto.sha256Chain(short, 1),
      digests: () => {
        crypto.sha256Batch(zeros(64), 32, zeros(63));
      },
      messages: () => {
        crypto.sha256Batch(zeros(65), 32, zeros(64));
      },
      hashes: () => {
        crypto.foldLoneLeaves(zeros(32), short, new Uint16Array(1), new Uint16Array(1));
      },
      keys: () => {
        crypto.foldLoneLeaves(short, zeros(32), new Uint16Array(1), new Uint16Array(1));
      },
      toLevels: () => {
        crypto.foldLoneLeaves(zeros(32), zeros(32), new Uint16Array(1), new Uint16Array(2));
      },
      seed: () => crypto.mldsa65.generate(short),
      secretKey: () => crypto.mldsa65.sign(zeros(4031), short),
      context: () => crypto.mldsa65.sign(zeros(4032), short, zeros(256)),
      publicKey: () => crypto.mldsa65.verify(zeros(1951), short, signature),
      signature: () => crypto.mldsa65.verifyBatch([{ publicKey: zeros(1952), message: short, signature: short }]),
      randomness: () => crypto.mlkem768.encapsulate(zeros(1184), short),
      ciphertext: () => crypto.mlkem768.decapsulate(zeros(2400), short),
      key: () => crypto.aead.seal(short, zeros(12), short, short),
      nonce: () => crypto.aead.open(zeros(32), zeros(13), short, short),
    };
    for (const [field, call] of Object.entries(refused)) {
      expect(outcome(call)).toMatchObject({ code: "wrong-length", params: { field } });
    }
    expect(() => crypto.sha256Chain(zeros(32), -1)).toThrow(RangeError);
    expect(() => crypto.sha256Chain(zeros(32), 0.5)).toThrow(RangeError);
    expect(() => crypto.pbkdf2HmacSha256(short, short, 0, 32)).toThrow(RangeError);
    const beyondRoot = Uint16Array.of(257);
    expect(() => {
      crypto.foldLoneLeaves(zeros(32), zeros(32), new Uint16Array(1), beyondRoot);
    }).toThrow(RangeError);
  });
});
