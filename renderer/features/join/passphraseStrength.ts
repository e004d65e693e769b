/**
 * How hard a passphrase is to guess, as an honest hint: it counts what a guesser would have to try, not kinds of characters.
 * Whoever has this computer's files can try a few guesses a second and core, for the key is derived slowly (Argon2id).
 */
import { WORDLIST } from "../../../main/protocol/identity/wordlist.ts";

export type Strength = "too-short" | "weak" | "fair" | "strong";

/** As the keystore demands. */
export const PASSPHRASE_CHARACTERS_MIN = 8;

/** A thousand cores that try two guesses a second each need six days for 2^30 and five centuries for 2^45. */
const FAIR_BITS = 30;
const STRONG_BITS = 45;

const BITS = { listWord: 11, common: 5, run: 5, digit: 3.3, letter: 2.5, other: 4, year: 7 } as const;

/** Of what people choose most, the parts that are neither words of the list nor runs. */
const COMMON = [
  ...["password", "passwort", "пароль", "qwertyuiop", "qwertz", "qwerty", "йцукен", "letmein", "iloveyou", "welcome"],
  ...["dragon", "monkey", "admin", "login", "montana", "bitcoin", "football", "master", "sunshine", "princess"],
] as const;

const LIST_WORDS: ReadonlySet<string> = new Set(WORDLIST);

export function strengthOf(passphrase: string): Strength {
  if (codePointsOf(passphrase).length < PASSPHRASE_CHARACTERS_MIN) return "too-short";
  const bits = guessBits(passphrase);
  if (bits < FAIR_BITS) return "weak";
  return bits < STRONG_BITS ? "fair" : "strong";
}

/** Binary logarithm of the guesses that somebody needs who tries the likely first; about. */
export function guessBits(passphrase: string): number {
  let bits = 0;
  const seen = new Set<string>();
  for (const part of partsOf(passphrase.toLowerCase())) {
    // What stands there twice is guessed once.
    bits += seen.has(part) ? 1 : bitsOf(part);
    seen.add(part);
  }
  return bits;
}

function partsOf(text: string): readonly string[] {
  const common = new RegExp(`(${COMMON.join("|")})`, "u");
  return text.split(common).flatMap((part) => part.match(/\p{L}+|\p{N}+|[^\p{L}\p{N}]+/gu) ?? []);
}

function bitsOf(part: string): number {
  if ((COMMON as readonly string[]).includes(part)) return BITS.common;
  if (LIST_WORDS.has(part)) return BITS.listWord;
  if (part.length >= 3 && isRun(part)) return BITS.run;
  const { length } = codePointsOf(part);
  if (/^\p{N}/u.test(part)) return /^(19|20)\d\d$/.test(part) ? BITS.year : BITS.digit * length;
  if (/^\p{L}/u.test(part)) return BITS.letter * length;
  // A space or a hyphen between words is no secret.
  return /^[ \-_.]+$/.test(part) ? 1 : BITS.other * length;
}

/** `1234`, `dcba`, `aaaa`. */
function isRun(part: string): boolean {
  const [first = 0, ...rest] = codePointsOf(part);
  const step = (rest[0] ?? 0) - first;
  return Math.abs(step) <= 1 && rest.every((code, i) => code === first + step * (i + 1));
}

/** As the keystore counts characters. */
const codePointsOf = (text: string): number[] => Array.from(text, (character) => character.codePointAt(0)!);
