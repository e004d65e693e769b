/** Where cities lie and what they are called, offline: `resources/gazetteer.tsv`, made by `build/scripts/gazetteer.ts`. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { exitError } from "../exit/errors.ts";
import type { Place } from "../exit/record.ts";

/** In a checkout. */
export const GAZETTEER_FILE = fileURLToPath(new URL("../../../resources/gazetteer.tsv", import.meta.url));

interface Entry extends Omit<Place, "code" | "node"> {
  readonly keys: readonly string[];
}

/** By population, the largest first. */
export type Gazetteer = readonly Entry[];

const REGIONS = ["af", "as", "eu", "na", "oc", "sa"] as const;
const NAMED_MAX = 8;

/** Throws "gazetteer-missing" with `file`. */
export function readGazetteer(file: string = GAZETTEER_FILE): Gazetteer {
  let text;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw exitError("gazetteer-missing", { file });
  }
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map(readEntry);
}

/** `English<tab>Russian<tab>other names, separated by |<tab>country<tab>region<tab>latitude<tab>longitude`. */
function readEntry(line: string): Entry {
  const [en = "", ru = "", others = "", country = "", region = "", lat = "", lon = ""] = line.split("\t");
  const found = REGIONS.find((known) => known === region);
  if (found === undefined) throw new Error(`gazetteer: ${line}`);
  const keys = [en, ru, ...others.split("|")].filter((name) => name !== "").map(keyOf);
  return { name: { en, ru: ru === "" ? en : ru }, country, region: found, lat: Number(lat), lon: Number(lon), keys };
}

/** Names are the same without accents, case and the marks between words. */
const keyOf = (name: string): string =>
  name
    .normalize("NFD")
    .replace(/\p{Mn}/gu, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();

/**
 * The city of that name in any of its languages, in `country` (ISO 3166-1 alpha-2) where one is given: the largest, unless two
 * of the name are large. Throws "city-unknown", "city-ambiguous" (`choices`).
 */
export function findPlace(gazetteer: Gazetteer, name: string, country?: string): Place {
  const key = keyOf(name);
  const found = gazetteer.filter(
    (entry) => entry.keys.includes(key) && (country === undefined || entry.country === country.toUpperCase()),
  );
  const [first] = found;
  if (first === undefined) throw exitError("city-unknown", { name, near: nearTo(gazetteer, key) });
  // The first name is what people mean; a second one of the same name is meant only by those who say so.
  const sameName = found.filter(({ keys }) => keys[0] === key || keys[1] === key);
  const best = sameName[0] ?? first;
  if (sameName.length === 0 && new Set(found.map((entry) => entry.country)).size > 1) {
    const choices = found.slice(0, NAMED_MAX).map((entry) => `${entry.name.en} (${entry.country})`);
    throw exitError("city-ambiguous", { name, choices: choices.join(", ") });
  }
  const { name: names, country: land, region, lat, lon } = best;
  const label = labelOf(names.en);
  return { code: label.replaceAll("-", "").slice(0, 3), node: label, name: names, country: land, region, lat, lon };
}

/** As a node's label: `frankfurt-am-main`. */
const labelOf = (name: string): string =>
  keyOf(name)
    .replace(/[^a-z0-9 ]/g, "")
    .replaceAll(" ", "-")
    .slice(0, 32);

function nearTo(gazetteer: Gazetteer, key: string): string {
  const start = key.slice(0, 4);
  const near = start === "" ? [] : gazetteer.filter(({ keys }) => keys.some((known) => known.startsWith(start)));
  return near
    .slice(0, NAMED_MAX)
    .map(({ name }) => name.en)
    .join(", ");
}
