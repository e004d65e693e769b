/**
 * Packages for servers: the program without its window, with the Node it runs on, as a tarball that lies anywhere and as a .deb.
 * The same tree gives the same bytes: entries are sorted, times are those of the source.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import {
  BUILT_FOLDER,
  licenceTree,
  nativeNames,
  programTree,
  readOwnManifest,
  ROOT,
  type Content,
  type Tree,
} from "./tree.ts";

const UNITS = join(ROOT, "resources", "systemd");
const MANUAL = join(ROOT, "resources", "man", "montana.1");
/** As the units in the repository have it; a .deb's files lie elsewhere. */
const PROGRAM_IN_UNITS = "/usr/local/bin/montana";
/** What runs on and on, and so runs the old version until it is restarted. */
const SERVICES = ["montana-exit.service", "montana-mesh-server.service"];
/** gzip's and dpkg-deb's own. */
const LEVEL = 6;

const ARCHITECTURES: Readonly<Partial<Record<NodeJS.Architecture, string>>> = { x64: "amd64", arm64: "arm64" };

export interface Entry {
  readonly content: Content;
  readonly isProgram?: boolean;
}

/** Below the prefix (`/usr`, or the tarball's folder), by path. */
export type ServerTree = ReadonlyMap<string, Entry>;

/** The program finds itself wherever it lies, also through a link. */
const STARTER = `#!/bin/sh
here=$(dirname -- "$(readlink -f -- "$0")")
exec "$here/../lib/montana/node" "$here/../lib/montana/app/main/app/cli.js" "$@"
`;

/** Where Debian's tools look. */
const COPYRIGHT = `Montana Desktop is licensed under MIT or Apache-2.0, at your choice: LICENSE-MIT, LICENSE-APACHE.

What it holds of others, under which licences, is in THIRD-PARTY.txt; of Node.js in LICENSE.node. Where the source of the
tunnel's engine is, which is under MPL-2.0 and GPL-3.0, is in XRAY-SOURCES.txt. All lie beside this file.
`;

/** Throws what is not built or not there. */
export function serverTree(root: string = ROOT): ServerTree {
  const node = join(root, "node_modules", `node-linux-${process.arch}`);
  if (process.platform !== "linux") throw new Error("Packages for servers are made on Linux");
  if (!existsSync(join(node, "bin", "node"))) throw new Error(`${node} is not installed: run npm ci`);
  const native = nativeNames("linux").map((name) => join(BUILT_FOLDER, name));
  const missing = native.filter((file) => !existsSync(file));
  if (missing.length > 0) {
    throw new Error(
      `${missing.join(", ")} are not built: a package needs Rust (cargo) and the tunnel's engine (npm run xray)`,
    );
  }
  const tree = new Map<string, Entry>();
  const put = (path: string, content: Content, isProgram = false): void => void tree.set(path, { content, isProgram });
  const putAll = (folder: string, from: Tree): void => {
    for (const [path, content] of from) put(`${folder}/${path}`, content);
  };
  put("bin/montana", { text: STARTER }, true);
  put("lib/montana/node", { file: join(node, "bin", "node") }, true);
  putAll("lib/montana/app", programTree("server", root));
  for (const file of native) put(`lib/montana/native/${file.slice(BUILT_FOLDER.length + 1)}`, { file }, true);
  for (const name of readdirSync(UNITS))
    if (name !== "README.md") put(`lib/systemd/system/${name}`, { file: join(UNITS, name) });
  put("share/man/man1/montana.1", { file: MANUAL });
  putAll("share/doc/montana", licenceTree());
  put("share/doc/montana/copyright", { text: COPYRIGHT });
  put("share/doc/montana/LICENSE.node", { file: join(node, "LICENSE") });
  return new Map([...tree].sort(([a], [b]) => (a < b ? -1 : Number(a > b))));
}

/** Makes `folder` hold the tree and nothing else. */
export function writeServerTree(tree: ServerTree, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const folders = new Set([folder]);
  for (const [path, { content, isProgram = false }] of tree) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    for (let above = dirname(file); above !== folder; above = dirname(above)) folders.add(above);
    if ("text" in content) writeFileSync(file, content.text);
    else copyFileSync(content.file, file);
    chmodSync(file, isProgram ? 0o755 : 0o644);
  }
  // Whatever the umask here.
  for (const made of folders) chmodSync(made, 0o755);
}

/** A .deb's: units name the program where that puts it. */
export function inUsr(tree: ServerTree): ServerTree {
  const changed = [...tree].map(([path, entry]): readonly [string, Entry] => {
    if (!path.endsWith(".service") || !("file" in entry.content)) return [path, entry];
    const text = readFileSync(entry.content.file, "utf8");
    if (!text.includes(PROGRAM_IN_UNITS)) throw new Error(`${path} does not start ${PROGRAM_IN_UNITS}`);
    return [path, { ...entry, content: { text: text.replaceAll(PROGRAM_IN_UNITS, "/usr/bin/montana") } }];
  });
  return new Map(changed);
}

export interface PackOptions {
  /** Where the packages go, and their trees meanwhile. */
  readonly folder: string;
  /** Of the compression, 1 to 9; 0 stores. */
  readonly level?: number;
  /** Seconds since 1970: the time of every file. */
  readonly epoch?: number;
}

/** Without name and time in gzip's header. */
const compressor = (level: number): string => (level === 0 ? "cat" : `gzip -n -${level}`);

const baseName = (): string => `montana-${readOwnManifest().version}-linux-${process.arch}`;

/** Gives the tarball's path; all it holds lies in one folder of the same name. */
export function packTarball(tree: ServerTree, { folder, level = LEVEL, epoch = sourceEpoch() }: PackOptions): string {
  const name = baseName();
  writeServerTree(tree, join(folder, name));
  const archive = join(folder, `${name}.tar.gz`);
  run("tar", [
    ...["--sort=name", "--format=gnu", `--mtime=@${epoch}`, "--owner=0", "--group=0", "--numeric-owner"],
    ...[`--use-compress-program=${compressor(level)}`, "-C", folder, "-cf", archive, name],
  ]);
  rmSync(join(folder, name), { recursive: true });
  return archive;
}

/** Gives the .deb's path. */
export function packDeb(tree: ServerTree, { folder, level = LEVEL, epoch = sourceEpoch() }: PackOptions): string {
  const { version, description } = readOwnManifest();
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined) throw new Error(`Debian has no name for ${process.arch}`);
  const staging = join(folder, "deb");
  const usr = join(staging, "usr");
  const files = inUsr(tree);
  writeServerTree(files, usr);
  const control = join(staging, "DEBIAN");
  mkdirSync(control, { mode: 0o755 });
  const write = (file: string, text: string, mode = 0o644): void => {
    writeFileSync(join(control, file), text);
    chmodSync(join(control, file), mode);
  };
  const bytes = [...files.keys()].reduce((sum, path) => sum + statSync(join(usr, path)).size, 0);
  write("control", controlOf({ version, description, architecture, kibibytes: Math.ceil(bytes / 1024) }));
  const units = [...files.keys()]
    .filter((path) => path.startsWith("lib/systemd/"))
    .map((path) => path.split("/").at(-1)!);
  write("postinst", POSTINST, 0o755);
  write("prerm", prermOf(units), 0o755);
  write("postrm", POSTRM, 0o755);
  for (const made of [staging, control]) chmodSync(made, 0o755);
  const compression = level === 0 ? ["-Znone"] : ["-Zgzip", `-z${level}`];
  const archive = join(folder, `montana_${version}_${architecture}.deb`);
  run("dpkg-deb", ["--root-owner-group", ...compression, "--build", staging, archive], {
    SOURCE_DATE_EPOCH: String(epoch),
  });
  rmSync(staging, { recursive: true });
  return archive;
}

interface Control {
  readonly version: string;
  readonly description: string;
  readonly architecture: string;
  readonly kibibytes: number;
}

function controlOf({ version, description, architecture, kibibytes }: Control): string {
  return `Package: montana
Version: ${version}
Architecture: ${architecture}
Maintainer: The Montana Desktop authors <montana@localhost>
Installed-Size: ${kibibytes}
Depends: ${dependencies()}
Recommends: openssh-client
Section: net
Priority: optional
Description: ${description}
 The command montana runs a node, an exit city or an aggregator, and a tunnel
 through other people's cities. It brings its own Node.js and the tunnel's engine.
 .
 Nothing is started and no account is made when it is installed.
`;
}

/** Of the systems' libraries that the binaries name: the newest of each that any of them asks for. */
function dependencies(): string {
  const files = nativeNames("linux").map((name) => join(BUILT_FOLDER, name));
  files.push(join(ROOT, "node_modules", `node-linux-${process.arch}`, "bin", "node"));
  let newest = 0;
  for (const file of files) {
    for (const [, minor] of readFileSync(file, "latin1").matchAll(/GLIBC_2\.(\d+)/g))
      newest = Math.max(newest, Number(minor));
  }
  return `libc6 (>= 2.${newest}), libgcc-s1, libstdc++6`;
}

const POSTINST = `#!/bin/sh
set -e
[ "$1" = configure ] && [ -d /run/systemd/system ] || exit 0
systemctl daemon-reload || true
# After an upgrade, what ran of the old version runs of the new one; nothing else is started.
if [ -n "$2" ]; then systemctl try-restart ${SERVICES.join(" ")} || true; fi
`;

const prermOf = (units: readonly string[]): string => `#!/bin/sh
set -e
# What runs ends before its files go.
[ "$1" = remove ] && [ -d /run/systemd/system ] || exit 0
systemctl disable --now ${units.join(" ")} || true
`;

const POSTRM = `#!/bin/sh
set -e
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload || true
`;

/** The source of the engine, whole, as its modules' licences ask: published beside every package. Gives the archive's path. */
export function packEngineSources({ folder, level = LEVEL, epoch = sourceEpoch() }: PackOptions): string {
  const name = `montana-${readOwnManifest().version}-xray-sources`;
  const staging = join(folder, name);
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  for (const file of ["go.mod", "go.sum"]) copyFileSync(join(ROOT, "build", "xray", file), join(staging, file));
  writeFileSync(
    join(staging, "README"),
    "The source of the program xray in the package of this version. With the Go of XRAY-SOURCES.txt:\n\n" +
      'CGO_ENABLED=0 go build -mod=vendor -trimpath -buildvcs=false -ldflags="-s -w -buildid=" -o xray github.com/xtls/xray-core/main\n',
  );
  run("go", ["mod", "vendor"], { GOFLAGS: "-mod=mod", GOWORK: "off" }, staging);
  const archive = join(folder, `${name}.tar.gz`);
  run("tar", [
    ...[
      "--sort=name",
      "--format=gnu",
      `--mtime=@${epoch}`,
      "--owner=0",
      "--group=0",
      "--numeric-owner",
      "--mode=u+rw,go=rX",
    ],
    ...[`--use-compress-program=${compressor(level)}`, "-C", folder, "-cf", archive, name],
  ]);
  rmSync(staging, { recursive: true });
  return archive;
}

/** SOURCE_DATE_EPOCH where it is set, else the time of the commit; in an archive of the source, of its package.json. */
function sourceEpoch(): number {
  const set = process.env["SOURCE_DATE_EPOCH"];
  if (set !== undefined && /^\d{1,12}$/.test(set)) return Number(set);
  const { status, stdout } = spawnSync("git", ["log", "-1", "--format=%ct"], { cwd: ROOT, encoding: "utf8" });
  return status === 0 ? Number(stdout) : Math.floor(statSync(join(ROOT, "package.json")).mtimeMs / 1000);
}

function run(
  command: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  cwd = ROOT,
): void {
  const { status, stderr, error } = spawnSync(command, words, {
    cwd,
    env: { ...process.env, ...environment },
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (error !== undefined) throw new Error(`${command} could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`${command} failed: ${stderr.trim().slice(0, 1000)}`);
}
