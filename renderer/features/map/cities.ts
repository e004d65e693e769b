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

/** Favourites first, then by name. `wanted` is what a person typed: of a name in any language, a code or a country. */
export function arrange(
  cities: readonly City[],
  { wanted, favourites, language }: { wanted: string; favourites: readonly string[]; language: string },
): readonly City[] {
  const countries = countryNames(language);
  const text = fold(wanted.trim());
  const order = new Intl.Collator(language).compare;
  const isFavourite = new Set(favourites);
  return cities
    .filter((city) => text === "" || wordsOf(city, countries).some((word) => fold(word).includes(text)))
    .map((city) => ({ city, name: nameOf(city, language), rank: isFavourite.has(city.id) ? 0 : 1 }))
    .sort((a, b) => a.rank - b.rank || order(a.name, b.name))
    .map(({ city }) => city);
}

const wordsOf = ({ id, name, country }: City, countries: (code: string) => string): readonly string[] => [
  name.en,
  name.ru,
  id,
  ...(country === null ? [] : [country, countries(country)]),
];

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
