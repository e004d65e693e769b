/** Cities as the list and the map show them. Pure. */
import type { Answer } from "../../store/api.ts";

export type City = Answer<"vpnCities">["cities"][number] & {
  /** It does not answer this computer just now, and did so last then. */
  readonly silentSinceMs?: number;
};
export type Health = "up" | "degraded" | "down" | "unknown" | "expired";

/** As the network sees it, unless this computer has just found that nothing comes through. */
export const healthOf = ({ health, fault, silentSinceMs }: City): Health =>
  fault !== null || silentSinceMs !== undefined ? "down" : (health?.state ?? "unknown");

/** The same cities, with what is known of their silence. */
export function withSilence(cities: readonly City[], silent: ReadonlyMap<string | null, number>): readonly City[] {
  if (silent.size === 0) return cities;
  return cities.map((city) => {
    const silentSinceMs = silent.get(city.id);
    return silentSinceMs === undefined ? city : { ...city, silentSinceMs };
  });
}

export const nameOf = ({ name }: Pick<City, "name">, language: string): string =>
  language.startsWith("ru") ? name.ru : name.en;

/** The name of a city that others are named by: its id where it is not in the list. */
export function placeOf(cities: readonly City[], id: string, language: string): string {
  const city = cities.find((entry) => entry.id === id);
  return city === undefined ? id : nameOf(city, language);
}

/** A city with all that it is found by. */
export interface FoundBy {
  readonly city: City;
  /** A line for each: names in all languages, code, country. */
  readonly words: string;
}

/** By name. Made once for all that a person types: sorting ten thousand takes longer than a letter may. */
export function indexCities(cities: readonly City[], language: string): readonly FoundBy[] {
  const order = new Intl.Collator(language).compare;
  const countryOf = countryNames(language);
  const wordsOf = (country: string | null): string =>
    country === null ? "" : fold(`${country}\n${countryOf(country)}`);
  const countries = new Map([...new Set(cities.map(({ country }) => country))].map((code) => [code, wordsOf(code)]));
  return cities
    .map((city) => ({ city, name: nameOf(city, language) }))
    .sort((a, b) => order(a.name, b.name))
    .map(({ city }) => {
      const { id, name, country } = city;
      return { city, words: `${fold(`${name.en}\n${name.ru}\n${id}`)}\n${countries.get(country)!}` };
    });
}

/** Favourites first, else in the given order. `wanted` is what a person typed. */
export function arrange(
  indexed: readonly FoundBy[],
  { wanted, favourites }: { wanted: string; favourites: readonly string[] },
): readonly City[] {
  const text = fold(wanted.trim());
  const found = indexed.filter(({ words }) => words.includes(text)).map(({ city }) => city);
  const isFavourite = new Set(favourites);
  const first = found.filter(({ id }) => isFavourite.has(id));
  return first.length === 0 ? found : [...first, ...found.filter(({ id }) => !isFavourite.has(id))];
}

/** Without capitals and accents: "sao paulo" finds São Paulo. */
const fold = (text: string): string => text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLocaleLowerCase();

export function countryNames(language: string): (code: string) => string {
  const names = new Intl.DisplayNames(language, { type: "region", fallback: "code" });
  return (code) => {
    try {
      return names.of(code) ?? code;
    } catch {
      return code;
    }
  };
}
