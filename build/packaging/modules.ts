/**
 * Which files the program consists of: whatever its entries import, load or name beside themselves, followed through the
 * checkout and the installed packages, file by file. Nobody keeps a list, so none can be out of date.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire, isBuiltin, stripTypeScriptTypes } from "node:module";
import { dirname, join, posix, relative, resolve, sep } from "node:path";

import ts from "typescript";

export interface Modules {
  /** Own modules as a package has them, JavaScript, by their path there: `main/app/cli.js`. */
  readonly own: ReadonlyMap<string, string>;
  /** Files that own modules read, by their path in the checkout. */
  readonly read: ReadonlySet<string>;
  /** Files of installed packages, by their path in the checkout, each package with its package.json and its licences. */
  readonly packaged: ReadonlySet<string>;
  /** What own modules name and is not there. */
  readonly absent: ReadonlySet<string>;
}

/** The files of a package that must stay with it. */
export const LICENCE_FILE = /^(licen[cs]e|copying|notice|unlicense)/i;

/** Given by Electron itself. */
const ELECTRON = "electron";

/**
 * `entries`: paths of modules below `root`. Throws a sentence where a package is imported that nobody declared, a module is
 * not there, or something is loaded whose name is computed.
 */
export function readModules(root: string, entries: readonly string[]): Modules {
  const found = { own: new Map<string, string>(), packaged: new Set<string>() };
  const named = new Set<string>();
  const packages = new Packages(root);
  const manifest = packages.manifestOf(join(root, "package.json"));
  const waiting = [...entries];
  const foreign: string[] = [];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const name = path.replace(/\.ts$/, ".js");
    if (found.own.has(name)) continue;
    const module = readOwn(join(root, path));
    found.own.set(name, module.text);
    for (const specifier of module.imports) {
      if (isBuiltin(specifier) || specifier === ELECTRON) continue;
      if (specifier.startsWith(".")) waiting.push(posix.join(posix.dirname(path), specifier));
      else foreign.push(packages.find(specifier, join(root, path), manifest)!);
    }
    for (const target of module.named) {
      const beside = posix.join(posix.dirname(path), target);
      if (beside.endsWith(".ts")) waiting.push(beside);
      else named.add(beside);
    }
  }
  for (let file = foreign.pop(); file !== undefined; file = foreign.pop()) {
    const path = relative(root, file).split(sep).join("/");
    if (found.packaged.has(path)) continue;
    found.packaged.add(path);
    for (const kept of packages.keptWith(file)) found.packaged.add(relative(root, kept).split(sep).join("/"));
    foreign.push(...packages.importsOf(file));
  }
  // Last: the page in there may be built anew at any time, and the walk takes seconds.
  const isThere = (path: string): boolean => existsSync(join(root, path));
  const read = new Set([...named].filter(isThere).flatMap((path) => filesBelow(root, path)));
  return { ...found, read, absent: new Set([...named].filter((path) => !isThere(path))) };
}

interface OwnModule {
  /** Without types, and with the names that modules have in a package. */
  readonly text: string;
  readonly imports: readonly string[];
  /** Relative paths that stand in `new URL(…, import.meta.url)` and `createRequire(import.meta.url)(…)`. */
  readonly named: readonly string[];
}

function readOwn(file: string): OwnModule {
  const source = readFileSync(file, "utf8");
  const { imports, named, computed } = referencesIn(file, source);
  if (computed !== undefined) throw new Error(`${file} loads what only its run can tell: ${computed}`);
  // A name of the same length, and types give way to spaces: lines and columns of an error are those of the source.
  let text = source;
  for (const literal of [...imports.filter((one) => one.text.startsWith(".")), ...named]) {
    if (!literal.text.endsWith(".ts")) continue;
    const at = literal.getEnd() - ".ts'".length;
    text = `${text.slice(0, at)}.js${text.slice(at + ".js".length)}`;
  }
  const texts = (literals: readonly ts.StringLiteralLike[]): string[] => literals.map((literal) => literal.text);
  return { text: stripTypeScriptTypes(text), imports: texts(imports), named: texts(named) };
}

interface References {
  readonly imports: ts.StringLiteralLike[];
  readonly named: ts.StringLiteralLike[];
  /** The first that is no plain text. */
  computed?: string;
}

function referencesIn(file: string, source: string): References {
  const found: References = { imports: [], named: [] };
  const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.ES2024);
  const visit = (node: ts.Node): void => {
    const reference = referenceOf(node, parsed);
    if (reference !== undefined) {
      const { list, argument } = reference;
      if (argument !== undefined && ts.isStringLiteralLike(argument)) found[list].push(argument);
      else found.computed ??= node.getText(parsed);
    }
    ts.forEachChild(node, visit);
  };
  visit(parsed);
  return found;
}

/** What a node of the syntax tree refers to, and as what; nothing for most of them, and for what is a type alone. */
function referenceOf(
  node: ts.Node,
  parsed: ts.SourceFile,
): { readonly list: "imports" | "named"; readonly argument: ts.Node | undefined } | undefined {
  if (ts.isImportDeclaration(node)) {
    return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      ? undefined
      : { list: "imports", argument: node.moduleSpecifier };
  }
  if (ts.isExportDeclaration(node)) {
    const isNone = node.isTypeOnly || node.moduleSpecifier === undefined;
    return isNone ? undefined : { list: "imports", argument: node.moduleSpecifier };
  }
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === "URL") {
    const [argument, base] = node.arguments ?? [];
    return base?.getText(parsed) === "import.meta.url" ? { list: "named", argument } : undefined;
  }
  if (!ts.isCallExpression(node)) return undefined;
  const [argument] = node.arguments;
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword) return { list: "imports", argument };
  if (ts.isIdentifier(node.expression)) {
    const isLiteral = argument !== undefined && ts.isStringLiteralLike(argument);
    return node.expression.text === "require" && isLiteral ? { list: "imports", argument } : undefined;
  }
  const { expression: callee } = node;
  if (ts.isPropertyAccessExpression(callee) && ts.isMetaProperty(callee.expression) && callee.name.text === "resolve")
    return { list: "imports", argument };
  // The add-on is loaded by a path that the program is given.
  const isNamed = ts.isCallExpression(callee) && argument !== undefined && ts.isStringLiteral(argument);
  return isNamed && callee.getText(parsed) === "createRequire(import.meta.url)"
    ? { list: "named", argument }
    : undefined;
}

function filesBelow(root: string, path: string): string[] {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  const entries = readdirSync(join(root, path), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"));
}

interface Manifest {
  readonly name?: string;
  readonly type?: string;
  /** Of napi-rs: its loader tries the packages of all systems, of which one is installed. */
  readonly napi?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** The installed packages, resolved as Node does. */
class Packages {
  readonly #manifests = new Map<string, Manifest>();
  readonly #cache: ts.ModuleResolutionCache;
  // Of the emitted files, not of their types; TypeScript has this option and does not list it.
  readonly #options = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    allowJs: true,
    resolveJsonModule: true,
    noDtsResolution: true,
  };

  constructor(root: string) {
    this.#cache = ts.createModuleResolutionCache(root, (name) => name, this.#options);
  }

  manifestOf(file: string): Manifest {
    let manifest = this.#manifests.get(file);
    if (manifest === undefined) {
      manifest = JSON.parse(readFileSync(file, "utf8")) as Manifest;
      this.#manifests.set(file, manifest);
    }
    return manifest;
  }

  /** The package.json that names the package of a file; some have others below it, which tell its type. */
  #manifestFileOf(file: string, isWanted: (manifest: Manifest) => boolean): string {
    for (let folder = dirname(file); ; folder = dirname(folder)) {
      const candidate = join(folder, "package.json");
      if (existsSync(candidate) && isWanted(this.manifestOf(candidate))) return candidate;
      if (folder === dirname(folder)) throw new Error(`${file} lies in no package`);
    }
  }

  #packageOf(file: string): string {
    return this.#manifestFileOf(
      file,
      ({ name }) => name !== undefined && file.split(sep).join("/").includes(`node_modules/${name}/`),
    );
  }

  /** Every package.json up to the package's own, and its licences. */
  *keptWith(file: string): Generator<string> {
    const own = this.#packageOf(file);
    const nearest = this.#manifestFileOf(file, () => true);
    yield* new Set([nearest, own]);
    for (const entry of readdirSync(dirname(own), { withFileTypes: true }))
      if (entry.isFile() && LICENCE_FILE.test(entry.name)) yield join(dirname(own), entry.name);
  }

  /** The files that one imports or requires. */
  importsOf(file: string): string[] {
    if (!/\.[cm]?js$/.test(file)) return [];
    const manifest = this.manifestOf(this.#packageOf(file));
    const names = new Set(referencesIn(file, readFileSync(file, "utf8")).imports.map(({ text }) => text));
    const wanted = [...names].filter((name) => !isBuiltin(name) && name !== ELECTRON);
    const found = wanted.flatMap((name) => this.find(name, file, manifest) ?? []);
    if (wanted.length > 0 && found.length === 0 && manifest.napi !== undefined)
      throw new Error(`${file} has nothing for this system: run npm ci`);
    return found;
  }

  /** The file that `specifier` means in `file`; undefined for what its package can do without. Throws where it may not be missing. */
  find(specifier: string, file: string, manifest: Manifest): string | undefined {
    const isRelative = specifier.startsWith(".") || specifier.startsWith("#");
    const name = /^(@[^/]+\/)?[^/]+/.exec(specifier)![0];
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
    const isOptional =
      manifest.napi !== undefined || name in optionalDependencies || peerDependenciesMeta[name]?.optional === true;
    const isDeclared = isRelative || name in dependencies || name in peerDependencies || name === manifest.name;
    if (!isDeclared && !isOptional)
      throw new Error(`${file} imports ${specifier}, which its package.json does not need`);
    // Installed here for other packages' sake, perhaps.
    if (peerDependenciesMeta[name]?.optional === true) return undefined;
    const path = this.#resolve(specifier, file);
    if (path === undefined && !isOptional)
      throw new Error(`${file} imports ${specifier}, which is not there: run npm ci`);
    return path;
  }

  #resolve(specifier: string, file: string): string | undefined {
    const isModule =
      /\.m[jt]s$/.test(file) ||
      (!file.endsWith(".cjs") && this.manifestOf(this.#manifestFileOf(file, () => true)).type === "module");
    if (isModule) {
      const { resolvedModule } = ts.resolveModuleName(
        specifier,
        file,
        this.#options,
        ts.sys,
        this.#cache,
        undefined,
        ts.ModuleKind.ESNext,
      );
      if (resolvedModule !== undefined) return resolve(resolvedModule.resolvedFileName);
    }
    try {
      return createRequire(file).resolve(specifier);
    } catch {
      return undefined;
    }
  }
}
