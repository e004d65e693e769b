import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

/** docs/dependencies.md is to name each direct dependency with its reason, and each is to be pinned. */
const EXACT_NPM = /^\d+\.\d+\.\d+$/;
const EXACT_CARGO = /^=\d+\.\d+\.\d+$/;

const listed = [...readFileSync("docs/dependencies.md", "utf8").matchAll(/^\| `([^`]+)`\s*\| (.+?)\s*\|$/gm)].map(
  ([, name = "", reason = ""]) => ({ name, reason }),
);

function npmVersions(): Map<string, string> {
  type Versions = Readonly<Record<string, string>>;
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
    readonly dependencies: Versions;
    readonly devDependencies: Versions;
    readonly optionalDependencies: Versions;
  };
  return new Map(Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }));
}

const CARGO_MANIFESTS = globSync("main/native/*/Cargo.toml");

/** `name = "=1.2.3"` and `name = { version = "=1.2.3", … }` of the sections that end in "dependencies". */
function cargoVersions(manifests: readonly string[] = CARGO_MANIFESTS): Map<string, string> {
  const versions = new Map<string, string>();
  for (const manifest of manifests) {
    let isList = false;
    for (const line of readFileSync(manifest, "utf8").split("\n")) {
      if (line.startsWith("[")) isList = line.includes("dependencies]");
      const [, name, version] = /^([\w-]+) = (?:\{ version = )?"([^"]+)"/.exec(line) ?? [];
      if (isList && name !== undefined && version !== undefined) versions.set(name, version);
    }
  }
  return versions;
}

/** What `go build` is asked for; the rest of go.mod is what that needs. */
const goModules = (): string[] =>
  [...readFileSync("build/xray/go.mod", "utf8").matchAll(/^tool (\S+)\/main$/gm)].map(([, name = ""]) => name);

test("every direct dependency has its reason, and nothing else is listed", () => {
  const named = listed.map(({ name }) => name).sort();
  const needed = [...npmVersions().keys(), ...cargoVersions().keys(), ...goModules()].sort();
  expect(named).toEqual(needed);
  expect(listed.filter(({ reason }) => reason === "")).toEqual([]);
});

test("every direct dependency is pinned to one version", () => {
  const loose = (versions: Map<string, string>, exact: RegExp): string[] =>
    [...versions].filter(([, version]) => !exact.test(version)).map(([name]) => name);
  expect(npmVersions().size).toBeGreaterThan(0);
  expect(cargoVersions().size).toBeGreaterThan(0);
  expect(loose(npmVersions(), EXACT_NPM)).toEqual([]);
  expect(loose(cargoVersions(), EXACT_CARGO)).toEqual([]);
});

test("what the pinned ones bring along is pinned, too", () => {
  expect(existsSync("package-lock.json")).toBe(true);
  expect(CARGO_MANIFESTS.filter((manifest) => !existsSync(join(dirname(manifest), "Cargo.lock")))).toEqual([]);
  const sums = new Set(
    readFileSync("build/xray/go.sum", "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(" ", 2).join(" ")),
  );
  const modules = readFileSync("build/xray/go.mod", "utf8").matchAll(/^(?:require)?\s+(\S+\.\S+\/\S+) (v\S+)/gm);
  const needed = [...modules].map(([, name, version]) => `${name} ${version}`);
  expect(needed.length).toBeGreaterThan(0);
  expect(needed.filter((module) => !sums.has(module))).toEqual([]);
});

test("no crate is there for nothing: each is named where the code is", () => {
  const unused = CARGO_MANIFESTS.flatMap((manifest) => {
    const files = globSync(join(dirname(manifest), "{build.rs,src/**/*.rs}"));
    const code = files.map((file) => readFileSync(file, "utf8")).join("\n");
    const names = [...cargoVersions([manifest]).keys()];
    return names
      .filter((name) => !new RegExp(`\\b${name.replaceAll("-", "_")}\\b`).test(code))
      .map((name) => `${manifest}: ${name}`);
  });
  expect(unused).toEqual([]);
});
