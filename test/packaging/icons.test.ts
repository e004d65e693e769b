import { readFileSync } from "node:fs";
import { join } from "node:path";

import { PNG } from "pngjs";
import { describe, expect, test } from "vitest";

import { drawPng, packIcns, packIco, readPicture } from "../../build/packaging/icons.ts";
import { ROOT } from "../../build/packaging/tree.ts";

const picture = readPicture(readFileSync(join(ROOT, "renderer", "ui", "icon.svg"), "utf8"));

const svg = (inside: string): string => `<svg xmlns="…" viewBox="0 0 32 32">${inside}</svg>`;

function pixelOf(png: Buffer, x: number, y: number): number[] {
  const { width, data } = PNG.sync.read(png);
  return [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4)];
}

describe("the icon", () => {
  test("is the page's own picture in any size, clear outside of its round corners", () => {
    for (const size of [16, 64]) {
      const png = drawPng(picture, size);
      expect(PNG.sync.read(png)).toMatchObject({ width: size, height: size });
      expect(pixelOf(png, 0, 0)[3]).toBe(0);
      expect(pixelOf(png, size / 2, 1)[3]).toBe(255);
    }
  });

  test("has smooth edges and its colours: a rectangle, and a line that lies on it", () => {
    const drawn = readPicture(
      svg(
        '<rect x="8" y="8" width="16" height="16" rx="2" fill="#0a0b0c"/>' +
          '<path d="M8 16 24 16Z" fill="none" stroke="#fff" stroke-width="3" stroke-linejoin="round"/>',
      ),
    );
    const png = drawPng(drawn, 32);
    expect(pixelOf(png, 16, 10)).toEqual([10, 11, 12, 255]);
    expect(pixelOf(png, 16, 15)).toEqual([255, 255, 255, 255]);
    // Half of this row is covered by the line.
    const [edge] = pixelOf(png, 16, 14);
    expect(edge).toBe(Math.round((10 + 255) / 2));
  });

  test.each(['<circle r="3"/>', '<rect width="3" fill="url(#a)"/>', '<path d="M0 0C1 1 2 2 3 3Z" fill="none"/>'])(
    "is refused where it holds what cannot be drawn: %s",
    (inside) => {
      expect(() => readPicture(svg(inside))).toThrow("cannot be drawn");
    },
  );

  test("is packed for Windows and macOS as their loaders find the images in it", () => {
    const [small, large] = [drawPng(picture, 16), drawPng(picture, 256)];
    const ico = packIco(
      new Map([
        [16, small],
        [256, large],
      ]),
    );
    expect([...ico.subarray(0, 6)]).toEqual([0, 0, 1, 0, 2, 0]);
    expect([ico[6], ico[22]]).toEqual([16, 0]);
    const [length, offset] = [ico.readUInt32LE(30), ico.readUInt32LE(34)];
    expect(ico.subarray(offset, offset + length).equals(large)).toBe(true);
    const icns = packIcns([
      ["icp4", small],
      ["ic08", large],
    ]);
    expect(icns.toString("latin1", 0, 4)).toBe("icns");
    expect(icns.readUInt32BE(4)).toBe(icns.length);
    const second = 8 + icns.readUInt32BE(12);
    expect(icns.toString("latin1", second, second + 4)).toBe("ic08");
    expect(icns.subarray(second + 8).equals(large)).toBe(true);
  });
});
