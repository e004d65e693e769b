/** The table of rooms in docs/architecture.md tells what `test/architecture/arrows.ts` holds. */
import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { arrows } from "../architecture/arrows.ts";

const namesIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);

test("the rooms and arrows that are described are those that are held", () => {
  const rows = readFileSync("docs/architecture.md", "utf8")
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .filter(([, room = ""]) => room.startsWith("`"));
  const described = rows.map(([, room = "", rooms = "", builtins = "", packages = ""]) => [
    namesIn(room)[0],
    { rooms: namesIn(rooms), builtins: builtins === "yes", packages: packages === "any" ? "any" : namesIn(packages) },
  ]);
  expect(Object.fromEntries(described)).toEqual(arrows);
});
