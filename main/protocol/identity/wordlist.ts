/** The 2048 words: numbers of 11 bits as text (chapter 01 §3.4, §3.5). */
import { ascii, toHex } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { ProtocolError, type ErrorParams } from "../errors.ts";
import { WORDS_TEXT } from "./words.ts";

/** In strictly ascending byte order; a word's place is its number. */
export const WORDLIST: readonly string[] = WORDS_TEXT.trim().split(/\s/);
export const WORD_BITS = 11;

const WORDLIST_SHA256 = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda";

const INDEX_BY_WORD: ReadonlyMap<string, number> = new Map(WORDLIST.map((word, index) => [word, index]));

/** 13,116 bytes: each word followed by one byte 0x0A. */
export function encodeWordlist(): Uint8Array {
  return ascii(WORDLIST.map((word) => `${word}\n`).join(""));
}

/** Whether the list is the one that the protocol binds; a program with another list must not start. */
export function isWordlistIntact(crypto: Crypto): boolean {
  return toHex(crypto.sha256(encodeWordlist())) === WORDLIST_SHA256;
}

/** 0..2047, by exact, case-sensitive match. Throws `ProtocolError("unknown-word", params)`. */
export function wordIndexOf(word: string, params: ErrorParams = {}): number {
  const index = INDEX_BY_WORD.get(word);
  if (index === undefined) throw new ProtocolError("unknown-word", params);
  return index;
}

/** The first `limit` words that begin with `prefix`, in order; four letters leave one. */
export function completeWord(prefix: string, limit: number): readonly string[] {
  const matches: string[] = [];
  for (const word of WORDLIST) {
    if (matches.length >= limit) break;
    if (word.startsWith(prefix)) matches.push(word);
  }
  return matches;
}

/** The first `count` numbers of 11 bits in `bits`, most significant bit first. */
export function wordIndicesOf(bits: Uint8Array, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const start = i * WORD_BITS;
    const byte = start >> 3;
    const window = (bits[byte]! << 16) | ((bits[byte + 1] ?? 0) << 8) | (bits[byte + 2] ?? 0);
    return (window >> (24 - WORD_BITS - (start & 7))) & (WORDLIST.length - 1);
  });
}
