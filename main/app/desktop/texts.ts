/** What the desktop app says outside of its page: one file for a language, beside the sentences of main/api. */
import { en } from "./languages/en.ts";
import { ru } from "./languages/ru.ts";

/** Every language has all of them. */
export type Texts = Readonly<Record<keyof typeof en, string>>;

const languages = { en, ru } satisfies Record<string, Texts>;
export type Language = keyof typeof languages;

/** `chosen` by the person, else the desktop's own (BCP 47), else English. */
export function languageOf(chosen: string | null, ofDesktop: string): Language {
  const short = (tag: string): string => tag.split("-")[0]!.toLowerCase();
  const isKnown = (tag: string): tag is Language => Object.hasOwn(languages, tag);
  return [chosen ?? "", ofDesktop].map(short).find(isKnown) ?? "en";
}

export function say(language: Language, key: keyof Texts, values: Readonly<Record<string, string>> = {}): string {
  return languages[language][key].replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? "");
}
