/**
 * Makes `dist/preload/preload.cjs`: `node build/scripts/preload.ts`. A preload script in the sandbox is CommonJS of one file, and
 * Electron strips no types from it.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import ts from "typescript";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export function makePreload(file: string = join(ROOT, "dist", "preload", "preload.cjs")): void {
  const source = readFileSync(join(ROOT, "preload", "preload.ts"), "utf8");
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2024, verbatimModuleSyntax: false },
  });
  mkdirSync(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, outputText);
  renameSync(fresh, file);
}

if (import.meta.main) makePreload();
