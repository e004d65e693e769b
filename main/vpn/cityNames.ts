/** How cities are named where people see them: never by an address. */
import { createHash } from "node:crypto";

import { CITY_CODE } from "../cities/cities.ts";
import { AUTO } from "../cities/failover.ts";
import type { Route } from "./tunnelPorts.ts";
import type { UsableRoute } from "./subscriptions/subscriptions.ts";

/** The code of a city, or what stands for an entry that belongs to none: its own name holds an address. */
export function cityIdOf(entry: string): string {
  if (CITY_CODE.test(entry)) return entry;
  return `exit-${createHash("sha256").update(entry).digest("hex").slice(0, 8)}`;
}

export const shownRoute = ({ code, city, link }: UsableRoute): Route => ({ code, city: cityIdOf(city), link });

export interface NamedCity {
  readonly id: string;
  readonly names: readonly string[];
}

/**
 * What a person means by `asked`: `auto`, an id, a name, or the last word or the first words of a name, in any case. Undefined
 * where it is none or could be several.
 */
export function findCity(asked: string, cities: readonly NamedCity[]): string | undefined {
  const text = asked.trim().toLowerCase();
  if (text === AUTO) return AUTO;
  const matches = [
    ({ id }: NamedCity) => id === text,
    ({ names }: NamedCity) => names.some((name) => name.toLowerCase() === text),
    ({ names }: NamedCity) => names.some((name) => name.toLowerCase().split(/\s+/).at(-1) === text),
    ({ names }: NamedCity) => names.some((name) => beginsWithWords(name.toLowerCase(), text)),
  ];
  for (const isMatch of matches) {
    const found = cities.filter(isMatch);
    if (found.length > 0) return found.length === 1 ? found[0]!.id : undefined;
  }
  return undefined;
}

/** "Frankfurt am Main" with "frankfurt", not with "frank". */
const beginsWithWords = (name: string, words: string): boolean =>
  words !== "" && name.startsWith(words) && !/^[\p{L}\p{M}\p{N}]/u.test(name.slice(words.length));
