/** Packages of the desktop app, made by electron-builder as electron-builder.yml says, and the check of what they hold. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { extractFile, listPackage, statFile, uncache } from "@electron/asar";

import { writeIcons } from "./icons.ts";
import {
  BUILT_FOLDER,
  differences,
  digestOf,
  digestsBelow,
  digestsOf,
  licenceTree,
  nativeNames,
  programTree,
  ROOT,
  writeTree,
  type Digests,
  type Tree,
} from "./tree.ts";

const CONFIGURATION = "electron-builder.yml";
const ASAR = "app.asar";
/** Bytes: the program's own modules and packages, and one binary of the engine's size beside it. */
export const ASAR_BYTES_MAX = 30_000_000;
export const RESOURCES_BYTES_MAX = 100_000_000;

/** What a package's folder of resources holds, and its asar. */
export interface DesktopTree {
  readonly asar: Tree;
  /** Of the asar's files those that lie beside it. */
  readonly unpacked: ReadonlySet<string>;
  readonly resources: Tree;
}

/** Throws what is not built or not there. */
export function desktopTree(root: string = ROOT): DesktopTree {
  const asar = programTree("desktop", root);
  const native = nativeNames(process.platform).map(
    (name) => [`native/${name}`, { file: join(BUILT_FOLDER, name) }] as const,
  );
  const missing = native.filter(([, { file }]) => !existsSync(file));
  if (missing.length > 0) {
    const names = missing.map(([path]) => path).join(", ");
    throw new Error(`${names} are not built: a package needs Rust (cargo) and the tunnel's engine (npm run xray)`);
  }
  const licences = [...licenceTree()].map(([path, content]) => [`licences/${path}`, content] as const);
  const update = ["app-update.yml", { file: join(ROOT, "build", "packaging", "app-update.yml") }] as const;
  return {
    asar,
    unpacked: new Set([...asar.keys()].filter((path) => path.endsWith(".node"))),
    resources: new Map([...native, ...licences, update]),
  };
}

/** Where electron-builder.yml looks for it, below `folder`. */
export function writeDesktop({ asar, resources }: DesktopTree, folder: string): void {
  writeTree(asar, join(folder, "app"));
  const licences = [...resources].filter(([path]) => path.startsWith("licences/"));
  writeTree(
    new Map(licences.map(([path, content]) => [path.slice("licences/".length), content])),
    join(folder, "licences"),
  );
}

export const writeDesktopIcons = (): void =>
  writeIcons(join(ROOT, "renderer", "ui", "icon.svg"), join(ROOT, "dist", "package", "icons"));

/** Runs electron-builder with its own check of the configuration; gives its exit code. `settings` go before those of the file. */
export function runBuilder(
  words: readonly string[],
  settings: Readonly<Record<string, string>> = {},
  output: "inherit" | "ignore" = "inherit",
): number {
  const builder = createRequire(import.meta.url).resolve("electron-builder/cli.js");
  const set = Object.entries(settings).map(([name, value]) => `--config.${name}=${value}`);
  const all = [builder, ...words, "--config", CONFIGURATION, "--publish", "never", ...set];
  return spawnSync(process.execPath, all, { cwd: ROOT, stdio: ["ignore", output, output] }).status ?? 1;
}

/** Marks a binary whose fuses electron-builder sets: version 1, with the eight fuses of Electron 45 as they are at first. */
const FUSES = Buffer.concat([
  Buffer.from("dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX"),
  Buffer.from([1, 8]),
  Buffer.from("10110011"),
]);

/** Instead of Electron, where its binary cannot be had: a file of its name, with fuses. */
export function writeStandIn(folder: string): void {
  mkdirSync(join(folder, "resources"), { recursive: true });
  const program = join(folder, "electron");
  writeFileSync(program, Buffer.concat([Buffer.from("#!/bin/sh\nexit 1\n# "), FUSES]));
  chmodSync(program, 0o755);
  writeFileSync(join(folder, "LICENSE"), "");
}

/**
 * Everything that is wrong with a packed app, as sentences; empty when `folder`, its folder of resources, holds what was expected
 * and nothing else, within the bounds.
 */
export function checkResources(expected: DesktopTree, folder: string): string[] {
  const archive = join(folder, ASAR);
  if (!existsSync(archive)) return [`the package has no ${ASAR}`];
  const inArchive = readArchive(archive);
  const unpacked = new Map([...inArchive.digests].filter(([path]) => inArchive.unpacked.has(path)));
  const beside = digestsBelow(folder);
  const [own, rest] = [`${ASAR}.unpacked/`, new Map(beside)];
  for (const path of beside.keys()) if (path === ASAR || path.startsWith(own)) rest.delete(path);
  const asarBytes = statSync(archive).size;
  const bytes = [...beside.keys()].reduce((sum, path) => sum + statSync(join(folder, path)).size, 0);
  const bounds = [
    ["app.asar", asarBytes, ASAR_BYTES_MAX],
    ["the package without Electron", bytes, RESOURCES_BYTES_MAX],
  ] as const;
  return [
    ...differences(ASAR, digestsOf(expected.asar), inArchive.digests),
    ...differences(`${ASAR}.unpacked`, pick(digestsOf(expected.asar), expected.unpacked), unpacked),
    ...differences("the folder of resources", digestsOf(expected.resources), rest),
    ...bounds
      .filter(([, size, max]) => size > max)
      .map(([what, size, max]) => `${what} has ${size} bytes, more than ${max}`),
  ];
}

const pick = (digests: Digests, paths: ReadonlySet<string>): Digests =>
  new Map([...digests].filter(([path]) => paths.has(path)));

function readArchive(archive: string): { readonly digests: Digests; readonly unpacked: ReadonlySet<string> } {
  const digests = new Map<string, string>();
  const unpacked = new Set<string>();
  // Its table of contents would be remembered by its path.
  uncache(archive);
  for (const entry of listPackage(archive, { isPack: false })) {
    const path = entry.replaceAll("\\", "/").replace(/^\//, "");
    const stat = statFile(archive, path);
    if ("files" in stat) continue;
    // Of a file beside the archive its bytes are read from there.
    digests.set(path, digestOf(extractFile(archive, path)));
    if ("unpacked" in stat && stat.unpacked) unpacked.add(path);
  }
  return { digests, unpacked };
}

/** Files and bytes by the first part of their path, largest first. */
export function sizesOf(
  tree: Tree,
): readonly { readonly part: string; readonly files: number; readonly bytes: number }[] {
  const sizes = new Map<string, { files: number; bytes: number }>();
  for (const [path, content] of tree) {
    const part = /^(?:dist\/\w+|native\/.*|[^/]+)/.exec(path)![0];
    const size = sizes.get(part) ?? { files: 0, bytes: 0 };
    size.files += 1;
    size.bytes += "text" in content ? Buffer.byteLength(content.text) : statSync(content.file).size;
    sizes.set(part, size);
  }
  return [...sizes].map(([part, size]) => ({ part, ...size })).sort((a, b) => b.bytes - a.bytes);
}

/** electron-builder's own name of what it packs into, below its output. */
export function unpackedResources(output: string): string {
  const arch = process.arch === "x64" ? "" : `-${process.arch}`;
  if (process.platform === "darwin") return join(output, `mac${arch}`, "Montana.app", "Contents", "Resources");
  return join(output, `${process.platform === "win32" ? "win" : "linux"}${arch}-unpacked`, "resources");
}

/** Electron's distribution on this machine; undefined where none is. */
export function findElectron(): string | undefined {
  const folder = process.env["ELECTRON_OVERRIDE_DIST_PATH"] ?? join(ROOT, "node_modules", "electron", "dist");
  const names: Partial<Record<NodeJS.Platform, string>> = { win32: "electron.exe", darwin: "Electron.app" };
  return existsSync(join(folder, names[process.platform] ?? "electron")) ? folder : undefined;
}

/** Packs the app without an installer into `output`, as electron-builder.yml says; gives its folder of resources. Throws a sentence. */
export function packUnpacked(output: string): string {
  rmSync(output, { recursive: true, force: true });
  let electron = findElectron();
  if (electron === undefined) {
    if (process.platform !== "linux")
      throw new Error("Electron's binary is not here: node node_modules/electron/install.js");
    electron = join(output, "electron");
    writeStandIn(electron);
  }
  // What is only looked at needs no signature.
  const settings = { electronDist: electron, "directories.output": output, "mac.identity": "null" };
  const code = runBuilder(["--dir", `--${process.arch}`], settings);
  if (code !== 0) throw new Error(`electron-builder ended with ${code}`);
  return unpackedResources(output);
}
