/** Cities and the route as GeoJSON, for the map's layers. Pure. */
import type { Feature, FeatureCollection, LineString, Point, Position } from "geojson";

import type { TunnelStatus } from "../../store/hostState.ts";
import { healthOf, nameOf, type City, type Health } from "./cities.ts";

export interface CityProperties {
  readonly id: string;
  readonly name: string;
  readonly health: Health;
  /** Carries traffic: others are drawn small. */
  readonly hasVpn: boolean;
}

/** Those whose place is known; the list has the others, too. */
export function cityFeatures(cities: readonly City[], language: string): FeatureCollection<Point, CityProperties> {
  const features = cities.flatMap((city): Feature<Point, CityProperties>[] => {
    const at = positionOf(city);
    if (at === undefined) return [];
    const { id, hasVpn } = city;
    const properties = { id, name: nameOf(city, language), health: healthOf(city), hasVpn };
    return [{ type: "Feature", geometry: { type: "Point", coordinates: at }, properties }];
  });
  return { type: "FeatureCollection", features };
}

export interface Place {
  readonly lon: number;
  readonly lat: number;
}

export function positionOf({ lat, lon }: { lat: number | null; lon: number | null }): Position | undefined {
  return lat === null || lon === null ? undefined : [lon, lat];
}

/**
 * The stations that traffic takes now, as far as they are known: this computer where it is itself a city that its operator has
 * placed, the city where traffic enters, the city where it comes out. Nobody's place is guessed from an address.
 */
export function routeOf(tunnel: TunnelStatus | null, cities: readonly City[], own: Place | null): readonly Position[] {
  if (tunnel?.state !== "connected") return [];
  const placeOfCity = (id: string | null): Position | undefined => {
    const city = cities.find((entry) => entry.id === id);
    return city === undefined ? undefined : positionOf(city);
  };
  const between = tunnel.entry === tunnel.city ? undefined : placeOfCity(tunnel.entry);
  const stations = [own === null ? undefined : positionOf(own), between, placeOfCity(tunnel.city)];
  return stations.filter((position) => position !== undefined);
}

const ARC_POINTS = 48;
const DEGREES = 180 / Math.PI;

/** The great circles between stations. Longitudes go on past ±180, so that a line is not torn where the map is. */
export function arcs(stations: readonly Position[]): FeatureCollection<LineString> {
  const lines = stations.slice(1).flatMap((end, index): Feature<LineString>[] => {
    const line = greatCircle(stations[index]!, end);
    return line === undefined
      ? []
      : [{ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: line } }];
  });
  return { type: "FeatureCollection", features: lines };
}

/** Undefined between one place and itself, or its opposite. */
function greatCircle(from: Position, to: Position): Position[] | undefined {
  const [a, b] = [unit(from), unit(to)];
  const angle = Math.acos(Math.min(1, Math.max(-1, dot(a, b))));
  if (Math.sin(angle) < 1e-6) return undefined;
  let turned = 0;
  let previous = from[0]!;
  return Array.from({ length: ARC_POINTS + 1 }, (_, step): Position => {
    const part = step / ARC_POINTS;
    const [wa, wb] = [Math.sin((1 - part) * angle) / Math.sin(angle), Math.sin(part * angle) / Math.sin(angle)];
    const [x, y, z] = [0, 1, 2].map((axis) => wa * a[axis]! + wb * b[axis]!) as [number, number, number];
    const lon = Math.atan2(y, x) * DEGREES;
    if (lon - previous > 180) turned -= 360;
    if (lon - previous < -180) turned += 360;
    previous = lon;
    return [lon + turned, Math.atan2(z, Math.hypot(x, y)) * DEGREES];
  });
}

function unit([lon = 0, lat = 0]: Position): readonly number[] {
  const [l, f] = [lon / DEGREES, lat / DEGREES];
  return [Math.cos(f) * Math.cos(l), Math.cos(f) * Math.sin(l), Math.sin(f)];
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, axis) => sum + value * b[axis]!, 0);
