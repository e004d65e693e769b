/** What documents point to is there: relative links with their headings, paths of this repository, commands of npm. */
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

const EVERYWHERE = "{*.md,{build,docs,main,preload,renderer,resources,test}/**/*.md}";
const documents = globSync(EVERYWHERE, { exclude: (name) => /(^|\/)(node_modules|target)$/.test(name) }).map(
  (path) => ({
    path,
    text: readFileSync(path, "utf8"),
  }),
);
/** The chapters speak of the reference's repository. */
const own = documents.filter(({ path }) => !path.startsWith("docs/protocol/"));

/** As GitHub names a heading in a link. */
const slugOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");

const headingsOf = (text: string): readonly string[] =>
  [...text.replace(/^```.*?^```/gms, "").matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => slugOf(heading!));

function isBroken(from: string, link: string): boolean {
  const [target = "", heading] = link.split("#");
  const path = target === "" ? from : join(dirname(from), target);
  if (!existsSync(path)) return true;
  if (heading === undefined) return false;
  return !statSync(path).isFile() || !headingsOf(readFileSync(path, "utf8")).includes(heading);
}

test("relative links lead to files and headings that exist", () => {
  const links = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\((?!https?:|#?\))([^)\s]+)\)/g)].map(([, link]) => ({ path, link: link! })),
  );
  expect(links.length).toBeGreaterThan(20);
  expect(links.filter(({ path, link }) => isBroken(path, link))).toEqual([]);
});

test("paths of this repository that documents name exist", () => {
  const named = own.flatMap(({ path, text }) =>
    [...text.matchAll(/`((?:\.ci|build|docs|main|preload|renderer|resources|test)\/[\w./-]*)`/g)].map(([, name]) => ({
      path,
      name: name!,
    })),
  );
  expect(named.length).toBeGreaterThan(100);
  expect(named.filter(({ path, name }) => !existsSync(name) && !existsSync(join(dirname(path), name)))).toEqual([]);
});

test("commands of npm that documents name exist", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Readonly<Record<string, string>> };
  const named = own.flatMap(({ path, text }) =>
    [...text.matchAll(/npm run (?:-s )?([a-z][\w:-]*)/g)].map(([, script]) => ({ path, script: script! })),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(({ script }) => scripts[script] === undefined)).toEqual([]);
});
