/**
 * The program's icon for every system, from the page's own `renderer/ui/icon.svg`: PNG in the sizes of Linux desktops, ICO, ICNS.
 * Packed here: what packs them on npm makes palettes of the images, and Windows wants 32 bits a pixel.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Resvg } from "@resvg/resvg-js";

const LINUX_SIZES = [16, 32, 48, 64, 128, 256, 512];
/** A size of 256 is written as 0. */
const ICO_SIZES = [16, 24, 32, 48, 64, 256];
/** Types of PNG images in an ICNS, by their size. */
const ICNS_TYPES = { icp4: 16, icp5: 32, icp6: 64, ic07: 128, ic08: 256, ic09: 512, ic10: 1024 } as const;

/** A square picture as PNG, `size` pixels wide. Throws where it is none. */
export const drawPng = (svg: string, size: number): Buffer =>
  new Resvg(svg, { fitTo: { mode: "width", value: size } }).render().asPng();

/** PNG images in an icon of Windows. */
function packIco(images: ReadonlyMap<number, Buffer>): Buffer {
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
function packIcns(images: readonly (readonly [type: string, png: Buffer])[]): Buffer {
  const block = (type: string, content: Buffer): Buffer => {
    const head = Buffer.from(`${type}\0\0\0\0`, "latin1");
    head.writeUInt32BE(head.length + content.length, 4);
    return Buffer.concat([head, content]);
  };
  return block("icns", Buffer.concat(images.map(([type, png]) => block(type, png))));
}

/** Fills `folder` with `png/SIZExSIZE.png`, `icon.ico` and `icon.icns`. */
export function writeIcons(svgFile: string, folder: string): void {
  const svg = readFileSync(svgFile, "utf8");
  const sizes = new Set([...LINUX_SIZES, ...ICO_SIZES, ...Object.values(ICNS_TYPES)]);
  const drawn = new Map([...sizes].map((size) => [size, drawPng(svg, size)]));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "png"), { recursive: true });
  for (const size of LINUX_SIZES) writeFileSync(join(folder, "png", `${size}x${size}.png`), drawn.get(size)!);
  writeFileSync(join(folder, "icon.ico"), packIco(new Map(ICO_SIZES.map((size) => [size, drawn.get(size)!]))));
  const icns = Object.entries(ICNS_TYPES).map(([type, size]) => [type, drawn.get(size)!] as const);
  writeFileSync(join(folder, "icon.icns"), packIcns(icns));
}
