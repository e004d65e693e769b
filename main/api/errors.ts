/**
 * Errors as they cross boundaries: {code, params}. What a person reads about a code, and what to do next, is in one
 * catalogue for each language.
 */
import { ProtocolError, type ErrorParams } from "../protocol/errors.ts";
import type { Notice } from "./contract.ts";
import { formatCoins, formatDuration, formatNumber } from "./sentences/amount.ts";
import { en } from "./sentences/en.ts";
import { ru } from "./sentences/ru.ts";
import { enWords, ruWords, type Words } from "./sentences/words.ts";

export type ErrorCode = keyof typeof en;

export interface Sentence {
  /**
   * What happened. `{{name}}` stands for a parameter, `{{name|amount}}` for one of nɈ, `{{name|duration}}` for one of seconds,
   * `{{name|word}}` for a code that has a word.
   */
  readonly sentence: string;
  /** What to do next. */
  readonly remedy: string;
  /** The same to somebody who looks at the page, where the remedy is a command. */
  readonly page?: string;
}

/** As one reader is told. */
export type Explanation = Pick<Sentence, "sentence" | "remedy">;

/** Who reads it: somebody at a command line, or one who looks at the page and may have none. */
export type Reader = "terminal" | "page";

/** A language has all of it. */
export type Catalogue = Readonly<Record<ErrorCode, Sentence>>;

export type Language = "en" | "ru";

export const catalogues: Readonly<Record<Language, { readonly sentences: Catalogue; readonly words: Words }>> = {
  en: { sentences: en, words: enWords },
  ru: { sentences: ru, words: ruWords },
};

/** An error of the rooms that have the catalogue; others throw `ProtocolError` with codes of their own. */
export function apiError(code: ErrorCode, params: ErrorParams = {}): ProtocolError<ErrorCode> {
  return new ProtocolError(code, params);
}

/** Parameters that count something, and are read as numbers; ports, processes and codes are not. */
const COUNTED = new Set(
  "window windows height reached tip segments from to done total seconds hoursPerDay missing characters bytes max".split(
    " ",
  ),
);

/** Whole-device mode's helper is not there as it has to be: installing it mends that. */
export const HELPER_LACKS: ReadonlySet<string> = new Set(["helper-missing", "helper-outdated", "helper-not-allowed"]);

export interface ErrorNotice {
  readonly notice: Notice;
  /** Nobody meant this to happen: it belongs into the log with all its detail, and no detail belongs to a person. */
  readonly isDefect: boolean;
}

export function noticeOf(error: unknown): ErrorNotice {
  if (!(error instanceof ProtocolError)) return { notice: { code: "internal", params: {} }, isDefect: true };
  const { code, params } = error as ProtocolError;
  return { notice: toNotice(code, params), isDefect: false };
}

/** As it crosses the wire: large numbers as text. */
export function toNotice(code: string, params: ErrorParams): Notice {
  const told: Notice["params"] = {};
  for (const [name, value] of Object.entries(params)) told[name] = typeof value === "bigint" ? value.toString() : value;
  return { code, params: told };
}

export function isKnownCode(code: string): code is ErrorCode {
  return Object.hasOwn(en, code);
}

/** The sentence and the remedy for what happened. A code without entry, from a later host say, is named as it is. */
export function explain({ code, params }: Notice, language: Language = "en", reader: Reader = "terminal"): Explanation {
  const { sentences, words } = catalogues[language];
  const isKnown = isKnownCode(code);
  const { sentence, remedy, page = remedy } = sentences[isKnown ? code : "unknown-code"];
  const details = Object.entries(params).map(([name, value]) => `${name} ${value}`);
  const values = isKnown ? params : { code, details: details.join(", ") };
  const say = (template: string): string =>
    template.replaceAll(/\{\{(\w+)(?:\|(\w+))?\}\}/g, (_, name: string, kind: string | undefined) => {
      const value = String(values[name] ?? "?");
      if (kind === "duration" && /^-?\d+(\.\d+)?$/.test(value))
        return formatDuration(Math.abs(Number(value)), language);
      if (COUNTED.has(name) && /^\d+(\.\d+)?$/.test(value)) return formatNumber(value, language);
      if (kind === "amount" && /^\d+$/.test(value)) return formatCoins(value, language);
      return kind === "word" && Object.hasOwn(words, value) ? words[value as keyof Words] : value;
    });
  return { sentence: say(sentence), remedy: say(reader === "page" ? page : remedy) };
}
