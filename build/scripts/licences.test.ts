import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";

import { readImportGraph } from "../../test/architecture/imports.ts";
import { allows, gatherWorks, recognize, toLicences, type Work } from "./licences.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const work: Work = { name: "left-pad", version: "1.0.0", part: "page", licence: "MIT", text: "Do what you like." };

describe("the list of licences", () => {
  test("holds what the program and the page ship, each under a licence that fits", () => {
    const { works, missing } = gatherWorks();
    const list = toLicences(works);
    const partOf = (name: string): string | undefined => list.works.find((entry) => entry.name === name)?.part;
    for (const name of ["react", "scheduler", "maplibre-gl", "uplot"]) expect(partOf(name), name).toBe("page");
    for (const name of ["electron", "zod", "@noble/hashes"]) expect(partOf(name), name).toBe("program");
    expect(partOf("Natural Earth")).toBe("data");
    const isListed = (what: string): boolean => !missing.some((sentence) => sentence.includes(what));
    if (isListed("Rust")) expect(partOf("libcrux-ml-dsa")).toBe("program");
    if (isListed("tunnel engine")) expect(partOf("github.com/xtls/xray-core")).toBe("engine");
    expect(list.texts[list.works.find(({ name }) => name === "react")!.text!]).toContain(
      "Permission is hereby granted",
    );
  });

  test("has the whole wording of every licence, also of works that ship none or only its short form", () => {
    const { works } = gatherWorks();
    expect(works.filter(({ text }) => text === "").map(({ name }) => name)).toEqual([]);
    const short = works.filter(({ licence, text }) => licence === "GPL-3.0" && !text.includes("END OF TERMS"));
    expect(short.map(({ name }) => name)).toEqual([]);
    const agent = works.find(({ name, version }) => name === "agent-base" && version === "6.0.2");
    expect(agent?.text).toMatch(/^MIT License\s+Copyright \(c\) Nathan Rajlich/);
  });

  test("holds every package that the page imports", async () => {
    const { imports } = await readImportGraph(root, ["renderer"]);
    const names = new Set(gatherWorks().works.map(({ name }) => name));
    const packages = imports
      .filter(({ from }) => from.startsWith("renderer/"))
      .flatMap(({ to }) => /^(@[^/]+\/)?[a-z][^/]*/.exec(to)?.[0] ?? []);
    // Not rooms of this checkout, types without a package, or what the build makes up.
    const imported = [...new Set(packages)].filter((name) => existsSync(join(root, "node_modules", name)));
    expect(imported).toContain("react");
    expect(imported.filter((name) => !names.has(name))).toEqual([]);
  });

  test("says the same text once, and nothing of a work that has none", () => {
    const list = toLicences([work, { ...work, name: "right-pad" }, { ...work, name: "bare", text: "" }, work]);
    expect(list.texts).toEqual([work.text]);
    expect(list.works.map(({ name, text }) => [name, text])).toEqual([
      ["bare", null],
      ["left-pad", 0],
      ["right-pad", 0],
    ]);
  });

  test("is refused with the names of all works whose licence is unknown or does not fit", () => {
    const works = [work, { ...work, name: "a", licence: "" }, { ...work, name: "b", licence: "GPL-3.0" }];
    expect(() => toLicences(works)).toThrow("a 1.0.0 (none), b 1.0.0 (GPL-3.0)");
    expect(toLicences([{ ...work, part: "engine", licence: "GPL-3.0" }]).works).toHaveLength(1);
  });

  test.each([
    ["MIT", true],
    ["MIT OR Apache-2.0", true],
    ["MIT/Apache-2.0", true],
    ["(BSD-3-Clause OR GPL-2.0)", true],
    ["(MIT OR Apache-2.0) AND Unicode-3.0", true],
    ["(MIT OR Apache-2.0) AND GPL-3.0", false],
    ["GPL-2.0 OR GPL-3.0", false],
    ["Apache-2.0 WITH LLVM-exception", false],
    ["SEE LICENSE IN LICENSE.md", false],
    ["(MIT", false],
    ["", false],
  ])("reads the expression %s", (expression, expected) => {
    expect(allows(expression, new Set(["MIT", "Apache-2.0", "BSD-3-Clause", "Unicode-3.0"]))).toBe(expected);
  });

  test("knows a licence by its wording, and no other text", () => {
    expect(recognize("Apache License\n   Version 2.0, January 2004")).toBe("Apache-2.0");
    expect(recognize("GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007")).toBe("GPL-3.0");
    expect(recognize("All rights reserved.")).toBe("");
  });
});
