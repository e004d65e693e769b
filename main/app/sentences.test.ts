/** Every code that can reach a person has a sentence and a remedy, in every language. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

import { catalogues, explain, type Language } from "../api/errors.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Rooms whose errors the router and the command line hand on. */
const ROOMS = [
  "main/api",
  "main/app",
  "main/keystore",
  "main/node",
  "main/wallet",
  "main/xray",
  "main/vpn",
  "main/mesh",
  "main/local",
];
const THROWN = /(?:[a-z]+Error|ProtocolError(?:<[^>]*>)?)\(\s*"([a-z][a-z0-9-]*)"/g;
const NOTED = /code: "([a-z][a-z0-9]*(?:-[a-z0-9]+)+)"/g;
/** Of a running node. */
const TOLD = /\b(?:tell|post)\((?:"[a-z-]+", )?"([a-z][a-z0-9]*(?:-[a-z0-9]+)+)"/g;
const LANGUAGES = Object.keys(catalogues) as Language[];
/** How sentences begin and end: with a capital of the language's own letters, a name of this program or a value. */
const SENTENCES: Readonly<Record<Language, RegExp>> = {
  en: /^(\{\{|montana |[A-Z]).+([.)]|\{\{file\}\}|\.json)$/,
  ru: /^(\{\{|IPv6 |TimeChain |[А-ЯЁ]).+([.)]|\{\{file\}\}|\.json)$/,
};

const NAMES_A_COMMAND = /\bmontana [a-z]+|--[a-z]/;
/** What only a command line meets, operators and those who start a host; and what no page may do: a page's own opening. */
const WITHOUT_PAGE =
  /^(?:(?:host|page|browser|command|mesh|local|exit|profile|admission|asn-map)-.*|usage|words-needed|not-confirmed|passphrase-needed|other-network|directory-unusable|port-in-use|nothing-stored|networks-stored|rate-not-privileged|city-ambiguous|decoy-unfit|bad-request|not-allowed|version-unsupported|engine-not-started)$/;

function codesIn(room: string): Set<string> {
  const codes = new Set<string>();
  for (const name of readdirSync(join(ROOT, room), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts") || /\.(test|fixture)\.ts$/.test(name)) continue;
    const source = readFileSync(join(ROOT, room, name), "utf8");
    for (const pattern of [THROWN, NOTED, TOLD]) for (const [, code = ""] of source.matchAll(pattern)) codes.add(code);
  }
  return codes;
}

describe.each(LANGUAGES)("the catalogue, %s", (language) => {
  const { sentences, words } = catalogues[language];

  it.each(ROOMS)("has a sentence and a remedy for every code of %s", (room) => {
    const codes = codesIn(room);
    expect(codes.size).toBeGreaterThan(4);
    expect([...codes].filter((code) => !Object.hasOwn(sentences, code))).toEqual([]);
  });

  it("says what happened and what to do, in sentences", () => {
    for (const [code, { sentence, remedy }] of Object.entries(sentences)) {
      for (const text of [sentence, remedy]) expect(text, code).toMatch(SENTENCES[language]);
    }
  });

  it("sends nobody who looks at the page to a command line", () => {
    for (const [code, { sentence, remedy, page }] of Object.entries(sentences)) {
      if (page === undefined) {
        if (!WITHOUT_PAGE.test(code)) expect(sentence + remedy, code).not.toMatch(NAMES_A_COMMAND);
        continue;
      }
      expect(remedy, code).toMatch(NAMES_A_COMMAND);
      expect(sentence + page, code).not.toMatch(NAMES_A_COMMAND);
      expect(page, code).toMatch(SENTENCES[language]);
    }
  });

  it("has the same codes, parameters and words as the first one", () => {
    const { sentences: first, words: firstWords } = catalogues.en;
    const parametersOf = (text: string): string[] => [...text.matchAll(/\{\{[\w|]+\}\}/g)].map(([name]) => name).sort();
    expect(Object.keys(sentences).sort()).toEqual(Object.keys(first).sort());
    expect(Object.keys(words).sort()).toEqual(Object.keys(firstWords).sort());
    for (const [code, { sentence, remedy }] of Object.entries(first)) {
      const told = sentences[code as keyof typeof first];
      expect(new Set(parametersOf(told.sentence + told.remedy)), code).toEqual(
        new Set(parametersOf(sentence + remedy)),
      );
    }
  });

  it("shows people no unit of programs and no account as it is stored", () => {
    for (const [code, { sentence, remedy }] of Object.entries(sentences)) {
      expect(sentence + remedy, code).not.toMatch(/nɈ|\{\{(account|nodeId|opHash|hash)\}\}/);
    }
  });

  it("has a word for every reason that a node gives for its chain, its registration and its silence", () => {
    const source = ["lifecycle/state.ts", "lifecycle/stateFile.ts", "runtime/quiet.ts"].map((name) =>
      readFileSync(join(ROOT, "main/node", name), "utf8"),
    );
    const listed = source.flatMap((text) => [
      ...text.matchAll(/(?:type (?:RestartCause|QuietReason) =|const HINDRANCES = \[)([^;\]]+)/g),
    ]);
    expect(listed).toHaveLength(3);
    const codes = listed.flatMap(([, list = ""]) => [...list.matchAll(/"([a-z-]+)"/g)].map(([, code]) => code!));
    expect(codes.length).toBeGreaterThan(15);
    expect(codes.filter((code) => !Object.hasOwn(words, code))).toEqual([]);
  });
});

describe("a notice", () => {
  it("says a span of time in its largest units, and to who looks at the page what can be done there", () => {
    const slept = { code: "computer-slept", params: { seconds: 5400 } };
    expect(explain(slept)).toEqual({
      sentence: "The computer slept for 1 hour 30 minutes.",
      remedy: "A candidate chain stands still in that time; montana join --keep-awake prevents it.",
    });
    expect(explain(slept, "ru").sentence).toBe("Компьютер спал: 1 час 30 минут.");
    expect(explain(slept, "en", "page").remedy).toBe(
      "A candidate chain stands still in that time; under Join the computer can be kept awake.",
    );
    expect(explain({ code: "clock-set", params: { seconds: -60 } }).sentence).toContain("by 1 minute.");
  });

  it("fills in the parameters, and names a code that it does not know", () => {
    expect(explain({ code: "host-running", params: { pid: 7, directory: "/d" } }).sentence).toBe(
      "Process 7 runs on /d already.",
    );
    expect(explain({ code: "from-the-future", params: { year: 2030 } }).sentence).toBe(
      "The host reports from-the-future (year 2030).",
    );
  });

  it("shows an amount in Ɉ and a code as its word, in the reader's language", () => {
    const admitted = { code: "admitted", params: { window: 7, bonus: "13000000001", account: "ab".repeat(32) } };
    expect(explain(admitted).sentence).toBe(
      "The node was admitted in window 7; the whole emission of it, 13.000000001\u00a0Ɉ, went to its account.",
    );
    expect(explain(admitted, "ru").sentence).toContain("13,000000001\u00a0Ɉ");
    const lost = { code: "place-lost", params: { cause: "evicted" } };
    expect(explain(lost).sentence).toBe("The node has lost its place: it was absent for too long.");
    expect(explain(lost, "ru").sentence).toBe("Узел потерял своё место: он слишком долго отсутствовал.");
    expect(explain({ code: "place-lost", params: { cause: "of-the-future" } }).sentence).toContain("of-the-future");
  });
});
