/** The 24 words on their way in and out. */
import { randomInt } from "node:crypto";

import type { Crypto } from "../protocol/crypto.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { decodeMnemonic, mnemonicWords, type Entropy } from "../protocol/identity/mnemonic.ts";
import { keystoreError } from "./errors.ts";

/** A phrase has at most 215 characters of ASCII; white space outside ASCII takes up to three bytes. */
const PHRASE_BYTES_MAX = 3072;
const ASKED_WORDS = 4;

/**
 * The entropy of a phrase as a person types or pastes it: UTF-8, any white space around and between the words (chapter 01
 * §4.6). The caller wipes `phrase`; the text that it becomes for a moment cannot be wiped.
 * Throws `ProtocolError` "phrase-not-text", "phrase-too-long", "word-count", "unknown-word" or "checksum-mismatch".
 */
export function readPhrase(crypto: Crypto, phrase: Uint8Array): Entropy {
  if (phrase.length > PHRASE_BYTES_MAX) throw new ProtocolError("phrase-too-long", { max: PHRASE_BYTES_MAX });
  return decodeMnemonic(crypto, decodeText(phrase));
}

function decodeText(phrase: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(phrase);
  } catch {
    throw keystoreError("phrase-not-text");
  }
}

/** The words on show, and the questions by which a person proves to have written them down. */
export class ShownWords {
  /** References into the public word list: no text of the phrase is made here. */
  #words: readonly string[];
  #asked: readonly number[] = [];

  constructor(crypto: Crypto, entropy: Entropy) {
    this.#words = mnemonicWords(crypto, entropy);
  }

  /** The 24 words; none after {@link hide}. */
  get words(): readonly string[] {
    return this.#words;
  }

  /** Four different places, from 0, ascending, chosen at random: those that {@link findWrong} compares from now on. */
  ask(): readonly number[] {
    const positions = new Set<number>();
    while (positions.size < ASKED_WORDS) positions.add(randomInt(this.#words.length));
    this.#asked = [...positions].toSorted((a, b) => a - b);
    return this.#asked;
  }

  /** The places asked for whose answer, in the same order, is not the word; spaces around it and capitals do not matter. */
  findWrong(answers: readonly string[]): readonly number[] {
    return this.#asked.filter((place, i) => answers[i]?.trim().toLowerCase() !== this.#words[place]);
  }

  /** Whether all that was asked for is answered right. */
  isConfirmedBy(answers: readonly string[]): boolean {
    return this.#asked.length > 0 && this.findWrong(answers).length === 0;
  }

  hide(): void {
    this.#words = [];
    this.#asked = [];
  }
}
