/** Base64: written in the standard alphabet with padding, read in either alphabet with or without it. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CHUNK_BYTES = 6144;

export function encodeBase64(bytes: Uint8Array): string {
  const chunks: string[] = [];
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    chunks.push(encodeChunk(bytes.subarray(start, start + CHUNK_BYTES)));
  }
  return chunks.join("");
}

/** `undefined` for another character, a padding inside, or a length that no byte string has. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/={1,2}$/, "");
  if (digits.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let length = 0;
  let held = 0;
  let heldBits = 0;
  for (let i = 0; i < digits.length; i++) {
    const value = digitOf(digits.charCodeAt(i));
    if (value < 0) return undefined;
    held = ((held << 6) | value) & 0xfff;
    heldBits += 6;
    if (heldBits >= 8) {
      heldBits -= 8;
      bytes[length++] = (held >> heldBits) & 0xff;
    }
  }
  return bytes;
}

/** Drops what `length` whole bytes leave unused of the last digit: one text for each byte string. */
export function canonicalBase64Url(digits: string): string {
  const spareBits = (digits.length * 6) % 8;
  const last = digitOf(digits.charCodeAt(digits.length - 1)) >> spareBits;
  return digits.slice(0, -1) + urlDigit(last << spareBits);
}

const urlDigit = (value: number): string => (value === 62 ? "-" : value === 63 ? "_" : ALPHABET[value]!);

/** Of a UTF-16 unit; −1 where it is no digit of either alphabet. */
function digitOf(unit: number): number {
  if (unit >= 0x41 && unit <= 0x5a) return unit - 0x41;
  if (unit >= 0x61 && unit <= 0x7a) return unit - 0x61 + 26;
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30 + 52;
  if (unit === 0x2b || unit === 0x2d) return 62;
  if (unit === 0x2f || unit === 0x5f) return 63;
  return -1;
}

function encodeChunk(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const triple = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += ALPHABET[triple >> 18]! + ALPHABET[(triple >> 12) & 63]!;
    text += left > 1 ? ALPHABET[(triple >> 6) & 63]! : "=";
    text += left > 2 ? ALPHABET[triple & 63]! : "=";
  }
  return text;
}
