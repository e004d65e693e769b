import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { decodeBase58, encodeBase58 } from "./base58.ts";

const anyCharacter = fc.constantFrom(...Array.from("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"));

describe("Base58", () => {
  test("gives back every bytes, leading zeros included", () => {
    fc.assert(
      fc.property(fc.nat(5), fc.uint8Array({ maxLength: 60 }), (zeros, rest) => {
        const bytes = new Uint8Array(zeros + rest.length);
        bytes.set(rest, zeros);
        expect(decodeBase58(encodeBase58(bytes))).toEqual(bytes);
      }),
    );
  });

  test("writes back every text of its alphabet", () => {
    const text = fc.string({ unit: anyCharacter, maxLength: 128 });
    fc.assert(
      fc.property(text, (characters) => {
        expect(encodeBase58(decodeBase58(characters))).toBe(characters);
      }),
    );
  });

  test.each(["0", "O", "I", "l", " ", "\n", "é", "1 1", "\u{1F600}"])("refuses the character in %j", (text) => {
    expect(() => decodeBase58(text)).toThrow("bad-character");
  });

  test("refuses texts that are too long to be a name", () => {
    expect(decodeBase58("1".repeat(128))).toHaveLength(128);
    expect(() => decodeBase58("1".repeat(129))).toThrow("bad-length");
  });
});
