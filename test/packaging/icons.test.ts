import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { drawPng, writeIcons } from "../../build/packaging/icons.ts";
import { ROOT } from "../../build/packaging/tree.ts";

const folder = mkdtempSync(join(tmpdir(), "montana-icons-"));
/** The PNG specification's colour type: 32 bits a pixel, as Windows wants it. */
const RGBA = 6;
const HEADER_BYTES = 6;
const ENTRY_BYTES = 16;

const read = (...path: string[]): Buffer => readFileSync(join(folder, ...path));

/** Sides of the images in an ICO, each of which lies where its entry says. */
function sidesOfIco(ico: Buffer): number[] {
  expect([ico.readUInt16LE(0), ico.readUInt16LE(2)]).toEqual([0, 1]);
  return Array.from({ length: ico.readUInt16LE(4) }, (_, index) => {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    const side = ico[at] === 0 ? 256 : ico[at]!;
    const image = ico.subarray(ico.readUInt32LE(at + 12)).subarray(0, ico.readUInt32LE(at + 8));
    const { width, depth, colorType } = PNG.sync.read(image);
    expect({ width, depth, colorType }).toEqual({ width: side, depth: 8, colorType: RGBA });
    return side;
  });
}

/** Sides of the PNG images in an ICNS. */
function sidesOfIcns(icns: Buffer): number[] {
  expect(icns.toString("latin1", 0, 4)).toBe("icns");
  expect(icns.readUInt32BE(4)).toBe(icns.length);
  const sides: number[] = [];
  for (let at = 8; at < icns.length; at += icns.readUInt32BE(at + 4)) {
    const image = icns.subarray(at + 8, at + icns.readUInt32BE(at + 4));
    sides.push(PNG.sync.read(image).width);
  }
  return sides;
}

describe("the icon", () => {
  beforeAll(() => writeIcons(join(ROOT, "renderer", "ui", "icon.svg"), folder));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("is the page's own picture in the sizes of Linux desktops, clear outside of its round corners", () => {
    const names = readdirSync(join(folder, "png"));
    expect(names).toContain("512x512.png");
    for (const name of names) {
      const { width, height, data } = PNG.sync.read(read("png", name));
      expect(`${width}x${height}.png`).toBe(name);
      const alphaAt = (x: number, y: number): number => data[4 * (y * width + x) + 3]!;
      expect([alphaAt(0, 0), alphaAt(width / 2, 1)]).toEqual([0, 255]);
    }
  });

  test("holds for Windows and macOS what their desktops show, small and large", () => {
    expect(sidesOfIco(read("icon.ico"))).toEqual([16, 24, 32, 48, 64, 256]);
    expect(sidesOfIcns(read("icon.icns"))).toEqual([16, 32, 64, 128, 256, 512, 1024]);
  });

  test("is refused where it is no picture", () => {
    expect(() => drawPng("<svg", 16)).toThrow();
  });
});
