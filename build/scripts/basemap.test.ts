import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, test } from "vitest";

import { makeBasemap, readLand, simplifyLand, unwrapRing, type Land, type Position, type Ring } from "./basemap.ts";

/** What a page loads without anybody waiting for it. */
const BYTES_MAX = 400_000;

const folder = mkdtempSync(join(tmpdir(), "basemap-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Even-odd rule over all rings. */
function isLand({ geometry }: Land, [x, y]: Position): boolean {
  let inside = false;
  for (const ring of geometry.coordinates.flat()) {
    for (let index = 1; index < ring.length; index++) {
      const [[ax, ay], [bx, by]] = [ring[index - 1]!, ring[index]!];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    }
  }
  return inside;
}

describe("the basemap", () => {
  test("is a file of closed rings within the world, small enough to come with the page", () => {
    const file = join(folder, "land.json");
    expect(makeBasemap(file)).toBeLessThanOrEqual(BYTES_MAX);
    const { type, geometry } = JSON.parse(readFileSync(file, "utf8")) as Land;
    expect(type).toBe("Feature");
    expect(geometry.coordinates.length).toBeGreaterThan(500);
    for (const ring of geometry.coordinates.flat()) {
      expect(ring.length).toBeGreaterThanOrEqual(4);
      expect(ring.at(-1)).toEqual(ring[0]);
      expect(ring.every(([x, y]) => Math.abs(x) <= 360 && Math.abs(y) <= 90)).toBe(true);
    }
  });

  test("has land where cities are and sea where ships are", () => {
    const land = simplifyLand(readLand());
    const places: Record<string, Position> = {
      Moscow: [37.62, 55.75],
      Frankfurt: [8.68, 50.11],
      Helsinki: [24.95, 60.25],
      "São Paulo": [-46.64, -23.55],
      Nairobi: [36.82, -1.29],
      Reykjavík: [-21.7, 64.1],
    };
    for (const [name, place] of Object.entries(places)) expect(isLand(land, place), name).toBe(true);
    const seas: Record<string, Position> = { Atlantic: [-35, 30], Baltic: [19.5, 57.9], Caspian: [51, 41.5] };
    for (const [name, place] of Object.entries(seas)) expect(isLand(land, place), name).toBe(false);
  });

  test("draws no coast across the world where it crosses the date line", () => {
    const { geometry } = simplifyLand(readLand());
    const isAcross = (ring: Ring): boolean =>
      ring.some(([x], index) => index > 0 && Math.abs(x - ring[index - 1]![0]) > 180);
    // But along the pole.
    const coasts = geometry.coordinates.flat().map((ring) => ring.filter(([, y]) => y > -90));
    expect(coasts.filter(isAcross).length).toBeLessThanOrEqual(1);
    const island: Ring = [
      [179, 71],
      [-179, 71],
      [-179, 72],
      [179, 71],
    ];
    const lons = unwrapRing(island).map(([x]) => x);
    expect(Math.max(...lons) - Math.min(...lons)).toBe(2);
  });

  test("leaves out what nobody sees: points along a straight coast, and rocks", () => {
    const square: Ring = [
      [10, 10],
      [11, 10.01],
      [12, 10],
      [12, 12],
      [10, 12],
      [10, 10],
    ];
    const rock: Ring = [
      [0, 0],
      [0.01, 0],
      [0, 0.01],
      [0, 0],
    ];
    const drawn = [square[0], ...square.slice(2)];
    expect(simplifyLand([[square], [rock]]).geometry.coordinates).toEqual([[drawn]]);
    expect(simplifyLand([[square, rock]]).geometry.coordinates).toEqual([[drawn]]);
  });
});
