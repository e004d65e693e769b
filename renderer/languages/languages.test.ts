import { expect, test } from "vitest";

import { english } from "./en/index.ts";

type Texts = Readonly<Record<string, string>>;
/** As a page finds it, whose types know nothing of languages that are yet to come. */
interface Found {
  readonly tag: string;
  readonly texts: Readonly<Record<keyof typeof english, Texts>>;
}

const found = import.meta.glob<{ readonly language: Found }>("./*/index.ts", { eager: true });
const languages = Object.values(found).map(({ language }) => language);
const sections = Object.keys(english) as (keyof typeof english)[];

/** `name_one` and `name_other` are forms of one text. */
const baseOf = (key: string): string => key.replace(/_(zero|one|two|few|many|other)$/, "");
const placeholdersOf = (text: string): readonly string[] =>
  [...new Set(Array.from(text.matchAll(/\{\{\s*(\w+)/g), ([, name]) => name!))].sort();

/** All that any form of a text names: "one window is missing" needs no number. */
function namesOf(texts: Texts): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, readonly string[]>();
  for (const [key, text] of Object.entries(texts)) {
    const base = baseOf(key);
    names.set(base, [...new Set([...(names.get(base) ?? []), ...placeholdersOf(text)])].sort());
  }
  return names;
}

test("English and Russian are there, each under its own tag", () => {
  const tags = languages.map(({ tag }) => tag);
  expect(tags).toEqual(expect.arrayContaining(["en", "ru"]));
  expect(new Set(tags).size).toBe(tags.length);
});

test.each(languages.map((language) => [language.tag, language] as const))(
  "%s says everything that English says, of the same things, and nothing else",
  (_, language) => {
    for (const section of sections) {
      const names = namesOf(language.texts[section]);
      expect(Object.fromEntries(names), section).toEqual(Object.fromEntries(namesOf(english[section])));
    }
  },
);

test.each(languages.map((language) => [language.tag, language] as const))("%s has no empty text", (_, language) => {
  for (const section of sections) {
    for (const [key, text] of Object.entries(language.texts[section])) {
      expect(text.trim(), `${section}:${key}`).not.toBe("");
      expect(text, `${section}:${key}`).not.toMatch(/^\s|\s$/);
    }
  }
});

test.each(languages.map((language) => [language.tag, language] as const))(
  "%s has every form in which it counts",
  (tag, language) => {
    const forms = new Intl.PluralRules(tag).resolvedOptions().pluralCategories;
    for (const section of sections) {
      const keys = new Set(Object.keys(language.texts[section]));
      for (const base of new Set([...keys].filter((key) => baseOf(key) !== key).map(baseOf))) {
        const missing = forms.filter((form) => !keys.has(`${base}_${form}`));
        expect(missing, `${section}:${base}`).toEqual([]);
      }
    }
  },
);
