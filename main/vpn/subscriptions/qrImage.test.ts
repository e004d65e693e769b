import { encode as encodeJpeg } from "jpeg-js";
import { PNG } from "pngjs";
import { encodeQR } from "qr";
import { expect, test } from "vitest";

import { importLink } from "./deepLink.ts";
import { readQrImage } from "./qrImage.ts";
import { linkFor } from "./subscriptions.fixture.ts";

const SCALE = 4;

/** Black on white, with a border. */
function draw(text: string): { width: number; height: number; data: Buffer } {
  const rows = encodeQR(text, "raw", { border: 4 });
  const side = rows.length * SCALE;
  const data = Buffer.alloc(side * side * 4, 255);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (rows[Math.floor(y / SCALE)]![Math.floor(x / SCALE)]) data.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3);
    }
  }
  return { width: side, height: side, data };
}

function png(text: string): Buffer {
  const { width, height, data } = draw(text);
  const image = new PNG({ width, height });
  data.copy(image.data);
  return PNG.sync.write(image);
}

const refuses = (bytes: Uint8Array, code: string): void =>
  expect(() => readQrImage(bytes)).toThrow(expect.objectContaining({ code }));

test("the text of a code is read from PNG and JPEG", () => {
  const text = importLink(linkFor("fra", 7));
  expect(readQrImage(png(text))).toBe(text);
  expect(readQrImage(encodeJpeg(draw("https://montana.quest/vpn/sub"), 90).data)).toBe("https://montana.quest/vpn/sub");
});

test("an image without a code, a damaged one, another format and a claim of too many pixels are told apart", () => {
  const image = png("https://montana.quest/vpn/sub");
  refuses(PNG.sync.write(new PNG({ width: 64, height: 64 })), "qr-missing");
  refuses(image.subarray(0, image.length >> 1), "image-damaged");
  refuses(Buffer.from("GIF89a"), "image-unknown");
  refuses(new Uint8Array(0), "image-unknown");
  const huge = Buffer.from(image);
  huge.writeUInt32BE(1_000_000, 16);
  refuses(huge, "image-too-large");
  refuses(new Uint8Array(8_388_609), "image-too-large");
});
