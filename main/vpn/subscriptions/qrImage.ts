/** The text of a QR code in a PNG or JPEG image, such as a screenshot. Images come from anywhere: all is bounded. */
import { inflateSync } from "node:zlib";

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
/** A progressive image has some ten; each of a few bytes goes over all pixels. */
const SCANS_MAX = 32;
const SCAN_START = Buffer.from([0xff, 0xda]);
/** Milliseconds for what a first look does not find. */
const SEARCH_TIME = 1000;
/** Bytes of a chunk besides its data: length, type, checksum. */
const CHUNK_FRAME = 12;
const IHDR_SIZE = 13;
/** Seven small images, each with a byte before every line. */
const INTERLACED_PASSES = 7;
/** Four channels of 16 bits. */
const SAMPLE_BYTES_MAX = 8;
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
  if (isPng) demandBoundedPng(bytes);
  else if (countOf(SCAN_START, bytes) > SCANS_MAX) throw new ProtocolError("image-damaged");
  try {
    if (isPng) return PNG.sync.read(bytes);
    const limits = { maxResolutionInMP: PIXELS_MAX / 1e6, maxMemoryUsageInMB: JPEG_MEMORY_MAX };
    return decodeJpeg(bytes, { ...limits, useTArray: true, formatAsRGBA: true });
  } catch (error) {
    const isLimit = error instanceof Error && /maxResolutionInMP|maxMemoryUsageInMB/.test(error.message);
    throw new ProtocolError(isLimit ? "image-too-large" : "image-damaged");
  }
}

/** Before anything is unpacked: a few bytes can claim a large image, or unpack to very many more than the image that they claim. */
function demandBoundedPng(bytes: Buffer): void {
  const [first, ...others] = chunksOf(bytes);
  if (first?.type !== "IHDR" || first.data.length < IHDR_SIZE) throw new ProtocolError("image-damaged");
  if (others.some(({ type }) => type === "IHDR")) throw new ProtocolError("image-damaged");
  const [width, height] = [first.data.readUInt32BE(0), first.data.readUInt32BE(4)];
  if (width > SIDE_MAX || height > SIDE_MAX || width * height > PIXELS_MAX) throw new ProtocolError("image-too-large");
  // Of an interlaced one the decoder unpacks whatever comes.
  if (first.data[12] !== 0) {
    const packed = others.filter(({ type }) => type === "IDAT").map(({ data }) => data);
    demandUnpacks(Buffer.concat(packed), INTERLACED_PASSES * height + SAMPLE_BYTES_MAX * width * height);
  }
}

function demandUnpacks(packed: Buffer, bytesMax: number): void {
  try {
    inflateSync(packed, { maxOutputLength: bytesMax + INTERLACED_PASSES });
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw new ProtocolError(isTooLarge ? "image-too-large" : "image-damaged");
  }
}

function countOf(wanted: Buffer, bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + wanted.length)) count++;
  return count;
}

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

/** As far as they are whole; what is wrong with the rest, the decoder says. */
function chunksOf(bytes: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = PNG_SIGNATURE.length; at + CHUNK_FRAME <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at);
    if (end + 4 > bytes.length) break;
    chunks.push({ type: bytes.toString("latin1", at + 4, at + 8), data: bytes.subarray(at + 8, end) });
    at = end + 4;
  }
  return chunks;
}
