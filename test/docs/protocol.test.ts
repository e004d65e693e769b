/**
 * Comments cite the protocol reference ("chapter 03 §6.7", "decision E7", "PW-13"): what they cite is there. Corrections of
 * the chapters and docs/deviations.md name the same marks.
 */
import { globSync, readFileSync } from "node:fs";

import { expect, test } from "vitest";

const FOLDER = "docs/protocol";
const SOURCES = "{main,renderer,preload,build,test,docs}/**/*.{ts,tsx,mjs,rs,md}";
/** Fewer would mean that the search finds nothing any more. */
const CITATIONS_MIN = 300;

const chapters = new Map(
  globSync(`${FOLDER}/0*.md`).map((path) => [/0\d/.exec(path)![0], readFileSync(path, "utf8")] as const),
);
const index = readFileSync(`${FOLDER}/README.md`, "utf8");
const sections = new Map(
  [...chapters].map(([chapter, text]) => [
    chapter,
    new Set([...text.matchAll(/^#{2,4} (\d+(?:\.\d+)*)\.?\s/gm)].map(([, number]) => number!)),
  ]),
);

interface Citation {
  readonly path: string;
  readonly cited: string;
}

/** Comments without their line breaks, since a citation may run over one. */
const sources = globSync(SOURCES, { exclude: (name) => /(^|\/)(node_modules|target)$/.test(name) }).map((path) => ({
  path,
  text: readFileSync(path, "utf8").replace(/\n\s*(?:\*|\/\/[/!]?)?\s*/g, " "),
}));

/** "chapters 06 §3.9 to §4.15 and 07 §4.11" cites three sections of two chapters. */
function* sectionsIn(text: string): Generator<string> {
  for (const [list] of text.matchAll(/\b0[1-8](?:(?:,| and| to)? (?:0[1-8](?= §)|§\d+(?:\.\d+)*))+/g)) {
    let chapter = "";
    for (const [token] of list.matchAll(/§[\d.]*\d|0[1-8]/g)) {
      if (token.startsWith("§")) yield `${chapter} ${token}`;
      else chapter = token;
    }
  }
}

function citations(find: (text: string) => Iterable<string>): Citation[] {
  return sources.flatMap(({ path, text }) => [...find(text)].map((cited) => ({ path, cited })));
}

test("every chapter has its sections in ascending order, none twice", () => {
  expect([...chapters.keys()]).toEqual(["01", "02", "03", "04", "05", "06", "07", "08"]);
  for (const [chapter, numbers] of sections) {
    expect(numbers.size, chapter).toBeGreaterThan(20);
    const keys = [...numbers].map((number) => number.split(".").map(Number));
    expect(
      keys.toSorted(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d),
      chapter,
    ).toEqual(keys);
  }
});

test("every section that the code or a document cites exists", () => {
  const all = citations(sectionsIn);
  expect(all.length).toBeGreaterThan(CITATIONS_MIN);
  const missing = all.filter(({ cited }) => {
    const [chapter = "", section = ""] = cited.split(" §");
    return sections.get(chapter)?.has(section) !== true;
  });
  expect(missing).toEqual([]);
});

test("every decision, open point and entry rule that is cited exists", () => {
  const decisions = new Set([...index.matchAll(/^\| ([EO]\d+) \|/gm)].map(([, name]) => name!));
  const entryRules = new Set(chapters.get("05")!.match(/\bPW-\d+\b/g));
  const named = citations((text) => [
    ...[...text.matchAll(/\b(?:decision|question)s? ([EO]\d+)\b/g)].map(([, name]) => name!),
    ...(text.match(/\bPW-\d+\b/g) ?? []),
  ]);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(({ cited }) => !decisions.has(cited) && !entryRules.has(cited))).toEqual([]);
});

/** Where each mark of a correction stands, as citations. */
function marksInChapters(): Map<string, Set<string>> {
  const places = new Map<string, Set<string>>();
  for (const [chapter, text] of chapters) {
    let section = "";
    for (const line of text.split("\n")) {
      section = /^#{2,4} (\d+(?:\.\d+)*)\.?\s/.exec(line)?.[1] ?? section;
      for (const [, mark = ""] of line.matchAll(/\*\*\[(?:corrected|added) (K\d+)\]\*\*/g)) {
        places.set(mark, (places.get(mark) ?? new Set()).add(`${chapter} §${section}`));
      }
    }
  }
  return places;
}

test("every mark of a correction is explained with its places, and nothing else is", () => {
  const deviations = readFileSync("docs/deviations.md", "utf8");
  const explained = [...deviations.matchAll(/^\| (K\d+)\s*\|([^|]*)\|/gm)].map(
    ([, mark = "", places = ""]) => [mark, new Set(sectionsIn(places))] as const,
  );
  const marked = marksInChapters();
  expect(marked.size).toBeGreaterThan(0);
  expect(new Map(explained)).toEqual(marked);
});
