/**
 * `npm run pack:check`, `npm run pack:server` and `npm run dist`; see docs/packaging.md.
 */
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

import {
  checkResources,
  desktopTree,
  packUnpacked,
  runBuilder,
  sizesOf,
  writeDesktop,
  writeDesktopIcons,
} from "./desktop.ts";
import { packDeb, packEngineSources, packTarball, serverTree } from "./server.ts";
import { digestOf, ROOT, type Tree } from "./tree.ts";

const PACKAGE_FOLDER = join(ROOT, "dist", "package", "desktop");
const RELEASE_FOLDER = join(ROOT, "dist", "release");

function check(): number {
  const tree = desktopTree();
  writeDesktop(tree, PACKAGE_FOLDER);
  const resources = packUnpacked(join(ROOT, "dist", "pack-check"));
  printSizes("app.asar", tree.asar);
  printSizes("beside it", tree.resources);
  const wrong = checkResources(tree, resources);
  for (const sentence of wrong) console.error(sentence);
  console.log(
    wrong.length === 0 ? "The package holds what the program uses, and nothing else." : `${wrong.length} differences`,
  );
  return wrong.length === 0 ? 0 : 1;
}

function printSizes(title: string, tree: Tree): void {
  const sizes = sizesOf(tree);
  const total = { part: "in all", files: 0, bytes: 0 };
  for (const { files, bytes } of sizes) {
    total.files += files;
    total.bytes += bytes;
  }
  console.log(`${title}:`);
  for (const { part, files, bytes } of [...sizes, total]) {
    console.log(`  ${part.padEnd(28)} ${String(files).padStart(5)} files ${(bytes / 1e6).toFixed(2).padStart(7)} MB`);
  }
}

/** For this system and processor: the binaries of others are not here. */
function dist(): number {
  const code = check();
  if (code !== 0) return code;
  writeDesktopIcons();
  return runBuilder([`--${process.arch}`]) || sources();
}

function server(): number {
  const tree = serverTree();
  mkdirSync(RELEASE_FOLDER, { recursive: true });
  for (const pack of [packTarball, packDeb]) report(pack(tree, { folder: RELEASE_FOLDER }));
  return sources();
}

function sources(): number {
  mkdirSync(RELEASE_FOLDER, { recursive: true });
  report(packEngineSources({ folder: RELEASE_FOLDER }));
  return 0;
}

function report(file: string): void {
  console.log(
    `${relative(ROOT, file)} ${(statSync(file).size / 1e6).toFixed(1)} MB sha256 ${digestOf(readFileSync(file))}`,
  );
}

const command = process.argv[2] ?? "";
const commands: Readonly<Record<string, () => number>> = { check, server, sources, dist };
try {
  process.exitCode = commands[command]?.() ?? 2;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
