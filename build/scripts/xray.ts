/**
 * Brings the tunnel engine, xray-core 26.3.27, into .cache/native/PLATFORM-ARCH/: built from its pinned Go module, else taken
 * from its official archive, whose hash is pinned. `node build/scripts/xray.ts [PLATFORM-ARCH…]` brings it for other platforms
 * too, for packaging; with `--optional` a machine that cannot get it is told so in one sentence and goes on.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { unzipSync } from "fflate";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const MODULE = join(ROOT, "build", "xray");
const CACHE = join(ROOT, ".cache");
const COMMAND = "github.com/xtls/xray-core/main";
/** The same bytes wherever it is built. */
const FLAGS = ["-trimpath", "-mod=readonly", "-buildvcs=false", "-ldflags=-s -w -buildid="];
/** Milliseconds. */
const DOWNLOAD_DEADLINE = 600_000;
const FAILURE_REMEMBERED = 6 * 3_600_000;
/** Bytes; the toolchain has 73 MB. */
const DOWNLOAD_MAX = 200_000_000;

export type Platform = keyof typeof SYSTEMS;

const SYSTEMS = {
  "linux-x64": ["linux", "amd64"],
  "linux-arm64": ["linux", "arm64"],
  "darwin-x64": ["darwin", "amd64"],
  "darwin-arm64": ["darwin", "arm64"],
  "win32-x64": ["windows", "amd64"],
  "win32-arm64": ["windows", "arm64"],
} as const;

export interface Pins {
  readonly version: string;
  /** Address with `{asset}`. */
  readonly archive: string;
  readonly assets: Readonly<
    Record<Platform, { readonly asset: string; readonly member: string; readonly sha256: string }>
  >;
  readonly toolchain: {
    readonly version: string;
    /** Below the module proxy, with `{version}` and `{system}`. */
    readonly path: string;
    readonly sha256: Readonly<Partial<Record<Platform, string>>>;
  };
}

export const PINS = JSON.parse(readFileSync(join(MODULE, "pins.json"), "utf8")) as Pins;

export interface Options {
  readonly pins: Pins;
  /** Holds `native/PLATFORM-ARCH/` and `go/`. */
  readonly cache: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: (sentence: string) => void;
}

const defaults: Options = { pins: PINS, cache: CACHE, environment: process.env, log: (text) => console.error(text) };

/**
 * Gives the path of the engine. Throws when it can be had in no way; the message is one sentence with what to do.
 */
export async function provideXray(platform: Platform, options: Partial<Options> = {}): Promise<string> {
  const settings = { ...defaults, ...options };
  const { pins, cache, log } = settings;
  const folder = join(cache, "native", platform);
  const binary = join(folder, platform.startsWith("win32") ? "xray.exe" : "xray");
  const stamp = join(folder, "xray.key");
  const key = keyOf(platform, pins);
  if (existsSync(binary) && readIfThere(stamp) === key) return binary;
  mkdirSync(folder, { recursive: true });
  const reasons: string[] = [];
  for (const [name, way] of ways) {
    try {
      const fresh = await way(platform, `${binary}.new`, settings);
      if (!fresh) continue;
      chmodSync(`${binary}.new`, 0o755);
      // A running engine keeps its file.
      renameSync(`${binary}.new`, binary);
      writeFileSync(stamp, key);
      log(`xray: ${name}`);
      return binary;
    } catch (error) {
      rmSync(`${binary}.new`, { force: true });
      reasons.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(
    `The tunnel needs xray ${pins.version}, which could not be brought (${reasons.join("; ")}): connect to the internet or ` +
      `install Go, then run "npm run xray"; everything else works without it.`,
  );
}

/** Of all that decides about the binary. */
export function keyOf(platform: Platform, pins: Pins): string {
  const hash = createHash("sha256").update(JSON.stringify([platform, FLAGS, pins]));
  for (const file of ["go.mod", "go.sum"]) hash.update(readFileSync(join(MODULE, file)));
  return hash.digest("hex");
}

/** Puts the binary at `output` and gives true, or gives false where this machine has not what it takes. */
type Way = (platform: Platform, output: string, options: Options) => boolean | Promise<boolean>;

const ways: readonly (readonly [name: string, way: Way])[] = [
  ["built with the installed Go", buildWithInstalledGo],
  ["built with the Go toolchain from the module proxy", buildWithToolchain],
  ["taken from the official archive", takeFromArchive],
];

function buildWithInstalledGo(platform: Platform, output: string, options: Options): boolean {
  const { environment, pins } = options;
  if (spawnSync("go", ["version"], { env: environment }).status !== 0) return false;
  // Go brings the pinned toolchain itself; where it cannot, its own may do.
  const isBuilt = build("go", pins.toolchain.version, platform, output, options) === undefined;
  const failure = isBuilt ? undefined : build("go", "local", platform, output, options);
  if (failure !== undefined) throw new Error(failure);
  return true;
}

async function buildWithToolchain(platform: Platform, output: string, options: Options): Promise<boolean> {
  const { pins, cache, environment } = options;
  const here = `${process.platform}-${process.arch}` as Platform;
  const pin = pins.toolchain.sha256[here];
  const proxy = /^https?:\/\/[^,|]+/.exec(environment["GOPROXY"] ?? "")?.[0];
  if (pin === undefined || proxy === undefined) return false;
  const { version } = pins.toolchain;
  const folder = join(cache, "go", version);
  if (!existsSync(join(folder, "bin", "go"))) {
    const path = pins.toolchain.path.replace("{version}", version).replace("{system}", SYSTEMS[here].join("-"));
    unpackToolchain(await download(`${proxy.replace(/\/$/, "")}/${path}`, pin), folder);
  }
  const failure = build(join(folder, "bin", "go"), "local", platform, output, options);
  if (failure !== undefined) throw new Error(failure);
  return true;
}

/** What went wrong, undefined when nothing did. */
function build(go: string, toolchain: string, platform: Platform, output: string, { environment, log }: Options) {
  const [GOOS, GOARCH] = SYSTEMS[platform];
  log(`xray: building the tunnel engine for ${platform} (some minutes the first time)`);
  const { status, stderr, error } = spawnSync(go, ["build", ...FLAGS, "-o", output, COMMAND], {
    cwd: MODULE,
    env: { ...environment, GOOS, GOARCH, CGO_ENABLED: "0", GOTOOLCHAIN: toolchain, GOFLAGS: "", GOWORK: "off" },
    encoding: "utf8",
  });
  if (status === 0) return undefined;
  const said = stderr === "" || error !== undefined ? (error?.message ?? "go build failed") : stderr;
  return said.trim().split("\n").at(-1)!;
}

/** A module's files carry no rights; all lie below one folder of its name. */
function unpackToolchain(zip: Uint8Array, folder: string): void {
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  for (const [name, bytes] of Object.entries(unzipSync(zip))) {
    const inside = name.slice(name.indexOf("@")).split("/").slice(1);
    if (inside.includes("..")) throw new Error("the toolchain's archive names files outside of it");
    const path = join(fresh, ...inside);
    mkdirSync(dirname(path), { recursive: true });
    const isProgram = inside[0] === "bin" || (inside[0] === "pkg" && inside[1] === "tool");
    writeFileSync(path, bytes, { mode: isProgram ? 0o755 : 0o644 });
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
}

async function takeFromArchive(platform: Platform, output: string, { pins, log }: Options): Promise<boolean> {
  const { asset, member, sha256 } = pins.assets[platform];
  log(`xray: fetching the tunnel engine for ${platform}`);
  const zip = await download(pins.archive.replace("{asset}", asset), sha256);
  const bytes = unzipSync(zip, { filter: ({ name }) => name === member })[member];
  if (bytes === undefined) throw new Error(`${asset} holds no ${member}`);
  writeFileSync(output, bytes);
  return true;
}

/** Throws when the file's hash is not the pinned one. */
async function download(address: string, sha256: string): Promise<Uint8Array> {
  const response = await fetch(address, { signal: AbortSignal.timeout(DOWNLOAD_DEADLINE) }).catch((error: unknown) => {
    const { cause } = error as { readonly cause?: { readonly code?: string } };
    throw new Error(`download failed${cause?.code === undefined ? "" : ` (${cause.code})`}`);
  });
  if (!response.ok || response.body === null) throw new Error(`download failed (HTTP ${response.status})`);
  const hash = createHash("sha256");
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > DOWNLOAD_MAX) throw new Error("the download is too large");
    hash.update(chunk);
    chunks.push(chunk);
  }
  if (hash.digest("hex") !== sha256) throw new Error("the download was refused because its hash is not the pinned one");
  return Buffer.concat(chunks);
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function isPlatform(text: string): text is Platform {
  return Object.hasOwn(SYSTEMS, text);
}

/** A machine that could not get it a short while ago is not kept waiting again. */
async function provideIfPossible(platform: Platform): Promise<void> {
  const failed = join(CACHE, "native", platform, "xray.failed");
  const isRecent = existsSync(failed) && Date.now() - statSync(failed).mtimeMs < FAILURE_REMEMBERED;
  const binary = join(dirname(failed), platform.startsWith("win32") ? "xray.exe" : "xray");
  if (isRecent && !existsSync(binary)) return;
  try {
    await provideXray(platform);
    rmSync(failed, { force: true });
  } catch (error) {
    writeFileSync(failed, "");
    console.error(error instanceof Error ? error.message : error);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const named = args.filter((arg) => arg !== "--optional");
  const unknown = named.find((name) => !isPlatform(name));
  const here = `${process.platform}-${process.arch}`;
  const platforms = (named.length === 0 ? [here] : named).filter(isPlatform);
  if (unknown !== undefined || platforms.length === 0) {
    console.error(`xray: no engine for ${unknown ?? here}; there are ${Object.keys(SYSTEMS).join(", ")}`);
    process.exitCode = args.includes("--optional") ? 0 : 1;
  }
  for (const platform of platforms) {
    if (args.includes("--optional")) await provideIfPossible(platform);
    else console.log(await provideXray(platform));
  }
}
