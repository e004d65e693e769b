/**
 * An account request as a series of QR codes: a text for each, in the characters that QR codes hold most densely
 * (alphanumeric mode), in any order:
 *
 *     MT1/<index from 1>/<total>/<series>/<checksum>/<base32 of a part of the request>
 *
 * `series` is the same in all and made of the whole request, `checksum` of everything else in the picture.
 */
import { concatBytes, toHex } from "../protocol/bytes.ts";
import type { Crypto } from "../protocol/crypto.ts";
import {
  decodeRequest,
  encodeRequest,
  readRequestLink,
  REQUEST_BYTES_MAX,
  type AccountRequest,
} from "./accountRequest.ts";
import { walletError } from "./errors.ts";

/** Gives about 430 characters: a code of version 13 at error correction M, which every camera reads from a screen. */
const PART_BYTES = 240;
const PICTURES_MAX = Math.ceil(REQUEST_BYTES_MAX / PART_BYTES);
const TEXT_LENGTH_MAX = 512;
const CHECK_BYTES = 4;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const PICTURE_PREFIX = "MT1/";
/** Some of them twice. */
const TEXTS_MAX = 4 * PICTURES_MAX;
const PICTURE = /^(MT1\/([1-9][0-9]?)\/([1-9][0-9]?)\/([0-9A-F]{8}))\/([0-9A-F]{8})\/([A-Z2-7]+)$/;

/** The texts of the pictures, in order. */
export function requestPictures(crypto: Crypto, request: AccountRequest): string[] {
  const content = encodeRequest(crypto, request);
  const total = Math.ceil(content.length / PART_BYTES);
  const series = check(crypto, content);
  return Array.from({ length: total }, (_, i) => {
    const head = `MT1/${i + 1}/${total}/${series}`;
    const part = encodeBase32(content.subarray(i * PART_BYTES, (i + 1) * PART_BYTES));
    return `${head}/${check(crypto, new TextEncoder().encode(`${head}/${part}`))}/${part}`;
  });
}

/** Takes pictures as a camera sees them: again and again, in any order. */
export class PictureCollector {
  readonly #crypto: Crypto;
  readonly #parts = new Map<number, Uint8Array>();
  #series: string | undefined;
  #total = 0;

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** Numbers of the pictures not seen yet; all unknown before the first. */
  get missing(): readonly number[] {
    return Array.from({ length: this.#total }, (_, i) => i + 1).filter((index) => !this.#parts.has(index));
  }

  /** Throws "picture-malformed", "picture-checksum" or "picture-of-another-series" and keeps what it had. */
  add(text: string): void {
    const found = text.length > TEXT_LENGTH_MAX ? null : PICTURE.exec(text.trim());
    if (found === null) throw walletError("picture-malformed");
    const [, head, indexText, totalText, series, checksum, encoded] = found as unknown as string[];
    const [index, total] = [Number(indexText), Number(totalText)];
    if (index > total || total > PICTURES_MAX) throw walletError("picture-malformed");
    const expected = check(this.#crypto, new TextEncoder().encode(`${head!}/${encoded!}`));
    if (checksum !== expected) throw walletError("picture-checksum");
    const part = decodeBase32(encoded!);
    if (part === undefined || part.length > PART_BYTES) throw walletError("picture-malformed");
    const name = `${series!}/${total}`;
    if (this.#series !== undefined && this.#series !== name) throw walletError("picture-of-another-series");
    this.#series = name;
    this.#total = total;
    this.#parts.set(index, part);
  }

  /** Throws "pictures-missing", "picture-checksum" where parts do not belong together, and as `decodeRequest`. */
  request(): AccountRequest {
    const missing = this.#total - this.#parts.size;
    if (this.#total === 0 || missing > 0) throw walletError("pictures-missing", { missing, total: this.#total });
    const content = concatBytes(...Array.from({ length: this.#total }, (_, i) => this.#parts.get(i + 1)!));
    if (`${check(this.#crypto, content)}/${this.#total}` !== this.#series) throw walletError("picture-checksum");
    return decodeRequest(this.#crypto, content);
  }
}

/** Reads a link, or the text of a file that holds one or all pictures of a request. Throws as both. */
export function readRequest(crypto: Crypto, text: string): AccountRequest {
  if (!text.trimStart().startsWith(PICTURE_PREFIX)) return readRequestLink(crypto, text);
  const collector = new PictureCollector(crypto);
  for (const line of text.split(/\s+/, TEXTS_MAX)) if (line !== "") collector.add(line);
  return collector.request();
}

function check(crypto: Crypto, content: Uint8Array): string {
  return toHex(crypto.sha256(content).subarray(0, CHECK_BYTES)).toUpperCase();
}

function encodeBase32(content: Uint8Array): string {
  let text = "";
  let [value, bits] = [0, 0];
  for (const byte of content) {
    value = ((value << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(value >> (bits - 5)) & 31]!;
  }
  return bits === 0 ? text : text + ALPHABET[(value << (5 - bits)) & 31]!;
}

/** `undefined` for a length that no bytes have, or for bits left over that are not zero. */
function decodeBase32(text: string): Uint8Array | undefined {
  const content = new Uint8Array(Math.floor((text.length * 5) / 8));
  let [value, bits, length] = [0, 0, 0];
  for (const character of text) {
    value = ((value << 5) | ALPHABET.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    content[length++] = value >> bits;
  }
  return bits >= 5 || (value & ((1 << bits) - 1)) !== 0 ? undefined : content;
}
