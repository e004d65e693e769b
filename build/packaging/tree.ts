/** What a package holds, as paths and where each file comes from; writing that down, and comparing it with what was packed. */
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

import { gatherWorks, toLicences } from "../scripts/licences.ts";
import { readModules } from "./modules.ts";
import { engineNote, thirdPartyText } from "./notices.ts";

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Of one file: where it lies, or what is in it. */
export type Content = { readonly file: string } | { readonly text: string | Uint8Array };

/** By path, with `/`. */
export type Tree = ReadonlyMap<string, Content>;

/** What starts in a package of each kind. A server has no window. */
const COMMAND_LINE = "main/app/cli.ts";
export const ENTRIES = { desktop: [COMMAND_LINE, "main/app/shell/main.ts"], server: [COMMAND_LINE] } as const;
export type Kind = keyof typeof ENTRIES;

/** Own files that a package need not have: without this one there are no updates. */
const OPTIONAL = new Set(["resources/updates.json"]);

const PACKAGE_JSON = "package.json";

export interface OwnManifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
}

export const readOwnManifest = (): OwnManifest =>
  JSON.parse(readFileSync(join(ROOT, PACKAGE_JSON), "utf8")) as OwnManifest;

/** The program's modules and what they read, as in a checkout but for their types. Throws as `readModules`, and where the page is not built. */
export function programTree(kind: Kind, root: string = ROOT): Tree {
  const { own, read, packaged, absent } = readModules(root, ENTRIES[kind]);
  const missing = [...absent].filter((path) => !OPTIONAL.has(path));
  if (missing.length > 0) throw new Error(`The program reads what is not there: ${missing.join(", ")}`);
  const tree = new Map<string, Content>();
  for (const [path, text] of own) tree.set(path, { text });
  for (const path of [...read, ...packaged]) {
    const file = join(root, path);
    if (path.endsWith(`/${PACKAGE_JSON}`)) tree.set(path, { text: atRunTime(file) });
    // Read now: another command may build the page anew meanwhile.
    else tree.set(path, path.startsWith("dist/") ? { text: readFileSync(file) } : { file });
  }
  tree.set(PACKAGE_JSON, { text: packageJson(kind) });
  return new Map([...tree].sort(([a], [b]) => compare(a, b)));
}

/** What Node reads of a package, and what says whose it is. Scripts and dependencies are for who installs it. */
const AT_RUN_TIME = ["name", "version", "license", "type", "main", "exports", "imports"];

function atRunTime(file: string): string {
  const manifest = JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, unknown>>;
  const kept = AT_RUN_TIME.filter((key) => key in manifest).map((key) => [key, manifest[key]] as const);
  return `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`;
}

/** Without scripts and dependencies: everything is there. */
function packageJson(kind: Kind): string {
  const { name, version, description, license } = readOwnManifest();
  const desktop = {
    productName: "Montana",
    desktopName: "montana.desktop",
    author: "The Montana Desktop authors",
    main: ENTRIES.desktop[1].replace(/\.ts$/, ".js"),
  };
  const manifest = { name, version, description, license, type: "module", ...(kind === "desktop" ? desktop : {}) };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** The binaries that lie beside the program, by their names in `.cache/native/PLATFORM-ARCH`. */
export function nativeNames(platform: NodeJS.Platform): string[] {
  const suffix = platform === "win32" ? ".exe" : "";
  const names = ["montana_native.node", `xray${suffix}`, `montana-guard${suffix}`];
  return [...names, ...(platform === "linux" ? ["montana-helper"] : [])].sort();
}

/** Where the binaries of this machine are built. */
export const BUILT_FOLDER = join(ROOT, ".cache", "native", `${process.platform}-${process.arch}`);

/** What others' licences ask to go along. Throws where a part could not be listed, or its licence does not fit. */
export function licenceTree(): Tree {
  const { works, missing } = gatherWorks();
  if (missing.length > 0) throw new Error(missing.join("\n"));
  toLicences(works);
  return new Map<string, Content>([
    ["LICENSE-APACHE", { file: join(ROOT, "LICENSE-APACHE") }],
    ["LICENSE-MIT", { file: join(ROOT, "LICENSE-MIT") }],
    ["THIRD-PARTY.txt", { text: thirdPartyText(works) }],
    ["XRAY-SOURCES.txt", { text: engineNote(works, readOwnManifest().version) }],
  ]);
}

/** Makes `folder` hold the tree and nothing else. */
export function writeTree(tree: Tree, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [path, content] of tree) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    if ("text" in content) writeFileSync(file, content.text);
    else copyFileSync(content.file, file);
    // As in the checkout of somebody else, whatever the umask here.
    chmodSync(file, 0o644);
  }
}

/** A hash of what each file holds. */
export type Digests = ReadonlyMap<string, string>;

export const digestOf = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

export const digestsOf = (tree: Tree): Digests =>
  new Map(
    [...tree].map(([path, content]) => [path, digestOf("text" in content ? content.text : readFileSync(content.file))]),
  );

export function digestsBelow(folder: string): Digests {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => !entry.isDirectory());
  const files = entries.map((entry) => join(entry.parentPath, entry.name)).sort(compare);
  return new Map(files.map((file) => [relative(folder, file).split(sep).join("/"), digestOf(readFileSync(file))]));
}

/** One sentence a file that should not be there, is missing, or is another one. */
export function differences(what: string, expected: Digests, packed: Digests): string[] {
  const sentences: string[] = [];
  for (const [path, digest] of expected) {
    if (!packed.has(path)) sentences.push(`${what} misses ${path}`);
    else if (packed.get(path) !== digest) sentences.push(`${what} has another ${path}`);
  }
  for (const path of packed.keys())
    if (!expected.has(path)) sentences.push(`${what} holds ${path}, which nothing uses`);
  return sentences;
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
