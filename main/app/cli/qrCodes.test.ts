/** What is drawn for phones is read back by the program's own import of pictures. */
import { PNG } from "pngjs";
import { describe, expect, test } from "vitest";

import { readFixture } from "../../cities/cities.fixture.ts";
import { readQrImage } from "../../vpn/subscriptions/qrImage.ts";
import { pngPicture, svgPage, terminalCode } from "./qrCodes.ts";

const SCALE = 6;

/** A picture of `isDark`, as a phone's camera or a screenshot would have it. */
function pictureOf(width: number, height: number, isDark: (x: number, y: number) => boolean): Uint8Array {
  const image = new PNG({ width: width * SCALE, height: height * SCALE });
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      const at = 4 * (y * image.width + x);
      image.data.fill(isDark(Math.floor(x / SCALE), Math.floor(y / SCALE)) ? 0 : 255, at, at + 3).fill(255, at + 3);
    }
  }
  return PNG.sync.write(image);
}

/** Of a terminal with light letters: each holds two modules, one over the other. */
function photographTerminal(code: string): Uint8Array {
  const lines = code.split("\n");
  const isLight = (x: number, y: number): boolean => {
    const letter = lines[y >> 1]?.[x] ?? " ";
    return letter === "█" || letter === (y % 2 === 0 ? "▀" : "▄");
  };
  return pictureOf(lines[0]!.length, 2 * lines.length, (x, y) => !isLight(x, y));
}

/** Only what this program itself writes: bars one module high. */
function renderSvg(svg: string): Uint8Array {
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number) as [number, number, number];
  const dark = new Set<string>();
  for (const [, x, y, length] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let i = 0; i < Number(length); i++) dark.add(`${Number(x) + i} ${y!}`);
  }
  return pictureOf(width, height, (x, y) => dark.has(`${x} ${y}`));
}

const TEXTS = ["https://montana.quest/vpn/sub", ...readFixture("three-city/sub.txt").split("\n")];

describe.each(TEXTS)("the code of %s", (text) => {
  test("is read from the PNG, the SVG and the terminal", () => {
    expect(readQrImage(pngPicture(text))).toBe(text);
    expect(readQrImage(renderSvg(svgPage([text])))).toBe(text);
    expect(readQrImage(photographTerminal(terminalCode(text)))).toBe(text);
  });
});

test("a page of several codes numbers them, and each of them is there", () => {
  const page = svgPage(TEXTS.slice(0, 3));
  expect([...page.matchAll(/>(\d \/ 3)</g)].map(([, caption]) => caption)).toEqual(["1 / 3", "2 / 3", "3 / 3"]);
  expect(page.match(/<path /g)?.length).toBe(3);
});
