import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, describe, expect, test } from "vitest";

import { findForbidden } from "./arrows.ts";
import { readImportGraph } from "./imports.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const planted = mkdtempSync(join(tmpdir(), "montana-arrows-"));
afterAll(() => rmSync(planted, { recursive: true }));

describe("the arrows between the rooms", () => {
  test("point one way only", async () => {
    const { modules, imports } = await readImportGraph(root, ["main", "test/conformance"]);
    expect(modules.filter((path) => path.startsWith("main/protocol/")).length).toBeGreaterThan(50);
    expect(modules.some((path) => path.startsWith("test/conformance/runners/"))).toBe(true);
    expect(imports.length).toBeGreaterThan(modules.length);
    expect(findForbidden(imports)).toEqual([]);
  });

  test("are broken by planted violations, each of which is found", async () => {
    for (const [path, text] of Object.entries({
      "main/protocol/clock.ts": 'import { now } from "node:perf_hooks";\nexport const value = now;\n',
      "main/protocol/noble.ts": 'import { sha256 } from "@noble/hashes/sha2.js";\nexport const value = sha256;\n',
      "main/protocol/upward.ts": 'import { value } from "../native/index.ts";\nexport const other = value;\n',
      "main/native/index.ts": "export const value = 1;\n",
      "main/cellar/index.ts": 'import { value } from "../native/index.ts";\nexport const other = value;\n',
      "test/conformance/runners/own.ts": 'import { value } from "../../bench/trick.ts";\nexport const other = value;\n',
      "test/bench/trick.ts": "export const value = 1;\n",
    })) {
      mkdirSync(join(planted, path, ".."), { recursive: true });
      writeFileSync(join(planted, path), text);
    }
    const { imports } = await readImportGraph(planted, ["main", "test"]);
    expect(findForbidden(imports).sort()).toEqual([
      "main/cellar/index.ts lies in no known room",
      "main/protocol/clock.ts must not import node:perf_hooks",
      "main/protocol/noble.ts must not import @noble/hashes/sha2.js",
      "main/protocol/upward.ts must not import main/native/index.ts",
      "test/conformance/runners/own.ts must not import test/bench/trick.ts",
    ]);
  });
});
