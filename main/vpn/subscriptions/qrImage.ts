/** The text of a QR code in a PNG or JPEG image, such as a screenshot. Images come from anywhere: all is bounded. */
import { decode as decodeJpeg } from "jpeg-js";
import { PNG } from "pngjs";
import { decodeQR } from "qr/decode.js";

import { ProtocolError } from "../../protocol/errors.ts";

export const IMAGE_MAX = 8_388_608;
/** Pixels of a side, and of an image: a screen's, twice over. */
const SIDE_MAX = 8192;
const PIXELS_MAX = 16_777_216;
/** Megabytes. */
const JPEG_MEMORY_MAX = 256;
/** Milliseconds for what a first look does not find. */
const SEARCH_TIME = 1000;
const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Throws `image-too-large`, `image-unknown` (neither PNG nor JPEG), `image-damaged` or `qr-missing`. */
export function readQrImage(bytes: Uint8Array): string {
  if (bytes.length > IMAGE_MAX) throw new ProtocolError("image-too-large");
  const { width, height, data } = decodeImage(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  try {
    return decodeQR({ width, height, data }, { format: "RGBA", timeLimit: SEARCH_TIME });
  } catch {
    throw new ProtocolError("qr-missing");
  }
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Four bytes each: red, green, blue, alpha. */
  readonly data: Uint8Array;
}

function decodeImage(bytes: Buffer): Pixels {
  const isPng = bytes.subarray(0, 8).equals(PNG_SIGNATURE);
  if (!isPng && (bytes[0] !== 0xff || bytes[1] !== 0xd8)) throw new ProtocolError("image-unknown");
  if (isPng && bytes.length >= 24) demandSize(bytes.readUInt32BE(16), bytes.readUInt32BE(20));
  try {
    if (isPng) return PNG.sync.read(bytes);
    const limits = { maxResolutionInMP: PIXELS_MAX / 1e6, maxMemoryUsageInMB: JPEG_MEMORY_MAX };
    return decodeJpeg(bytes, { ...limits, useTArray: true, formatAsRGBA: true });
  } catch (error) {
    const isLimit = error instanceof Error && /maxResolutionInMP|maxMemoryUsageInMB/.test(error.message);
    throw new ProtocolError(isLimit ? "image-too-large" : "image-damaged");
  }
}

/** Before anything is unpacked: a few bytes can claim a large image. */
function demandSize(width: number, height: number): void {
  if (width > SIDE_MAX || height > SIDE_MAX || width * height > PIXELS_MAX) throw new ProtocolError("image-too-large");
}
