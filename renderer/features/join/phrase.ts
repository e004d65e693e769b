/**
 * The 24 words in the page: which are asked for, and what a person typed of them. Nothing here keeps any; whoever holds a
 * phrase lets go of it as soon as the host has it.
 */
import { completeWord, WORDLIST } from "../../../main/protocol/identity/wordlist.ts";
import { decodeMnemonic } from "../../../main/protocol/identity/mnemonic.ts";
import type { HashOnly } from "../wallet/hash.ts";

export const PHRASE_WORDS = 24;
const ASKED_WORDS = 3;
const SUGGESTIONS_MAX = 4;

const KNOWN: ReadonlySet<string> = new Set(WORDLIST);

/** Three different places, from 0, ascending. `randomBelow(n)` gives 0 to n − 1. */
export function askedPlaces(randomBelow: (bound: number) => number): readonly number[] {
  const left = Array.from({ length: PHRASE_WORDS }, (_, place) => place);
  const asked = Array.from({ length: ASKED_WORDS }, () => left.splice(randomBelow(left.length), 1)[0]!);
  return asked.toSorted((a, b) => a - b);
}

/** The places whose answer is not the word; spaces around it and capitals do not matter. */
export function wrongPlaces(
  words: readonly string[],
  asked: readonly number[],
  answers: readonly string[],
): readonly number[] {
  return asked.filter((place, i) => (answers[i] ?? "").trim().toLowerCase() !== words[place]);
}

export interface TypedPhrase {
  /** Finished words, lower-case. */
  readonly words: readonly string[];
  /** What the word at the end may become; none where it is finished or no word begins so. */
  readonly suggestions: readonly string[];
  /** Places from 0 of what no word of the list is, or begins with where it is still being typed. */
  readonly unknown: readonly number[];
  readonly state: "typing" | "unknown-word" | "too-many" | "checksum" | "valid";
}

/** Reads what stands in the field so far. The last word counts as finished when white space follows it or it is in the list. */
export function readTyped(crypto: HashOnly, text: string): TypedPhrase {
  const parts = text
    .toLowerCase()
    .split(/\s+/u)
    .filter((part) => part !== "");
  const isOpen = parts.length > 0 && !/\s$/u.test(text);
  const begun = isOpen ? parts.at(-1)! : "";
  const matches = isOpen ? completeWord(begun, SUGGESTIONS_MAX + 1) : [];
  const suggestions = matches.filter((word) => word !== begun).slice(0, SUGGESTIONS_MAX);
  const unknown = parts.flatMap((part, place) => {
    const mayBecome = isOpen && place === parts.length - 1 && matches.length > 0;
    return KNOWN.has(part) || mayBecome ? [] : [place];
  });
  const words = isOpen && !KNOWN.has(begun) ? parts.slice(0, -1) : parts;
  return { words, suggestions, unknown, state: stateOf(crypto, parts, words, unknown) };
}

function stateOf(
  crypto: HashOnly,
  parts: readonly string[],
  words: readonly string[],
  unknown: readonly number[],
): TypedPhrase["state"] {
  if (parts.length > PHRASE_WORDS) return "too-many";
  if (unknown.length > 0) return "unknown-word";
  if (words.length < PHRASE_WORDS) return "typing";
  try {
    decodeMnemonic(crypto, words.join(" ")).fill(0);
    return "valid";
  } catch {
    return "checksum";
  }
}

/** The text with its last word finished as `word`. */
export function withWord(text: string, word: string): string {
  return `${text.replace(/\S+$/u, "")}${word} `;
}

/** Completes the word at the end where its letters leave one: what a space after it means. Gives the text as it was otherwise. */
export function completedBySpace(text: string): string {
  const begun = /(\S+)\s$/u.exec(text)?.[1]?.toLowerCase();
  if (begun === undefined || KNOWN.has(begun)) return text;
  const matches = completeWord(begun, 2);
  return matches.length === 1 ? `${text.slice(0, -1).replace(/\S+$/u, "")}${matches[0]!}${text.slice(-1)}` : text;
}
