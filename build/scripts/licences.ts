/**
 * Makes the list of everything that others wrote and this program ships, `.cache/page/licences.json`:
 * `node build/scripts/licences.ts`. A part under a licence that nobody has judged yet fails it. Texts come from what lies on
 * this disk, so without Cargo or Go a part of the list is left out, which is said; `--complete`, for packaging, fails instead.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const LICENCES_FILE = join(ROOT, ".cache", "page", "licences.json");

/** What Vite puts into the page; npm counts it as needed for building alone. */
const PAGE_PACKAGES = [
  "i18next",
  "maplibre-gl",
  "react",
  "react-aria-components",
  "react-dom",
  "react-i18next",
  "uplot",
  "zustand",
];
const CRATES = ["crate", "guard", "helper"];

/** SPDX identifiers under which a part may become part of this program. */
const PERMISSIVE = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC-BY-4.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "Python-2.0",
  "Unicode-3.0",
  "Unlicense",
  "LicenseRef-public-domain",
]);
/** The engine is a program of its own, which this one starts. */
const ENGINE = new Set([...PERMISSIVE, "GPL-3.0", "LGPL-3.0 WITH LGPL-3.0-linking-exception", "MPL-2.0"]);

const PARTS = { page: PERMISSIVE, program: PERMISSIVE, engine: ENGINE, data: PERMISSIVE };
export type Part = keyof typeof PARTS;

export interface Work {
  readonly name: string;
  readonly version: string;
  readonly part: Part;
  /** SPDX expression. */
  readonly licence: string;
  /** As its authors ship it; where they ship none, the wording of that licence with their names. */
  readonly text: string;
}

/** A work as it lies on this disk. */
interface Found extends Omit<Work, "text"> {
  /** Empty where its authors ship none. */
  readonly text: string;
  readonly authors: string;
}

/** As the page gets it: the same text is said once. */
export interface Licences {
  readonly works: readonly (Omit<Work, "text"> & { /** Place in `texts`. */ readonly text: number | null })[];
  readonly texts: readonly string[];
}

export interface Gathered {
  readonly works: readonly Work[];
  /** Sentences about what could not be listed here. */
  readonly missing: readonly string[];
}

/**
 * Writes the list whole or not at all; gives what could not be listed. Throws where a licence is unknown or not allowed.
 */
export function makeLicences(file: string = LICENCES_FILE): readonly string[] {
  const { works, missing } = gatherWorks();
  const list = JSON.stringify(toLicences(works));
  mkdirSync(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, list);
  renameSync(fresh, file);
  return missing;
}

/** Throws an error that names every work whose licence is unknown or does not allow its part. */
export function toLicences(works: readonly Work[]): Licences {
  const refused = works.filter(({ licence, part }) => !allows(licence, PARTS[part]));
  if (refused.length > 0) {
    const names = refused.map(({ name, version, licence }) => `${name} ${version} (${licence || "none"})`);
    throw new Error(
      `The licences of these are unknown or do not fit, see build/scripts/licences.ts: ${names.join(", ")}`,
    );
  }
  const unique = new Map(works.map((work) => [`${work.name} ${work.version} ${work.part}`, work]));
  const sorted = [...unique.values()].sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
  const texts = [...new Set(sorted.map(({ text }) => text).filter((text) => text !== ""))];
  return {
    works: sorted.map((work) => ({ ...work, text: work.text === "" ? null : texts.indexOf(work.text) })),
    texts,
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

export function gatherWorks(): Gathered {
  const missing: string[] = [];
  const found = [...gatherPackages(), ...gatherCrates(missing), ...gatherEngine(missing)];
  return { works: [...found.map(complete), ...DATA], missing };
}

/** Every licence wants its wording to go along. */
function complete({ authors, ...work }: Found): Work {
  const { licence, text } = work;
  // A file header's short form points to the whole.
  if (licence === "GPL-3.0" && !text.includes("TERMS AND CONDITIONS")) return { ...work, text: `${text}\n\n${GPL}` };
  if (text !== "") return work;
  if (licence === "MIT") return { ...work, text: mitText(authors === "" ? `the authors of ${work.name}` : authors) };
  return licence === "Apache-2.0" ? { ...work, text: APACHE } : work;
}

const readLicence = (...path: string[]): string => readFileSync(join(ROOT, ...path), "utf8").trim();
const GPL = readLicence("build", "packaging", "licences", "GPL-3.0.txt");
const APACHE = readLicence("LICENSE-APACHE");

/** The own file, which has the wording of everybody's, with another holder of the copyright. */
const mitText = (holder: string): string =>
  readLicence("LICENSE-MIT").replace(/^Copyright .*$/m, () => `Copyright (c) ${holder}`);

/** Whether an SPDX expression, or Cargo's older `A/B`, can be met with the `allowed` identifiers. */
export function allows(expression: string, allowed: ReadonlySet<string>): boolean {
  const tokens = expression.replaceAll("/", " OR ").match(/[()]|[^\s()]+( WITH [^\s()]+)?/g) ?? [];
  let at = 0;
  const take = (token: string): boolean => tokens[at] === token && ++at > 0;
  const any = (): boolean => {
    let result = all();
    while (take("OR")) result = all() || result;
    return result;
  };
  const all = (): boolean => {
    let result = one();
    while (take("AND")) result = one() && result;
    return result;
  };
  const one = (): boolean => {
    if (!take("(")) return allowed.has(tokens[at++] ?? "");
    const result = any();
    return take(")") && result;
  };
  return any() && at === tokens.length;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly author?: string | { readonly name?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

/** Everything that the program's and the page's packages need, as installed. */
function gatherPackages(): Found[] {
  const { dependencies = {} } = readManifest(ROOT);
  const found = new Map<string, Part>();
  const follow = (name: string, from: string, part: Part, isOptional = false): void => {
    const folder = findPackage(name, from);
    // Made for another system than this one.
    if (folder === undefined && isOptional) return;
    if (folder === undefined) throw new Error(`${name} is not installed: run npm ci`);
    if (found.has(folder)) return;
    found.set(folder, part);
    const { dependencies: needed = {}, optionalDependencies = {}, ...manifest } = readManifest(folder);
    const { peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
    const peers = Object.keys(peerDependencies).filter((peer) => peerDependenciesMeta[peer]?.optional !== true);
    for (const next of [...Object.keys(needed), ...peers]) follow(next, folder, part, next in optionalDependencies);
    for (const next of Object.keys(optionalDependencies)) follow(next, folder, part, true);
  };
  for (const name of PAGE_PACKAGES) follow(name, ROOT, "page");
  for (const name of [...Object.keys(dependencies), "electron"]) follow(name, ROOT, "program");
  return [...found]
    .map(([folder, part]) => {
      const { name, version, license: licence = "", author = "" } = readManifest(folder);
      const authors = typeof author === "string" ? author : (author.name ?? "");
      return { name, version, part, licence, text: readText(folder), authors };
    })
    .filter(({ name }) => !name.startsWith("@types/"));
}

/** Where Node would find it. */
function findPackage(name: string, from: string): string | undefined {
  for (let folder = from; folder.startsWith(ROOT); folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
  }
  return undefined;
}

/** All files of licences and notices in a folder, one after the other. */
function readText(folder: string): string {
  if (!existsSync(folder)) return "";
  const files = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && /^(licen[cs]e|copying|notice|unlicense)/i.test(entry.name),
  );
  const texts = files.map(({ name }) => readFileSync(join(folder, name), "utf8").trim());
  return texts.sort(compare).join("\n\n");
}

interface CargoMetadata {
  readonly packages: readonly {
    readonly name: string;
    readonly version: string;
    readonly license: string | null;
    readonly authors: readonly string[];
    readonly manifest_path: string;
    /** Null for what lies in this checkout. */
    readonly source: string | null;
  }[];
}

/** What the add-on and the small programs beside it are built from. */
function gatherCrates(missing: string[]): Found[] {
  const rust = output("rustc", ["-vV"]) ?? "";
  const host = /^host: (.*)$/m.exec(rust)?.[1];
  const version = /^release: (.*)$/m.exec(rust)?.[1];
  const library = {
    name: "Rust standard library",
    part: "program",
    licence: "MIT OR Apache-2.0",
    text: APACHE,
  } as const;
  const crates = CRATES.flatMap((crate) => {
    const manifest = join(ROOT, "main", "native", crate, "Cargo.toml");
    const asked = ["metadata", "--format-version", "1", "--locked", "--offline", "--manifest-path", manifest];
    const text = host === undefined ? undefined : output("cargo", [...asked, "--filter-platform", host]);
    if (text === undefined)
      missing.push(`The Rust libraries of main/native/${crate} are not listed: Cargo has none here.`);
    const { packages } = text === undefined ? { packages: [] } : (JSON.parse(text) as CargoMetadata);
    return packages
      .filter(({ source }) => source !== null)
      .map(({ name, version, license: licence, authors, manifest_path: path }) => {
        const work = { name, version, part: "program" as const, licence: licence ?? "", text: readText(dirname(path)) };
        return { ...work, authors: authors.join(", ") };
      });
  });
  return version === undefined ? crates : [...crates, { ...library, version, authors: "" }];
}

/** The modules that are in the tunnel engine, which says itself what it was built from. */
function gatherEngine(missing: string[]): Found[] {
  const name = process.platform === "win32" ? "xray.exe" : "xray";
  const binary = join(ROOT, ".cache", "native", `${process.platform}-${process.arch}`, name);
  const [modules, library] = [
    ["version", "-m", binary],
    ["env", "GOMODCACHE"],
  ].map((args) => output("go", args)?.trim());
  const goRoot = output("go", ["env", "GOROOT"])?.trim();
  if (modules === undefined || library === undefined || goRoot === undefined) {
    missing.push("The Go libraries of the tunnel engine are not listed: it or Go is missing here.");
    return [];
  }
  const go = { name: "Go", version: /go[\d.]+$/m.exec(modules)?.[0] ?? "", part: "engine" as const };
  const works: Found[] = [{ ...go, ...readGoLicence(goRoot) }];
  for (const [, module, version] of modules.matchAll(/^\t(?:mod|dep)\t(\S+)\t(\S+)/gm)) {
    const folder = join(
      library,
      `${module!}@${version!}`.replaceAll(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`),
    );
    if (existsSync(folder)) works.push({ name: module!, version: version!, part: "engine", ...readGoLicence(folder) });
    else missing.push(`${module!} ${version!} of the tunnel engine is not listed: its source is not here.`);
  }
  return works;
}

/** Go's modules name no licence; the text does. */
function readGoLicence(folder: string): Pick<Found, "licence" | "text" | "authors"> {
  const text = readText(folder);
  return { text, licence: recognize(text), authors: "" };
}

/** SPDX identifiers by words that stand in that licence's text alone, the more particular ones first. */
const WORDING: readonly (readonly [id: string, words: RegExp])[] = [
  ["MPL-2.0", /Mozilla Public License,? [Vv]ersion 2\.0/],
  ["Apache-2.0", /Apache License,?\s+Version 2\.0/],
  ["LGPL-3.0 WITH LGPL-3.0-linking-exception", /GNU Lesser General Public License[\s\S]*version 3[\s\S]*exception/],
  ["GPL-3.0", /GNU (GENERAL PUBLIC LICENSE|General Public License)[\s\S]{0,200}(Version|version) 3/],
  ["BSD-3-Clause", /Redistribution and use in source and binary forms[\s\S]*(N|n)either the name/],
  ["BSD-2-Clause", /Redistribution and use in source and binary forms/],
  ["MIT", /Permission is hereby granted, free of charge, to any person obtaining a copy/],
];

/** The empty text where nothing known is in it. */
export const recognize = (text: string): string => WORDING.find(([, words]) => words.test(text))?.[0] ?? "";

/** The standard output of a program; undefined where it is not here or fails. */
function output(command: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8", maxBuffer: OUTPUT_BYTES_MAX });
  return status === 0 ? stdout : undefined;
}

const OUTPUT_BYTES_MAX = 64_000_000;

/** What is no package: see basemap.ts and gazetteer.ts. */
const DATA: readonly Work[] = [
  {
    ...{ name: "Natural Earth", version: "1:50m land", part: "data", licence: "LicenseRef-public-domain" },
    text: "Made with Natural Earth. Free vector and raster map data. Public domain.",
  },
  {
    ...{ name: "GeoNames", version: "cities above 100,000", part: "data", licence: "CC-BY-4.0" },
    text:
      "Names and places of cities from GeoNames, under the Creative Commons Attribution 4.0 License; " +
      "chosen, shortened and with other Russian names by this project.",
  },
  {
    ...{ name: "Unicode CLDR", version: "48.2.0", part: "data", licence: "Unicode-3.0" },
    text: "Russian names of cities from the Unicode Common Locale Data Repository. Copyright Unicode, Inc. Unicode License v3.",
  },
];

if (import.meta.main) {
  const missing = makeLicences();
  for (const sentence of missing) console.error(sentence);
  if (missing.length > 0 && process.argv.includes("--complete")) process.exitCode = 1;
}
