/**
 * Reads parsed JSON as typed records. Unknown fields are dropped; a missing or wrong one throws `ProtocolError`
 * `bad-field` with its place, such as `cities[3].vpn.enabled`.
 */
import { ProtocolError } from "../protocol/errors.ts";
import { isObject } from "./json.ts";

export type Reader<T> = (value: unknown, at: string) => T;
export type Shape<R> = R extends Reader<infer T> ? T : never;

const badField = (at: string): ProtocolError<"bad-field"> => new ProtocolError("bad-field", { at });

/** At most `unitsMax` UTF-16 units; `pattern` must match where one is given. */
export const text =
  (unitsMax: number, pattern?: RegExp): Reader<string> =>
  (value, at) => {
    if (typeof value !== "string" || value.length > unitsMax) throw badField(at);
    if (pattern !== undefined && !pattern.test(value)) throw badField(at);
    return value;
  };

/** From 0 to 2⁵³ − 1. */
export const count: Reader<number> = (value, at) => {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw badField(at);
  return value;
};

export const decimal: Reader<number> = (value, at) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw badField(at);
  return value;
};

export const flag: Reader<boolean> = (value, at) => {
  if (typeof value !== "boolean") throw badField(at);
  return value;
};

export const oneOf =
  <const T extends string | number>(...values: readonly T[]): Reader<T> =>
  (value, at) => {
    const found = values.find((allowed) => allowed === value);
    if (found === undefined) throw badField(at);
    return found;
  };

export const nullable =
  <T>(read: Reader<T>): Reader<T | null> =>
  (value, at) =>
    value === null ? null : read(value, at);

/** A field that may be absent. */
export const optional =
  <T>(read: Reader<T>): Reader<T | undefined> =>
  (value, at) =>
    value === undefined ? undefined : read(value, at);

export const listOf =
  <T>(read: Reader<T>, lengthMax: number): Reader<readonly T[]> =>
  (value, at) => {
    if (!Array.isArray(value) || value.length > lengthMax) throw badField(at);
    return value.map((element, i) => read(element, `${at}[${i}]`));
  };

export const record =
  <F extends Readonly<Record<string, Reader<unknown>>>>(fields: F): Reader<{ readonly [K in keyof F]: Shape<F[K]> }> =>
  (value, at) => {
    if (!isObject(value)) throw badField(at);
    const prefix = at === "" ? "" : `${at}.`;
    const entries = Object.entries(fields).map(
      ([name, read]) => [name, read(Object.hasOwn(value, name) ? value[name] : undefined, prefix + name)] as const,
    );
    return Object.fromEntries(entries) as { readonly [K in keyof F]: Shape<F[K]> };
  };

/** An amount in nɈ. */
export const amountText = text(39, /^(?:0|[1-9][0-9]*)$/);
export const peerIdText = text(128, /^[1-9A-HJ-NP-Za-km-z]{1,128}$/);
export const displayText = text(256);
/** `updated`: the ISO-8601 twin of `updated_unix`, for people. */
export const isoText = text(32);
