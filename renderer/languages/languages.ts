/**
 * The page's languages. One is a folder here, with the same keys as English: `index.ts` gives a `Language`, and a folder that
 * is put beside the others is found by itself. What errors say is in main/api/sentences.
 */
import i18next, { type i18n } from "i18next";
import { initReactI18next } from "react-i18next";

import type { english } from "./en/index.ts";

export type Source = typeof english;
/** As `Intl.PluralRules` names them. */
export type PluralForm = "zero" | "one" | "two" | "few" | "many" | "other";

type Counted<Section> = keyof Section extends infer Key ? (Key extends `${infer Base}_other` ? Base : never) : never;
type Uncounted<Section> = Exclude<keyof Section, `${Counted<Section>}_${PluralForm}`>;

/** A section's texts in a language that counts by `Form`: every key of the English one, and each form of what is counted. */
export type Texts<Section, Form extends PluralForm> = Readonly<
  Record<(Uncounted<Section> & string) | `${Counted<Section>}_${Form}`, string>
>;

export interface Language<Form extends PluralForm = PluralForm> {
  /** BCP 47. */
  readonly tag: string;
  /** In itself. */
  readonly name: string;
  readonly texts: { readonly [Name in keyof Source]: Texts<Source[Name], Form> };
}

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "app";
    resources: Source;
  }
}

const found = import.meta.glob<{ readonly language: Language<never> }>("./*/index.ts", { eager: true });

export const languages: readonly Pick<Language, "tag" | "name">[] = Object.values(found)
  .map(({ language }) => language)
  .sort((a, b) => a.tag.localeCompare(b.tag));

const SOURCE_TAG = "en";

/** The language of the page when a person chose `chosen`, or none: the first of the browser's that there is. */
export function languageOf(chosen: string | null): string {
  const wanted = chosen === null ? navigator.languages : [chosen, ...navigator.languages];
  for (const tag of wanted) {
    const short = tag.split("-")[0];
    const known =
      languages.find((language) => language.tag === tag) ?? languages.find((language) => language.tag === short);
    if (known !== undefined) return known.tag;
  }
  return SOURCE_TAG;
}

/** Before anything is drawn; all texts are there already, so nothing waits. */
export function startLanguages(chosen: string | null = null): i18n {
  void i18next.use(initReactI18next).init({
    lng: languageOf(chosen),
    fallbackLng: SOURCE_TAG,
    defaultNS: "app",
    resources: Object.fromEntries(Object.values(found).map(({ language: { tag, texts } }) => [tag, texts])),
    interpolation: { escapeValue: false },
    initAsync: false,
    returnNull: false,
    // A text that is missing is a defect, which tests see by the key in its place.
    saveMissing: false,
  });
  return i18next;
}
