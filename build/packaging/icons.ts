/**
 * The program's icon for every system, drawn from the page's own `renderer/ui/icon.svg`: PNG in the sizes of Linux desktops, ICO,
 * ICNS. It draws what that picture is made of, rectangles with round corners and paths of straight lines with round strokes.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { PNG } from "pngjs";

const LINUX_SIZES = [16, 32, 48, 64, 128, 256, 512];
/** A size of 256 is written as 0. */
const ICO_SIZES = [16, 24, 32, 48, 64, 256];
/** Types of PNG images in an ICNS, by their size. */
const ICNS_TYPES = { icp4: 16, icp5: 32, icp6: 64, ic07: 128, ic08: 256, ic09: 512, ic10: 1024 } as const;
type Point = readonly [x: number, y: number];
type Colour = readonly [red: number, green: number, blue: number];

interface Shape {
  readonly colour: Colour;
  /** From a point to the shape's edge, negative inside. */
  readonly distance: (x: number, y: number) => number;
}

export interface Picture {
  /** Units of its side, from a viewBox that begins at 0 0. */
  readonly side: number;
  readonly shapes: readonly Shape[];
}

/** Throws what it cannot draw. */
export function readPicture(svg: string): Picture {
  const side = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)?.[1]);
  const elements = [...svg.matchAll(/<(?!svg|\/)(\w+)([^>]*?)\/?>/g)];
  if (!(side > 0) || elements.length === 0) throw new Error("the icon has no square viewBox, or nothing in it");
  return { side, shapes: elements.map(([, name, text]) => readShape(name!, attributesOf(text!))) };
}

type Attributes = Readonly<Record<string, string>>;

const attributesOf = (text: string): Attributes =>
  Object.fromEntries([...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name!, value!]));

function readShape(name: string, attributes: Attributes): Shape {
  const number = (key: string): number => Number(attributes[key] ?? 0);
  if (name === "rect" && attributes["fill"] !== undefined) {
    const [x, y, width, height] = [number("x"), number("y"), number("width"), number("height")];
    const radius = number("rx");
    const distance = (px: number, py: number): number => {
      const dx = Math.abs(px - x - width / 2) - width / 2 + radius;
      const dy = Math.abs(py - y - height / 2) - height / 2 + radius;
      return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - radius;
    };
    return { colour: colourOf(attributes["fill"]), distance };
  }
  const isLine = attributes["fill"] === "none" && attributes["stroke-linejoin"] === "round";
  if (name === "path" && isLine && attributes["stroke"] !== undefined) {
    const points = readPath(attributes["d"] ?? "");
    const reach = number("stroke-width") / 2;
    const lines = points.map((end, index) => [points.at(index - 1)!, end] as const);
    const distance = (x: number, y: number): number =>
      Math.min(...lines.map(([start, end]) => distanceTo(x, y, start, end))) - reach;
    return { colour: colourOf(attributes["stroke"]), distance };
  }
  throw new Error(`the icon's <${name}> cannot be drawn`);
}

function colourOf(text: string): Colour {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text)?.[1];
  if (digits === undefined) throw new Error(`the icon's colour ${text} cannot be drawn`);
  const channel = (index: number): number =>
    Number.parseInt(digits.length === 3 ? digits[index]!.repeat(2) : digits.slice(2 * index, 2 * index + 2), 16);
  return [channel(0), channel(1), channel(2)];
}

/** The corners of a closed path of lines: the commands M, L, l and Z. */
function readPath(text: string): Point[] {
  const points: Point[] = [];
  if (!/^M[\d\s.,Ll-]*[Zz]$/.test(text)) throw new Error(`the icon's path ${text} cannot be drawn`);
  for (const [, command, numbers] of text.matchAll(/([MLl])([\d\s.,-]*)/g)) {
    const values = (numbers!.match(/-?\d*\.?\d+/g) ?? []).map(Number);
    for (let index = 0; index < values.length; index += 2) {
      const [x, y] = command === "l" ? points.at(-1)! : [0, 0];
      points.push([x + values[index]!, y + values[index + 1]!]);
    }
  }
  return points;
}

function distanceTo(px: number, py: number, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((px - ax) * dx + (py - ay) * dy) / length));
  return Math.hypot(px - ax - along * dx, py - ay - along * dy);
}

/** A pixel at a shape's edge is covered as far as the edge is from its middle. */
export function drawPng({ side, shapes }: Picture, size: number): Buffer {
  const { width, height, data } = new PNG({ width: size, height: size });
  const scale = size / side;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let [red, green, blue, alpha] = [0, 0, 0, 0];
      for (const { colour, distance } of shapes) {
        const cover = Math.min(1, Math.max(0, 0.5 - scale * distance((x + 0.5) / scale, (y + 0.5) / scale)));
        const below = alpha * (1 - cover);
        alpha = cover + below;
        if (alpha === 0) continue;
        red = (colour[0] * cover + red * below) / alpha;
        green = (colour[1] * cover + green * below) / alpha;
        blue = (colour[2] * cover + blue * below) / alpha;
      }
      const at = 4 * (y * width + x);
      data[at] = Math.round(red);
      data[at + 1] = Math.round(green);
      data[at + 2] = Math.round(blue);
      data[at + 3] = Math.round(255 * alpha);
    }
  }
  return PNG.sync.write(Object.assign(new PNG({ width, height }), { data }));
}

/** PNG images in an icon of Windows. */
export function packIco(images: ReadonlyMap<number, Buffer>): Buffer {
  const header = Buffer.from([0, 0, 1, 0, images.size, 0]);
  let offset = header.length + 16 * images.size;
  const entries = [...images].map(([size, png]) => {
    const entry = Buffer.alloc(16);
    entry.set([size % 256, size % 256]);
    entry.writeUInt16LE(1, 4);
    entry.writeUInt16LE(32, 6);
    entry.writeUInt32LE(png.length, 8);
    entry.writeUInt32LE(offset, 12);
    offset += png.length;
    return entry;
  });
  return Buffer.concat([header, ...entries, ...images.values()]);
}

/** PNG images in an icon of macOS, by the types that name their sizes. */
export function packIcns(images: readonly (readonly [type: string, png: Buffer])[]): Buffer {
  const block = (type: string, content: Buffer): Buffer => {
    const head = Buffer.from(`${type}\0\0\0\0`, "latin1");
    head.writeUInt32BE(head.length + content.length, 4);
    return Buffer.concat([head, content]);
  };
  return block("icns", Buffer.concat(images.map(([type, png]) => block(type, png))));
}

/** Fills `folder` with `png/SIZExSIZE.png`, `icon.ico` and `icon.icns`. */
export function writeIcons(svgFile: string, folder: string): void {
  const picture = readPicture(readFileSync(svgFile, "utf8"));
  const sizes = new Set([...LINUX_SIZES, ...ICO_SIZES, ...Object.values(ICNS_TYPES)]);
  const drawn = new Map([...sizes].map((size) => [size, drawPng(picture, size)]));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "png"), { recursive: true });
  for (const size of LINUX_SIZES) writeFileSync(join(folder, "png", `${size}x${size}.png`), drawn.get(size)!);
  writeFileSync(join(folder, "icon.ico"), packIco(new Map(ICO_SIZES.map((size) => [size, drawn.get(size)!]))));
  const icns = Object.entries(ICNS_TYPES).map(([type, size]) => [type, drawn.get(size)!] as const);
  writeFileSync(join(folder, "icon.icns"), packIcns(icns));
}
