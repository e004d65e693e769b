// Builds what is written in Rust (the add-on, the guard of the tunnel engine, the whole-device helper) into
// .cache/native/PLATFORM-ARCH/, when its sources changed and cargo is there. Also runs on the old Node that a fresh machine may
// have, so plain JavaScript and nothing newer than Node 18.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const TARGET = join(ROOT, ".cache", "cargo-target");
const OUTPUT = join(ROOT, ".cache", "native", `${process.platform}-${process.arch}`);

const LIBRARY =
  {
    win32: "montana_native.dll",
    darwin: "libmontana_native.dylib",
  }[process.platform] || "libmontana_native.so";
const GUARD = process.platform === "win32" ? "montana-guard.exe" : "montana-guard";
const HELPER = "montana-helper";

/** Crates: their folder, what cargo makes of them, and under which name it lies in OUTPUT. */
const CRATES = [
  { folder: join(ROOT, "main", "native", "crate"), product: LIBRARY, name: "montana_native.node" },
  { folder: join(ROOT, "main", "native", "guard"), product: GUARD, name: GUARD },
  ...(process.platform === "linux"
    ? [{ folder: join(ROOT, "main", "native", "helper"), product: HELPER, name: HELPER }]
    : []),
];

/**
 * Gives "built", "up-to-date", or "skipped" without cargo: the program then runs on its JavaScript back end, and its tunnel
 * without the guard. Throws when a build fails.
 */
export async function buildNative() {
  const stale = CRATES.filter((crate) => !isUpToDate(crate));
  if (stale.length === 0) return "up-to-date";
  if (spawnSync("cargo", ["--version"]).status !== 0) {
    console.log("native: cargo is not installed; the program will use its slower JavaScript cryptography");
    return "skipped";
  }
  console.log("native: building what is written in Rust (about a minute the first time)");
  for (const crate of stale) await build(crate);
  return "built";
}

/** Hash of the sources that the product was built from. */
const stampOf = ({ name }) => join(OUTPUT, `${name.replace(/\..*/, "")}.sources`);

function isUpToDate(crate) {
  const stamp = stampOf(crate);
  if (!existsSync(join(OUTPUT, crate.name)) || !existsSync(stamp)) return false;
  return readFileSync(stamp, "utf8") === hashOfSources(crate.folder);
}

async function build(crate) {
  const { folder, product, name } = crate;
  const sources = hashOfSources(folder);
  const cargo = spawn("cargo", ["build", "--release", "--locked", "--quiet"], {
    cwd: folder,
    env: { ...process.env, CARGO_TARGET_DIR: TARGET },
    stdio: "inherit",
  });
  const [code] = await once(cargo, "close");
  if (code !== 0) throw new Error("native: cargo build failed");
  mkdirSync(OUTPUT, { recursive: true });
  const output = join(OUTPUT, name);
  // A rename, so that a process that has the old file loaded keeps it.
  copyFileSync(join(TARGET, "release", product), `${output}.new`);
  renameSync(`${output}.new`, output);
  writeFileSync(stampOf(crate), sources);
}

function hashOfSources(folder) {
  const hash = createHash("sha256");
  for (const file of filesBelow(folder).sort()) hash.update(`${file}\0`).update(readFileSync(join(folder, file)));
  return hash.digest("hex");
}

function filesBelow(folder, prefix = "") {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = prefix + entry.name;
    return entry.isDirectory() ? filesBelow(join(folder, entry.name), `${path}/`) : [path];
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(`native: ${await buildNative()}`);
}
