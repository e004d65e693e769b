/** 32 bytes of entropy as 24 words and back (chapter 01 §3.4, §4.6). Not BIP-39 beyond the words. */
import type { Bytes } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import { wipe } from "./secrets.ts";
import { WORD_BITS, WORDLIST, wordIndexOf, wordIndicesOf } from "./wordlist.ts";

const ENTROPY_SIZE = 32;
export type Entropy = Bytes<32>;

const MNEMONIC_WORDS = 24;
/** A phrase has at most 215 characters; the rest is room for generous white space. */
const MNEMONIC_TEXT_MAX = 1024;

type MnemonicErrorCode = "phrase-too-long" | "word-count" | "unknown-word" | "checksum-mismatch";

/* The Unicode property of §4.6, which is not what `\s` means: U+0085 separates, U+FEFF does not. */
const WHITE_SPACE = /\p{White_Space}+/u;

/** The phrase, words separated by single spaces. `entropy` is 32 bytes. The text cannot be wiped: keep it briefly. */
export function encodeMnemonic(crypto: Pick<Crypto, "sha256">, entropy: Entropy): string {
  return mnemonicWords(crypto, entropy).join(" ");
}

/** The 24 words of {@link encodeMnemonic}, each the list's own string: no text of the phrase comes into being. */
export function mnemonicWords(crypto: Pick<Crypto, "sha256">, entropy: Entropy): readonly string[] {
  const packed = new Uint8Array(ENTROPY_SIZE + 1);
  packed.set(entropy);
  packed[ENTROPY_SIZE] = mnemonicChecksum(crypto, entropy);
  const words = wordIndicesOf(packed, MNEMONIC_WORDS).map((index) => WORDLIST[index]!);
  wipe(packed);
  return words;
}

/**
 * The 32 bytes of entropy of a phrase. Throws `ProtocolError<MnemonicErrorCode>`: "word-count" with `count`, "unknown-word"
 * with the zero-based `position`. Never corrects a phrase.
 */
export function decodeMnemonic(crypto: Pick<Crypto, "sha256">, text: string): Entropy {
  if (text.length > MNEMONIC_TEXT_MAX)
    throw new ProtocolError<MnemonicErrorCode>("phrase-too-long", { max: MNEMONIC_TEXT_MAX });
  const words = text.split(WHITE_SPACE).filter((word) => word !== "");
  if (words.length !== MNEMONIC_WORDS)
    throw new ProtocolError<MnemonicErrorCode>("word-count", { count: words.length });
  const packed = packIndices(words.map((word, position) => wordIndexOf(word, { position })));
  const entropy = packed.slice(0, ENTROPY_SIZE) as Entropy;
  const checksum = packed[ENTROPY_SIZE];
  wipe(packed);
  if (checksum !== mnemonicChecksum(crypto, entropy)) {
    wipe(entropy);
    throw new ProtocolError<MnemonicErrorCode>("checksum-mismatch");
  }
  return entropy;
}

/** The byte that follows the entropy in a packed phrase: SHA-256(entropy)[0]. */
export function mnemonicChecksum(crypto: Pick<Crypto, "sha256">, entropy: Entropy): number {
  return crypto.sha256(entropy)[0]!;
}

function packIndices(indices: readonly number[]): Uint8Array {
  const packed = new Uint8Array((indices.length * WORD_BITS) >> 3);
  for (const [i, index] of indices.entries()) {
    for (let bit = 0; bit < WORD_BITS; bit++) {
      const position = i * WORD_BITS + bit;
      packed[position >> 3]! |= ((index >> (WORD_BITS - 1 - bit)) & 1) << (7 - (position & 7));
    }
  }
  return packed;
}
