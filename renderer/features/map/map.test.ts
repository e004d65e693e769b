import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { TunnelStatus } from "../../store/hostState.ts";
import { arrange, healthOf, indexCities, withSilence, type City } from "./cities.ts";
import { arcs, cityFeatures, routeOf } from "./features.ts";

const city = (id: string, en: string, more: Partial<City> = {}): City => ({
  id,
  name: { en, ru: `${en} по-русски` },
  country: null,
  lat: 1,
  lon: 2,
  hasVpn: true,
  nodePhase: null,
  exit: id,
  routes: 1,
  heldRoutes: 0,
  health: null,
  delayMs: null,
  fault: null,
  isInUse: false,
  ...more,
});
const cities = [
  city("gru", "São Paulo", { country: "BR", lat: -23.5, lon: -46.6 }),
  city("fra", "Frankfurt", { country: "DE", lat: 50.1, lon: 8.7 }),
  city("ist", "Istanbul", { exit: "fra", lat: 41, lon: 29 }),
  city("exit-1234", "An exit", { lat: null, lon: null }),
];
const found = (wanted: string, favourites: string[] = []): string[] =>
  arrange(indexCities(cities, "en"), { wanted, favourites }).map(({ id }) => id);
const up = (entry: string, exit: string): TunnelStatus =>
  ({ state: "connected", chosen: "auto", entry, city: exit }) as TunnelStatus;

describe("the list of cities", () => {
  test("is by name, favourites first", () => {
    expect(found("")).toEqual(["exit-1234", "fra", "ist", "gru"]);
    expect(found("", ["gru"])).toEqual(["gru", "exit-1234", "fra", "ist"]);
  });

  test("is searched in either language, by code and by country, without accents and capitals", () => {
    expect(found("sao p")).toEqual(["gru"]);
    expect(found("БРАНКФУРТ")).toEqual([]);
    expect(found("frankfurt ПО-РУС")).toEqual(["fra"]);
    expect(found("germ")).toEqual(["fra"]);
    expect(found("IST")).toEqual(["ist"]);
  });

  test("says of a city what this computer found, before what its network says", () => {
    const health = { state: "up", atMs: 1 } as const;
    expect(healthOf(city("a", "A"))).toBe("unknown");
    expect(healthOf(city("a", "A", { health }))).toBe("up");
    expect(healthOf(city("a", "A", { health, fault: { code: "exit-timeout", params: {} } }))).toBe("down");
    const [silent, other] = withSilence([city("a", "A", { health }), city("b", "B", { health })], new Map([["a", 7]]));
    expect([healthOf(silent!), healthOf(other!)]).toEqual(["down", "up"]);
    expect(silent).toMatchObject({ health, silentSinceMs: 7 });
  });
});

describe("the map", () => {
  test("draws the cities whose place is known", () => {
    const { features } = cityFeatures(cities, "ru");
    expect(features.map(({ properties }) => properties.id)).toEqual(["gru", "fra", "ist"]);
    expect(features[1]?.properties.name).toBe("Frankfurt по-русски");
  });

  test("draws the way that traffic takes, as far as its places are known", () => {
    expect(routeOf(up("ist", "fra"), cities, null)).toEqual([
      [29, 41],
      [8.7, 50.1],
    ]);
    expect(routeOf(up("fra", "fra"), cities, null)).toEqual([[8.7, 50.1]]);
    expect(routeOf(up("fra", "fra"), cities, { lon: 37.6, lat: 55.8 })).toHaveLength(2);
    expect(routeOf(up("exit-1234", "exit-1234"), cities, null)).toEqual([]);
    expect(routeOf({ ...up("fra", "fra"), state: "reconnecting" }, cities, null)).toEqual([]);
  });

  test("draws arcs that begin and end where they should and are torn nowhere, also over the date line", () => {
    const place = fc.tuple(
      fc.double({ min: -180, max: 180, noNaN: true }),
      fc.double({ min: -80, max: 80, noNaN: true }),
    );
    fc.assert(
      fc.property(place, place, (from, to) => {
        const [arc] = arcs([from, to]).features;
        if (arc === undefined) return;
        const line = arc.geometry.coordinates;
        expect(line[0]![1]).toBeCloseTo(from[1], 5);
        expect(line.at(-1)![1]).toBeCloseTo(to[1], 5);
        const turn = (line.at(-1)![0]! - to[0]) / 360;
        expect(turn).toBeCloseTo(Math.round(turn), 5);
        for (let at = 1; at < line.length; at += 1)
          expect(Math.abs(line[at]![0]! - line[at - 1]![0]!)).toBeLessThanOrEqual(180);
      }),
    );
    expect(
      arcs([
        [1, 1],
        [1, 1],
      ]).features,
    ).toEqual([]);
  });
});
