/** The notices that go into every package, as text: whose work is in it under which licence, and where the engine's source is. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Part, Work } from "../scripts/licences.ts";

const MODULE = join(dirname(dirname(fileURLToPath(import.meta.url))), "xray");
const RULE = "=".repeat(78);

const PARTS: Readonly<Record<Part, string>> = {
  program: "Libraries of the program",
  page: "Libraries of the page",
  engine: "The tunnel's engine (a program of its own, xray)",
  data: "Data",
};

/** The list, then each text once. */
export function thirdPartyText(works: readonly Work[]): string {
  const unique = [...new Map(works.map((work) => [`${work.name} ${work.version} ${work.part}`, work])).values()];
  const sorted = unique.sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
  const lists = Object.entries(PARTS).map(([part, title]) => {
    const own = sorted.filter((work) => work.part === part);
    return [`${title}:`, "", ...own.map(({ name, version, licence }) => `  ${name} ${version} (${licence})`), ""].join(
      "\n",
    );
  });
  const texts = Map.groupBy(sorted, ({ text }) => text);
  const bodies = [...texts].map(([text, under]) => {
    const names = new Set(under.map(({ name, version }) => `${name} ${version}`));
    return [RULE, ...names, RULE, "", text, ""].join("\n");
  });
  return ["Montana Desktop holds the work of others.\n", ...lists, ...bodies].join("\n");
}

/**
 * Which source the engine was built from, as MPL-2.0 (§3.2) and GPL-3.0 (§6d) ask: the modules by the hashes that pin them, and
 * the archive with all of it that is published beside the packages.
 */
export function engineNote(works: readonly Work[], version: string): string {
  const engine = works.filter(({ part }) => part === "engine");
  const sums = readFileSync(join(MODULE, "go.sum"), "utf8").split("\n");
  const go = engine.find(({ name }) => name === "Go")?.version ?? "";
  const modules = engine
    .filter(({ name }) => name !== "Go")
    .map(({ name, version: of, licence }) => {
      const sum = sums.find((line) => line.startsWith(`${name} ${of} h1:`))?.split(" ")[2];
      if (sum === undefined) throw new Error(`build/xray/go.sum does not pin ${name} ${of}`);
      return `  ${name} ${of} ${sum} (${licence})`;
    });
  return [
    "The program xray in this package is xray-core, unchanged, under the Mozilla Public License 2.0. It holds modules under",
    "the GNU General Public License, version 3 or later. All texts are in THIRD-PARTY.txt.",
    "",
    "Its complete source is published wherever this package is, free of charge, for as long as the package is: the archive",
    `montana-${version}-xray-sources.tar.gz, which holds every module below and the command that builds it.`,
    `It is built by ${go} from these modules, named as the Go module system names them, with the hashes of go.sum:`,
    "",
    ...modules.sort(),
    "",
  ].join("\n");
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
