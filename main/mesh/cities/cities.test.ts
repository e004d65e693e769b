import { expect, test } from "vitest";

import { decodeCities } from "../../cities/cities.ts";
import type { ProtocolError } from "../../protocol/errors.ts";
import { makeCities } from "./citiesList.ts";
import { findPlace, readGazetteer } from "./gazetteer.ts";

const gazetteer = readGazetteer();

const faultOf = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    const { code, params } = error as ProtocolError;
    return { code, ...params };
  }
};

test.each([
  ["Frankfurt", "Frankfurt am Main", "Франкфурт-на-Майне", "DE", 50.1109, 8.6821],
  ["франкфурт-на-майне", "Frankfurt am Main", "Франкфурт-на-Майне", "DE", 50.1109, 8.6821],
  ["HELSINKI", "Helsinki", "Хельсинки", "FI", 60.1699, 24.9384],
  ["Москва", "Moscow", "Москва", "RU", 55.7558, 37.6173],
  ["New York", "New York City", "Нью-Йорк", "US", 40.7128, -74.006],
  ["Zurich", "Zürich", "Цюрих", "CH", 47.3769, 8.5417],
  ["Токио", "Tokyo", "Токио", "JP", 35.6895, 139.6917],
])("the gazetteer knows %s", (asked, en, ru, country, lat, lon) => {
  const place = findPlace(gazetteer, asked);
  expect(place).toMatchObject({ name: { en, ru }, country });
  expect(Math.hypot(place.lat - lat, place.lon - lon)).toBeLessThan(0.05);
});

test("every place of the gazetteer may stand in cities.json", () => {
  expect(gazetteer.length).toBeGreaterThan(6000);
  const letters = "abcdefghijklmnopqrstuvwxyz";
  const codeAt = (i: number): string => [676, 26, 1].map((unit) => letters[Math.floor(i / unit) % 26]).join("");
  const cities = gazetteer.map(({ name, country, region, lat, lon }, i) => ({
    ...{ code: codeAt(i), node: `n${i}`, name, country, region, lat, lon },
    timechain: { phase: "Active", emits: false },
    vpn: { enabled: true, primary: false, exit: codeAt(i), fronts: [], fronted_by: [], endpoint: null },
  }));
  const document = { version: 1, network: "x", updated: "2026-01-01T00:00:00Z", updated_unix: 0, cities };
  expect(decodeCities(JSON.stringify(document)).cities.length).toBe(gazetteer.length);
});

test("a name that is none, or several countries', is said with what is near", () => {
  expect(faultOf(() => findPlace(gazetteer, "Helsinkki"))).toMatchObject({
    code: "city-unknown",
    near: "Helsinki, Helsingborg",
  });
  expect(findPlace(gazetteer, "London").country).toBe("GB");
  expect(findPlace(gazetteer, "London", "ca").country).toBe("CA");
  expect(faultOf(() => findPlace(gazetteer, "London", "FI"))).toMatchObject({ code: "city-unknown" });
});

const listed = [
  { code: "msk", node: "moscow", city: "Moscow", phase: "Active", emits: true, vpn: false },
  { code: "fra", node: "frankfurt", city: "Frankfurt", primary: true },
  {
    code: "fin",
    node: "helsinki",
    city: "Helsinki",
    fronts: ["fra"],
    name: { en: "Helsinki", ru: "Хельсинки" },
    lat: 60.1699,
  },
  { code: "ist", node: "istanbul", city: "Istanbul", fronts: ["fra"], relays: "fra" },
];
const listOf = (cities: readonly object[]): string => JSON.stringify({ network: "montana", cities });

test("a short list becomes a document with both ends of each front", () => {
  const made = makeCities(listOf(listed), gazetteer, 1_778_000_000);
  expect(decodeCities(JSON.stringify(made))).toEqual(made);
  const vpnOf = (code: string) => made.cities.find((city) => city.code === code)!.vpn;
  expect(vpnOf("fra")).toEqual({
    ...{ enabled: true, primary: true, exit: "fra", fronts: [], fronted_by: ["fin", "ist"], endpoint: "/vpn/city/fra" },
  });
  expect(vpnOf("fin")).toMatchObject({ exit: "fin", fronts: ["fra"], fronted_by: [] });
  expect(vpnOf("ist").exit).toBe("fra");
  expect(vpnOf("msk")).toMatchObject({ enabled: false, exit: null, endpoint: null });
});

test.each([
  [[...listed, { code: "fra", node: "other", city: "Berlin" }], "duplicate-code", "cities[4].code"],
  [[{ code: "FRA", node: "f", city: "Berlin" }], "bad-code", "cities[0].code"],
  [[{ code: "ber", node: "b", city: "Berlin", fronts: ["xxx"] }], "unknown-front", "cities[0].vpn.fronts"],
  [[{ code: "ber", node: "b", city: "Berlin", lat: 52.123456 }], "too-precise", "cities[0].lat"],
  [[{ code: "ber", node: "b", city: "Berlin", relays: "fra" }], "bad-exit", "cities[0].vpn.exit"],
  [
    [...listed, { code: "ber", node: "b", city: "Berlin", fronts: ["msk"] }],
    "front-of-disabled",
    "cities[0].vpn.fronted_by",
  ],
  [[{ code: "ber", node: "b" }], "bad-field", "cities[0].city"],
])("a wrong list is refused with its position and reason (%#)", (cities, reason, at) => {
  expect(faultOf(() => makeCities(listOf(cities), gazetteer, 0))).toEqual({ code: "cities-list-invalid", reason, at });
});
