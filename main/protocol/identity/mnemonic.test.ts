import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { sized } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { decodeMnemonic, encodeMnemonic, type Entropy } from "./mnemonic.ts";
import { WORDLIST } from "./wordlist.ts";

const { crypto } = loadCrypto();
const anyEntropy = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes): Entropy => sized(bytes, 32));
const phrase = encodeMnemonic(crypto, sized(new Uint8Array(32).fill(7), 32));
const words = phrase.split(" ");

/** White_Space of Unicode as chapter 01 §4.6 lists it. */
const WHITE_SPACE = [
  ...[0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005],
  ...[0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000],
];

function refusal(text: string): object {
  try {
    decodeMnemonic(crypto, text);
  } catch (error) {
    if (error instanceof ProtocolError) return { error: String(error.code), ...error.params };
    throw error;
  }
  throw new Error("the phrase was accepted");
}

describe("a phrase", () => {
  test("has 24 words of the list and gives back its entropy", () => {
    fc.assert(
      fc.property(anyEntropy, (entropy) => {
        const text = encodeMnemonic(crypto, entropy);
        expect(text.split(" ")).toHaveLength(24);
        expect(text.split(" ").every((word) => WORDLIST.includes(word))).toBe(true);
        expect(decodeMnemonic(crypto, text)).toEqual(entropy);
      }),
    );
  });

  test("with one word changed is refused in about 255 of 256 cases, and otherwise means other entropy", () => {
    const entropy = decodeMnemonic(crypto, phrase);
    for (const position of [0, 11, 22]) {
      const accepted = WORDLIST.filter((word) => word !== words[position]).flatMap((word) => {
        try {
          return [decodeMnemonic(crypto, words.with(position, word).join(" "))];
        } catch {
          return [];
        }
      });
      expect(accepted.length).toBeGreaterThan(0);
      expect(accepted.length).toBeLessThan(30);
      expect(accepted).not.toContainEqual(entropy);
    }
  });

  test("is refused by count before words, by words before the checksum", () => {
    expect(refusal("")).toEqual({ error: "word-count", count: 0 });
    expect(refusal([...words, "bogus"].join(" "))).toEqual({ error: "word-count", count: 25 });
    expect(refusal(words.with(5, "bogus").with(9, "bogus").join(" "))).toEqual({ error: "unknown-word", position: 5 });
    expect(refusal(words.with(0, words[0]!.toUpperCase()).join(" "))).toEqual({ error: "unknown-word", position: 0 });
    expect(refusal(new Array(24).fill("zoo").join(" "))).toEqual({ error: "checksum-mismatch" });
  });

  test("longer than 1 KiB is refused before it is split", () => {
    expect(refusal(phrase + " ".repeat(1025 - phrase.length))).toEqual({ error: "phrase-too-long", max: 1024 });
    expect(decodeMnemonic(crypto, phrase + " ".repeat(1024 - phrase.length))).toEqual(decodeMnemonic(crypto, phrase));
  });
});

describe("white space", () => {
  test("between words is every character with the Unicode property, in any amount", () => {
    const entropy = decodeMnemonic(crypto, phrase);
    for (const code of WHITE_SPACE) {
      const space = String.fromCodePoint(code);
      expect(decodeMnemonic(crypto, space + words.join(space + space) + space)).toEqual(entropy);
    }
  });

  test("is nothing else in the basic plane", () => {
    const separators: number[] = [];
    for (let code = 0; code < 0xd800; code++) {
      const text = `abandon${String.fromCodePoint(code)}abandon`;
      if ((refusal(text) as { count: number }).count === 2) separators.push(code);
    }
    expect(separators).toEqual(WHITE_SPACE);
    expect(refusal("abandon\ufeffabandon")).toEqual({ error: "word-count", count: 1 });
  });
});
