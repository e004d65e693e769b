/**
 * Land of the world (Natural Earth, without borders) as the data of one SVG path, in the projection that the page uses for
 * cities: Mercator, in degrees of longitude, north up.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The part of TopoJSON that the package's land consists of. */
interface Land {
  readonly transform: { readonly scale: readonly [number, number]; readonly translate: readonly [number, number] };
  readonly arcs: readonly (readonly (readonly [number, number])[])[];
  readonly objects: {
    readonly land: { readonly geometries: readonly { readonly arcs: readonly (readonly (readonly number[])[])[] }[] };
  };
}

type Point = readonly [x: number, y: number];

const SOUTH_END = -60;
const NORTH_END = 84;
const DECIMALS = 2;

export function worldPath(): string {
  const file = fileURLToPath(import.meta.resolve("world-atlas/land-110m.json"));
  const land = JSON.parse(readFileSync(file, "utf8")) as Land;
  const arcs = land.arcs.map((arc) => unpack(arc, land.transform));
  const rings = land.objects.land.geometries.flatMap(({ arcs: polygons }) => polygons.flat());
  return rings
    .map((ring) => ring.flatMap((arc, i) => pointsOf(arcs, arc).slice(i === 0 ? 0 : 1)))
    .filter((points) => points.some(([, latitude]) => latitude > SOUTH_END))
    .flatMap(acrossTheDateLine)
    .map((points) => `M${points.slice(0, -1).map(textOf).join(" ")}Z`)
    .join("");
}

/** A ring that crosses 180° goes on beyond it, and stands on the other side of the map once more. */
function acrossTheDateLine(ring: readonly Point[]): readonly (readonly Point[])[] {
  let turn = 0;
  const whole = ring.map(([x, y], i): Point => {
    const step = i === 0 ? 0 : x - ring[i - 1]![0];
    if (Math.abs(step) > 180) turn -= Math.sign(step) * 360;
    return [x + turn, y];
  });
  const shifted = (by: number): readonly Point[] => whole.map(([x, y]) => [x + by, y]);
  const copies = [whole];
  if (whole.some(([x]) => x > 180)) copies.push([...shifted(-360)]);
  if (whole.some(([x]) => x < -180)) copies.push([...shifted(360)]);
  return copies;
}

/** Arcs hold differences of whole numbers. */
function unpack(arc: Land["arcs"][number], { scale, translate }: Land["transform"]): readonly Point[] {
  let [x, y] = [0, 0];
  return arc.map(([dx, dy]) => {
    x += dx;
    y += dy;
    return [x * scale[0] + translate[0], y * scale[1] + translate[1]];
  });
}

/** A negative number names an arc that is walked backwards. */
const pointsOf = (arcs: readonly (readonly Point[])[], arc: number): readonly Point[] =>
  arc >= 0 ? arcs[arc]! : arcs[~arc]!.toReversed();

function textOf([longitude, latitude]: Point): string {
  const clipped = Math.min(NORTH_END, Math.max(SOUTH_END, latitude));
  const y = (-180 / Math.PI) * Math.log(Math.tan(Math.PI / 4 + (clipped * Math.PI) / 360));
  return `${round(longitude)} ${round(y)}`;
}

const round = (value: number): number => Number(value.toFixed(DECIMALS));
