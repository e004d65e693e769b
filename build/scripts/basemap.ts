/**
 * Makes the page's basemap, `.cache/page/land.json`: `node build/scripts/basemap.ts`. The land of Natural Earth (public domain,
 * 1:50 million, through npm's world-atlas) as GeoJSON, without political borders and small enough to come with the page: no
 * tile server is ever asked where somebody looks.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { feature } from "topojson-client";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const SOURCE = join(ROOT, "node_modules", "world-atlas", "land-50m.json");
export const LAND_FILE = join(ROOT, ".cache", "page", "land.json");

/** Degrees that a coast may be moved by: a seventh of a pixel where the world is as wide as a window. */
const TOLERANCE = 0.04;
/** Islands smaller than this in both directions are left out, degrees; places that people choose lie on larger ones. */
const ISLAND_MIN = 0.12;
const DECIMALS = 2;

export type Position = readonly [longitude: number, latitude: number];
export type Ring = readonly Position[];

/** GeoJSON (RFC 7946). */
export interface Land {
  readonly type: "Feature";
  readonly properties: Readonly<Record<string, never>>;
  readonly geometry: { readonly type: "MultiPolygon"; readonly coordinates: readonly (readonly Ring[])[] };
}

/** Writes the basemap whole or not at all, in less than a second; gives its size in bytes. */
export function makeBasemap(file: string = LAND_FILE): number {
  const text = JSON.stringify(simplifyLand(readLand()));
  mkdirSync(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, text);
  renameSync(fresh, file);
  return text.length;
}

/** As Natural Earth draws it. */
export function readLand(): readonly (readonly Ring[])[] {
  const topology = JSON.parse(readFileSync(SOURCE, "utf8")) as Parameters<typeof feature>[0];
  const land = feature(topology, topology.objects["land"]!);
  const geometries = ("features" in land ? land.features : [land]).map(({ geometry }) => geometry);
  return geometries.flatMap((geometry) => {
    if (geometry.type !== "MultiPolygon") throw new Error(`land-50m.json holds a ${geometry.type}`);
    return (geometry.coordinates as unknown as readonly (readonly Ring[])[]).map((rings) => rings.map(unwrapRing));
  });
}

/**
 * Where a coast crosses the date line its longitudes go on past 180°: from 180 to -180 a map would draw a line across the
 * world. A ring around the south pole cannot be closed so: it is led along the pole.
 */
export function unwrapRing(ring: Ring): Ring {
  let turned = 0;
  const unwrapped = ring.map(([x, y], index): Position => {
    const step = index === 0 ? 0 : x - ring[index - 1]![0];
    if (Math.abs(step) > HALF_TURN) turned -= Math.sign(step) * 2 * HALF_TURN;
    return [x + turned, y];
  });
  if (turned === 0) return centred(unwrapped);
  return ring.flatMap(([x, y], index): Position[] => {
    const step = index === 0 ? 0 : x - ring[index - 1]![0];
    if (Math.abs(step) <= HALF_TURN) return [[x, y]];
    const edge = -Math.sign(step) * HALF_TURN;
    return [
      [edge, ring[index - 1]![1]],
      [edge, -POLE],
      [0, -POLE],
      [-edge, -POLE],
      [-edge, y],
      [x, y],
    ];
  });
}

/** Mostly within the world: a ring may have begun on the far side of the date line. */
function centred(ring: Ring): Ring {
  const lons = ring.map(([x]) => x);
  const turns = Math.round((Math.min(...lons) + Math.max(...lons)) / 2 / (2 * HALF_TURN));
  return turns === 0 ? ring : ring.map(([x, y]) => [x - turns * 2 * HALF_TURN, y]);
}

const POLE = 90;
const HALF_TURN = 180;

export function simplifyLand(polygons: readonly (readonly Ring[])[]): Land {
  const coordinates = polygons.flatMap(([outline, ...lakes]) => {
    if (outline === undefined || !isSeen(outline)) return [];
    const rings = [outline, ...lakes.filter(isSeen)].map((ring) => roundRing(simplifyRing(ring)));
    return [rings.filter(({ length }) => length >= RING_MIN)].filter(({ length }) => length > 0);
  });
  return { type: "Feature", properties: {}, geometry: { type: "MultiPolygon", coordinates } };
}

/** A closed ring of three corners. */
const RING_MIN = 4;

function isSeen(ring: Ring): boolean {
  return [0, 1].some((axis) => {
    const values = ring.map((position) => position[axis]!);
    return Math.max(...values) - Math.min(...values) >= ISLAND_MIN;
  });
}

/**
 * Ramer, Douglas and Peucker: what is left out lies within the tolerance of what is drawn. A ring begins and ends in one
 * point, so it is halved at the point that is farthest from it.
 */
function simplifyRing(ring: Ring): Ring {
  const farthest = indexOfMax(ring, (point) => distance(point, ring[0]!, ring[0]!));
  const isKept = new Uint8Array(ring.length);
  for (const index of [0, farthest, ring.length - 1]) isKept[index] = 1;
  const waiting: [number, number][] = [
    [0, farthest],
    [farthest, ring.length - 1],
  ];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    const [from, to] = part;
    const between = ring.slice(from + 1, to);
    const off = (point: Position): number => distance(point, ring[from]!, ring[to]!);
    const index = indexOfMax(between, off);
    if (between.length === 0 || off(between[index]!) <= TOLERANCE) continue;
    const middle = from + 1 + index;
    isKept[middle] = 1;
    waiting.push([from, middle], [middle, to]);
  }
  return ring.filter((_, index) => isKept[index] === 1);
}

function indexOfMax(points: Ring, measure: (point: Position) => number): number {
  let best = 0;
  let most = -1;
  points.forEach((point, index) => {
    const value = measure(point);
    if (value <= most) return;
    most = value;
    best = index;
  });
  return best;
}

/** From the segment between two points, degrees. */
function distance([x, y]: Position, [fromX, fromY]: Position, [toX, toY]: Position): number {
  const [dx, dy] = [toX - fromX, toY - fromY];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - fromX) * dx + (y - fromY) * dy) / length));
  return Math.hypot(x - fromX - along * dx, y - fromY - along * dy);
}

/** Points that become the same are one. */
function roundRing(ring: Ring): Ring {
  const rounded = ring.map(([x, y]): Position => [round(x), round(y)]);
  return rounded.filter(([x, y], index) => index === 0 || x !== rounded[index - 1]![0] || y !== rounded[index - 1]![1]);
}

const round = (degrees: number): number => Number(degrees.toFixed(DECIMALS));

if (import.meta.main) console.log(`${LAND_FILE}: ${makeBasemap()} bytes`);
