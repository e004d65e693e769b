// Builds the Rust add-on into .cache/native/PLATFORM-ARCH/, when its sources changed and cargo is there. Also runs on the
// old Node that a fresh machine may have, so plain JavaScript and nothing newer than Node 18.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const CRATE = join(ROOT, "main", "native", "crate");
const TARGET = join(ROOT, ".cache", "cargo-target");
const OUTPUT = join(ROOT, ".cache", "native", `${process.platform}-${process.arch}`);
const ADDON = join(OUTPUT, "montana_native.node");
/** Hash of the sources that ADDON was built from. */
const STAMP = join(OUTPUT, "montana_native.sources");

const LIBRARY =
  {
    win32: "montana_native.dll",
    darwin: "libmontana_native.dylib",
  }[process.platform] || "libmontana_native.so";

/**
 * Gives "built", "up-to-date", or "skipped" without cargo: the program then runs on its JavaScript back end.
 * Throws when the build fails.
 */
export function buildNative() {
  const sources = hashOfSources();
  if (existsSync(ADDON) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === sources) return "up-to-date";
  if (spawnSync("cargo", ["--version"]).status !== 0) {
    console.log("native: cargo is not installed; the program will use its slower JavaScript cryptography");
    return "skipped";
  }
  console.log("native: building the add-on (about a minute the first time)");
  const cargo = spawnSync("cargo", ["build", "--release", "--locked", "--quiet"], {
    cwd: CRATE,
    env: { ...process.env, CARGO_TARGET_DIR: TARGET },
    stdio: "inherit",
  });
  if (cargo.status !== 0) throw new Error("native: cargo build failed");
  mkdirSync(OUTPUT, { recursive: true });
  // A rename, so that a process that has the old file loaded keeps it.
  copyFileSync(join(TARGET, "release", LIBRARY), `${ADDON}.new`);
  renameSync(`${ADDON}.new`, ADDON);
  writeFileSync(STAMP, sources);
  return "built";
}

function hashOfSources() {
  const hash = createHash("sha256");
  for (const file of filesBelow(CRATE).sort()) hash.update(`${file}\0`).update(readFileSync(join(CRATE, file)));
  return hash.digest("hex");
}

function filesBelow(folder, prefix = "") {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = prefix + entry.name;
    return entry.isDirectory() ? filesBelow(join(folder, entry.name), `${path}/`) : [path];
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(`native: ${buildNative()}`);
}
