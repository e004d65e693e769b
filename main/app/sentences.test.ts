/** Every code that can reach a person has a sentence and a remedy. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

import { explain, isKnownCode } from "../api/errors.ts";
import { en } from "../api/sentences/en.ts";
import { ru } from "../api/sentences/ru.ts";

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

function codesIn(room: string): Set<string> {
  const codes = new Set<string>();
  for (const name of readdirSync(join(ROOT, room), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts") || /\.(test|fixture)\.ts$/.test(name)) continue;
    const source = readFileSync(join(ROOT, room, name), "utf8");
    for (const pattern of [THROWN, NOTED]) for (const [, code = ""] of source.matchAll(pattern)) codes.add(code);
  }
  return codes;
}

describe("the catalogue", () => {
  it.each(ROOMS)("has a sentence and a remedy for every code of %s", (room) => {
    const codes = codesIn(room);
    expect(codes.size).toBeGreaterThan(4);
    expect([...codes].filter((code) => !isKnownCode(code))).toEqual([]);
  });

  it("says what happened and what to do, in sentences", () => {
    for (const [code, { sentence, remedy }] of Object.entries(en)) {
      for (const text of [sentence, remedy])
        expect(text, code).toMatch(/^(\{\{|montana |[A-Z]).+([.)]|\{\{file\}\}|\.json)$/);
    }
  });

  it.each(["main/xray", "main/vpn", "main/mesh", "main/local"])("speaks Russian about every code of %s", (room) => {
    expect([...codesIn(room)].filter((code) => !(code in ru))).toEqual([]);
  });

  it("speaks Russian in sentences that name the same parameters", () => {
    const parametersOf = (text: string): string[] => [...text.matchAll(/\{\{\w+\}\}/g)].map(([name]) => name).sort();
    for (const [code, told] of Object.entries(ru)) {
      const { sentence, remedy } = en[code as keyof typeof en];
      expect(parametersOf(told.sentence + told.remedy), code).toEqual(parametersOf(sentence + remedy));
      for (const text of [told.sentence, told.remedy]) expect(text, code).toMatch(/^(\{\{|IPv6 |[А-ЯЁ]).+([.)])$/);
    }
    expect(explain({ code: "no-network", params: {} }, "ru").sentence).toBe("Этот компьютер не в сети.");
    expect(explain({ code: "task-unknown", params: { id: "7" } }, "ru").sentence).toBe("There is no task 7.");
  });

  it("fills in the parameters, and names a code that it does not know", () => {
    expect(explain({ code: "host-running", params: { pid: 7, directory: "/d" } }).sentence).toBe(
      "Process 7 runs on /d already.",
    );
    expect(explain({ code: "from-the-future", params: { year: 2030 } }).sentence).toBe(
      "The host reports from-the-future (year 2030).",
    );
  });
});
