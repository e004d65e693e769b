import { crc32, deflateSync } from "node:zlib";

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

/** A chunk with its checksum. */
function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

const header = (width: number, height: number, interlace: 0 | 1): Buffer => {
  const data = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 6, 0, 0, interlace]);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  return chunk("IHDR", data);
};
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const END = chunk("IEND", Buffer.alloc(0));

test("a few bytes that would unpack to very many are refused before they do", () => {
  const bomb = chunk("IDAT", deflateSync(Buffer.alloc(200_000_000)));
  refuses(Buffer.concat([SIGNATURE, header(8, 8, 1), bomb, END]), "image-too-large");
  // The size that counts is another one than that which stands first.
  refuses(Buffer.concat([SIGNATURE, header(8, 8, 0), header(30_000, 30_000, 0), bomb, END]), "image-damaged");
  // An interlaced image that is what it says: 8 lines of 8 points in seven passes of 15 lines.
  const honest = chunk("IDAT", deflateSync(Buffer.alloc(4 * 64 + 15)));
  refuses(Buffer.concat([SIGNATURE, header(8, 8, 1), honest, END]), "qr-missing");
  // Scans of a few bytes, each of which goes over all points of a JPEG.
  const jpeg = Buffer.from(encodeJpeg(draw("https://montana.quest/vpn/sub"), 90).data);
  const scans = jpeg.subarray(jpeg.indexOf(Buffer.from([0xff, 0xda])), -2);
  refuses(
    Buffer.concat([jpeg.subarray(0, -2), ...Array.from({ length: 100 }, () => scans), jpeg.subarray(-2)]),
    "image-damaged",
  );
});
