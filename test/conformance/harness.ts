/**
 * Runs vector files. A file is `{suite, about, source, cases: [{name, input, expect}]}`; bytes are hex, integers numbers or
 * decimal strings, a rejection is `expect.error`. A runner turns an input into an outcome and never sees `expect`; this
 * harness alone compares, and a case passes only when every field of `expect` was compared.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { toHex } from "../../main/protocol/bytes.ts";
import type { Crypto } from "../../main/protocol/crypto.ts";
import { ProtocolError } from "../../main/protocol/errors.ts";

/* Vector inputs are foreign JSON of 166 shapes: the runner of a suite reads the shape that its chapter documents. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Input = any;

/** In an outcome: a list of which `expect` quotes the beginning, as much as it likes, but not nothing of something. */
export class Beginning {
  readonly values: readonly unknown[];

  constructor(values: readonly unknown[]) {
    this.values = values;
  }
}

/** In an outcome: where `expect` has a sentence for its reader that names no value. */
export const REMARK = Symbol("remark");

/** What a runner may look at besides its input. */
export interface RunContext {
  readonly crypto: Crypto;
  /** Inputs of all cases of the file by name, in order: some cases refer to another one. Never an `expect`. */
  readonly inputs: ReadonlyMap<string, Input>;
  /** Files that inputs name, by path below `test/fixtures`: text. */
  readonly fixtures: Fixtures;
}

export interface Fixtures {
  /** Throws where there is no such file. */
  readonly read: (path: string) => string;
  /** Names in a folder, in a fixed order; none where there is no such folder. */
  readonly list: (folder: string) => readonly string[];
}

const fixtureUrl = (path: string): URL => new URL(`../fixtures/${path}`, import.meta.url);

const fixtures: Fixtures = {
  read: (path) => readFileSync(fixtureUrl(path), "utf8"),
  list: (folder) => (existsSync(fixtureUrl(folder)) ? readdirSync(fixtureUrl(folder)).sort() : []),
};

/**
 * Gives the outcome of one case: an object with (at least) the fields that `expect` has. Values may be `Uint8Array` (hex),
 * `bigint` (number or decimal string), numbers, strings, booleans, null, arrays, objects, and `Map` for a dictionary whose
 * set of keys is itself part of the outcome. A thrown `ProtocolError` is the outcome `{error: code, ...params}`.
 */
export type Runner = (input: Input, context: RunContext) => unknown;

export interface VectorCase {
  readonly name: string;
  readonly input: Input;
  readonly expect: unknown;
}

export interface VectorFile {
  readonly suite: string;
  readonly cases: readonly VectorCase[];
}

export interface Summary {
  passed: number;
  failed: number;
  unsupported: number;
  readonly unsupportedSuites: Set<string>;
  readonly failures: { readonly suite: string; readonly name: string; readonly difference: string }[];
}

export function emptySummary(): Summary {
  return { passed: 0, failed: 0, unsupported: 0, unsupportedSuites: new Set(), failures: [] };
}

/** All `.json` files under the given files and folders, in a fixed order. */
export function listVectorFiles(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (!statSync(path).isDirectory()) return [path];
    const below = readdirSync(path)
      .sort()
      .map((name) => join(path, name));
    return listVectorFiles(below.filter((child) => child.endsWith(".json") || statSync(child).isDirectory()));
  });
}

export function readVectorFile(path: string): VectorFile {
  const file = JSON.parse(readFileSync(path, "utf8")) as Partial<VectorFile>;
  if (typeof file.suite !== "string" || !Array.isArray(file.cases)) {
    throw new Error(`${path} is not a vector file: it needs "suite" and "cases"`);
  }
  return { suite: file.suite, cases: file.cases };
}

export async function runSuite(file: VectorFile, runner: Runner | undefined, crypto: Crypto, summary: Summary) {
  if (runner === undefined) {
    summary.unsupported += file.cases.length;
    summary.unsupportedSuites.add(file.suite);
    return;
  }
  const inputs = new Map(file.cases.map(({ name, input }) => [name, input as unknown]));
  for (const { name, input, expect } of file.cases) {
    const difference = findDifference(await outcomeOf(runner, input, { crypto, inputs, fixtures }), expect, "expect");
    if (difference === undefined) {
      summary.passed++;
    } else {
      summary.failed++;
      summary.failures.push({ suite: file.suite, name, difference });
    }
  }
}

async function outcomeOf(runner: Runner, input: Input, context: RunContext): Promise<unknown> {
  try {
    return await runner(structuredClone(input), context);
  } catch (error) {
    if (error instanceof ProtocolError) return { ...error.params, error: error.code };
    return { thrown: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/**
 * The first place where `actual` is not what `expected` demands, or undefined. Objects may hold more than expected (a full
 * encoding is quoted once a suite), except `error`, which must be there exactly when it is expected, and except dictionaries
 * (`Map`), whose keys must be the same. Arrays must have the same length.
 */
export function findDifference(actual: unknown, expected: unknown, path: string): string | undefined {
  if (Array.isArray(expected)) {
    if (actual instanceof Beginning && expected.length >= Math.min(1, actual.values.length)) {
      return findDifference(actual.values.slice(0, expected.length), expected, path);
    }
    if (!Array.isArray(actual)) return `${path}: expected a list, got ${show(actual)}`;
    if (actual.length !== expected.length) return `${path}: expected ${expected.length} elements, got ${actual.length}`;
    return firstDefined(expected, (element, i) => findDifference(actual[i], element, `${path}[${i}]`));
  }
  if (typeof expected === "object" && expected !== null) {
    if (actual instanceof Map) return findMapDifference(actual, expected as Record<string, unknown>, path);
    if (typeof actual !== "object" || actual === null || Array.isArray(actual)) {
      return `${path}: expected an object, got ${show(actual)}`;
    }
    const record = actual as Record<string, unknown>;
    if ("thrown" in record) return `${path}: the runner threw ${show(record["thrown"])}`;
    if (record["error"] !== undefined && !("error" in expected)) {
      return `${path}: expected success, got error ${show(record["error"])} ${show(record)}`;
    }
    return firstDefined(Object.entries(expected), ([key, value]) =>
      findDifference(record[key], value, `${path}.${key}`),
    );
  }
  if (actual === REMARK && typeof expected === "string") return undefined;
  return canonical(actual) === canonical(expected)
    ? undefined
    : `${path}: expected ${show(expected)}, got ${show(actual)}`;
}

function findMapDifference(actual: Map<unknown, unknown>, expected: Record<string, unknown>, path: string) {
  const byName = new Map([...actual].map(([key, value]) => [canonical(key), value]));
  const surplus = [...byName.keys()].find((key) => !Object.hasOwn(expected, key));
  if (surplus !== undefined) return `${path}: unexpected key ${surplus}`;
  return firstDefined(Object.entries(expected), ([key, value]) =>
    findDifference(byName.get(key), value, `${path}.${key}`),
  );
}

function firstDefined<T>(items: readonly T[], find: (item: T, index: number) => string | undefined) {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** One text for all forms of one scalar: bytes as hex, integers in decimal whether they came as number, bigint or text. */
function canonical(value: unknown): string {
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === "bigint" || typeof value === "number" || typeof value === "string") return String(value);
  return `${typeof value} ${JSON.stringify(value)}`;
}

const SHOWN_CHARACTERS_MAX = 400;

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value, (_, inner: unknown) => {
    if (inner instanceof Uint8Array) return toHex(inner);
    if (inner instanceof Map) return Object.fromEntries(inner.entries());
    return typeof inner === "bigint" ? String(inner) : inner;
  });
  return text.slice(0, SHOWN_CHARACTERS_MAX);
}
