/** Commands of `montana` that documents write down are there, with the actions and options that are given to them. */
import { globSync, readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { createCommands } from "../../main/app/cli/commands.ts";
import { EXIT_MEANINGS } from "../../main/app/cli/exitCodes.ts";
import { GLOBAL_OPTIONS } from "../../main/app/cli/help.ts";

interface Written {
  readonly path: string;
  readonly name: string;
  readonly words: readonly string[];
}

const commands = new Map(
  createCommands(() => Promise.reject(new Error("nothing is started here"))).map((command) => [command.name, command]),
);
/** Made from the table, not in it. */
const OUTSIDE_TABLE = ["help", "completion"];

const CALL = /(?:^|\s)montana (?:-- )?([a-z][a-z-]*)\b([^#]*)/;

/** What is in code, a call a line; what a backslash or a line of prose breaks is one. */
function* callsIn(path: string): Generator<Written> {
  const text = readFileSync(path, "utf8").replace(/\\\n/g, " ");
  const fences = [...text.matchAll(/^ *```\w*\n(.*?)^ *```$/gms)].flatMap(([, code]) => code!.split("\n"));
  const prose = text.replace(/^ *```.*?^ *```$/gms, "");
  const inline = [...prose.matchAll(/`([^`]+)`/g)].map(([, code]) => code!.replace(/\n/g, " "));
  for (const line of [...fences, ...inline]) {
    const [, name, rest = ""] = CALL.exec(line) ?? [];
    if (name !== undefined) yield { path, name, words: rest.split(/[\s[\]]+/).filter((word) => word !== "") };
  }
}

const calls = globSync(["*.md", "docs/*.md", "main/**/README.md"])
  .sort()
  .flatMap((path) => [...callsIn(path)]);

test("every command that is written down exists", () => {
  expect(calls.length).toBeGreaterThan(100);
  expect(calls.filter(({ name }) => !commands.has(name) && !OUTSIDE_TABLE.includes(name))).toEqual([]);
});

test("every action that is written down is one of its command's", () => {
  const unknown = calls.filter(({ name, words: [first = ""] }) => {
    const choices = commands.get(name)?.arguments[0]?.choices;
    return (
      choices !== undefined && /^[a-z]/.test(first) && !first.split(/\\?\|/).every((word) => choices.includes(word))
    );
  });
  expect(unknown).toEqual([]);
});

test("every option that is written down is one of its command's", () => {
  const unknown = calls.flatMap(({ path, name, words }) =>
    words
      .flatMap((word) => /^--([a-z][a-z-]*)/.exec(word)?.[1] ?? [])
      .filter((option) => !Object.hasOwn({ ...GLOBAL_OPTIONS, ...commands.get(name)?.options }, option))
      .map((option) => ({ path, name, option })),
  );
  expect(unknown).toEqual([]);
});

test("the table of exit codes is complete", () => {
  const told = [...readFileSync("docs/commands.md", "utf8").matchAll(/^\| (\d+)\s*\|/gm)].map(([, code]) =>
    Number(code),
  );
  expect(told).toEqual(EXIT_MEANINGS.map(([code]) => code));
});
