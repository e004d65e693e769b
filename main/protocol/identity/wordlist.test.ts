import { describe, expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { completeWord, encodeWordlist, isWordlistIntact, WORDLIST, wordIndexOf } from "./wordlist.ts";

const { crypto } = loadCrypto();

describe("the word list", () => {
  test("is the one that the protocol binds", () => {
    expect(WORDLIST).toHaveLength(2048);
    expect(encodeWordlist()).toHaveLength(13_116);
    expect(isWordlistIntact(crypto)).toBe(true);
  });

  test("does not pass as intact when its hash comes out otherwise", () => {
    const broken = { ...crypto, sha256: (message: Uint8Array) => crypto.sha256(message.subarray(1)) };
    expect(isWordlistIntact(broken)).toBe(false);
  });

  test("ascends, and four letters tell its words apart", () => {
    expect(WORDLIST.toSorted()).toEqual(WORDLIST);
    expect(new Set(WORDLIST.map((word) => word.slice(0, 4))).size).toBe(2048);
  });

  test("finds every word at its place", () => {
    expect(WORDLIST.map((word) => wordIndexOf(word))).toEqual(WORDLIST.map((_, index) => index));
  });
});

describe("completing a word", () => {
  test("offers the words that begin so, in order, as many as asked for", () => {
    expect(completeWord("aba", 8)).toEqual(["abandon"]);
    expect(completeWord("ab", 3)).toEqual(["abandon", "ability", "able"]);
    expect(completeWord("", 2)).toEqual(["abandon", "ability"]);
    expect(completeWord("zo", 8)).toEqual(["zone", "zoo"]);
    expect(completeWord("xyz", 8)).toEqual([]);
  });
});
