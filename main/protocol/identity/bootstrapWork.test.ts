import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { toHex } from "../bytes.ts";
import { U64_MAX } from "../codec/codec.ts";
import { bootstrapTarget, findBootstrapWork, isBootstrapWork } from "./bootstrapWork.ts";

const { crypto } = loadCrypto();
const anyProof = fc.uint8Array({ minLength: 1, maxLength: 60 });

describe("the target", () => {
  test("is 2^256 divided by the difficulty, all ones for 1", () => {
    expect(toHex(bootstrapTarget(1))).toBe("f".repeat(64));
    expect(toHex(bootstrapTarget(2))).toBe(`8${"0".repeat(63)}`);
    expect(toHex(bootstrapTarget(65_536))).toBe(`0001${"0".repeat(60)}`);
    expect(toHex(bootstrapTarget(3))).toBe("5".repeat(64));
  });

  test("does not exist for difficulty 0, at which no work counts", () => {
    expect(() => bootstrapTarget(0)).toThrow("difficulty-zero");
    expect(isBootstrapWork(crypto, new Uint8Array(1), 0n, 0)).toBe(false);
  });
});

describe("searching work", () => {
  test("finds the first valid nonce and no invalid one", () => {
    fc.assert(
      fc.property(anyProof, fc.integer({ min: 1, max: 200 }), (proof, difficulty) => {
        const found = findBootstrapWork(crypto, proof, difficulty, { from: 0n, tries: 5000 })!;
        expect(isBootstrapWork(crypto, proof, found.nonce, difficulty)).toBe(true);
        for (let nonce = 0n; nonce < found.nonce; nonce++) {
          expect(isBootstrapWork(crypto, proof, nonce, difficulty)).toBe(false);
        }
      }),
      { numRuns: 20 },
    );
  });

  test("in portions finds the same as at once, and ends with its last try", () => {
    const proof = new Uint8Array(40).fill(2);
    const { nonce } = findBootstrapWork(crypto, proof, 500, { from: 0n, tries: 10_000 })!;
    expect(nonce).toBeGreaterThan(0n);
    expect(findBootstrapWork(crypto, proof, 500, { from: 0n, tries: Number(nonce) })).toBeUndefined();
    expect(findBootstrapWork(crypto, proof, 500, { from: nonce, tries: 1 })?.nonce).toBe(nonce);
  });

  test("stops where nonces end", () => {
    const hardest = 2 ** 32 - 1;
    expect(findBootstrapWork(crypto, new Uint8Array(1), hardest, { from: U64_MAX, tries: 10 })).toBeUndefined();
  });
});
