/** The walk that decides what goes into a package, on a program small enough to see whole. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { afterAll, beforeEach, describe, expect, test } from "vitest";

import { readModules } from "../../build/packaging/modules.ts";

const root = mkdtempSync(join(tmpdir(), "montana-modules-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string | object>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), typeof content === "string" ? content : JSON.stringify(content));
  }
}

const read = () => readModules(root, ["main/start.ts"]);

beforeEach(() => {
  rmSync(root, { recursive: true, force: true });
  write({
    "package.json": { name: "program", type: "module", dependencies: { used: "1.0.0" } },
    "main/start.ts": `import { used } from "used";
import type { Shape } from "./shape.ts";
import { later } from "./later.ts";
export const shape: Shape = { used, later };
`,
    "main/shape.ts": "export interface Shape { readonly used: unknown; readonly later: unknown }\n",
    "main/later.ts": `import { Worker } from "node:worker_threads";
export const later = async () => [await import("./lazy.ts"), new Worker(new URL("./worker.ts", import.meta.url))];
export const page = new URL("page/", import.meta.url);
`,
    "main/lazy.ts": "export const lazy: number = 1;\n",
    "main/worker.ts": "export {};\n",
    "main/left.ts": "export {};\n",
    "main/page/index.html": "<p>",
    "node_modules/used/package.json": {
      name: "used",
      type: "module",
      exports: { import: "./esm.js", require: "./common.cjs" },
      dependencies: { deeper: "1.0.0" },
      peerDependencies: { colours: "*" },
      peerDependenciesMeta: { colours: { optional: true } },
    },
    "node_modules/used/LICENSE": "Do what you like.",
    "node_modules/used/README.md": "# used",
    "node_modules/used/esm.js": 'import "colours"; export * as used from "deeper"; export { more } from "./more.js";',
    "node_modules/used/more.js": "export const more = 1;",
    "node_modules/used/common.cjs": 'module.exports = require("deeper");',
    "node_modules/used/unused.js": "",
    "node_modules/deeper/package.json": { name: "deeper", main: "lib" },
    "node_modules/deeper/lib/index.js": 'module.exports = () => require("./lazy.json");',
    "node_modules/deeper/lib/lazy.json": "{}",
    "node_modules/colours/package.json": { name: "colours" },
    "node_modules/colours/index.js": "",
  });
});

describe("the files of a program", () => {
  test("are what its entry imports, loads later or names, and no types", () => {
    const { own, read: named, absent } = read();
    expect([...own.keys()].sort()).toEqual(["main/later.js", "main/lazy.js", "main/start.js", "main/worker.js"]);
    expect([...named]).toEqual(["main/page/index.html"]);
    expect([...absent]).toEqual([]);
  });

  test("name each other as they are called in a package, and keep every line and column", () => {
    const { own } = read();
    expect(own.get("main/later.js")).toContain('new URL("./worker.js", import.meta.url)');
    expect(own.get("main/later.js")).toContain('import("./lazy.js")');
    expect(own.get("main/lazy.js")).toBe("export const lazy         = 1;\n");
    expect(own.get("main/start.js")?.split("\n")[3]).toBe("export const shape        = { used, later };");
  });

  test("are of packages those that are used, as Node resolves them there, with their licences", () => {
    const names = [...read().packaged].sort().map((path) => path.replace("node_modules/", ""));
    expect(names).toEqual([
      ...["deeper/lib/index.js", "deeper/lib/lazy.json", "deeper/package.json"],
      ...["used/LICENSE", "used/esm.js", "used/more.js", "used/package.json"],
    ]);
  });

  test("cannot be told, and are not packed, where the program computes what it loads", () => {
    write({ "main/lazy.ts": "export const lazy = (name: string) => import(name);\n" });
    expect(read).toThrow("loads what only its run can tell: import(name)");
  });

  test("are not packed where a package is used that its user does not need, or that is not there", () => {
    write({ "main/lazy.ts": 'import "colours";\n' });
    expect(read).toThrow("imports colours, which its package.json does not need");
    write({ "main/lazy.ts": "export {};\n" });
    rmSync(join(root, "node_modules", "deeper"), { recursive: true });
    expect(read).toThrow("imports deeper, which is not there");
  });

  test("are said to be absent where the program names what is not there", () => {
    rmSync(join(root, "main/page"), { recursive: true });
    expect([...read().absent]).toEqual(["main/page/"]);
  });
});
