/** What a person gives to `montana vpn import`: a text as it is, a file, a picture, or standard input. */
import { apiError } from "../../api/errors.ts";
import { readBytes } from "./files.ts";

const FILE_BYTES_MAX = 8_388_608;
const IS_TEXT = /^(?:vless|montana|https?):\/\//i;

/** Throws "file-unreadable". */
export async function readImport(given: string | undefined): Promise<{ text: string } | { image: string }> {
  if (given === undefined) throw apiError("usage", { reason: "What is to be imported?", command: "vpn" });
  if (IS_TEXT.test(given.trim())) return { text: given };
  const bytes = given === "-" ? await readInput() : await readBytes(given, FILE_BYTES_MAX);
  const isPicture = [PNG, JPEG].some((signature) => signature.every((byte, i) => bytes[i] === byte));
  if (isPicture) return { image: Buffer.from(bytes).toString("base64") };
  const text = new TextDecoder().decode(bytes).trim();
  if (text === "") throw apiError("import-unusable");
  return { text };
}

const PNG = [0x89, 0x50, 0x4e, 0x47];
const JPEG = [0xff, 0xd8];

async function readInput(): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of process.stdin as AsyncIterable<Uint8Array>) {
    length += piece.length;
    if (length > FILE_BYTES_MAX) throw apiError("file-unreadable", { file: "-", errno: "EFBIG" });
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
