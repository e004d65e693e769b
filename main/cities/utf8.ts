/** UTF-8, for a room that has no `TextEncoder`: strict in reading, and a lone surrogate is written as U+FFFD. */

const CHUNK_UNITS = 8192;

/** Bytes that `text` takes. */
export function utf8Length(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    else if (isPairAt(text, i)) {
      length += 4;
      i++;
    } else length += 3;
  }
  return length;
}

export function encodeUtf8(text: string): Uint8Array {
  const wellFormed = text.toWellFormed();
  const bytes = new Uint8Array(utf8Length(wellFormed));
  let length = 0;
  for (let i = 0; i < wellFormed.length; i++) {
    const point = wellFormed.codePointAt(i)!;
    if (point < 0x80) {
      bytes[length++] = point;
      continue;
    }
    if (point < 0x800) {
      bytes[length++] = 0xc0 | (point >> 6);
    } else {
      if (point < 0x10000) {
        bytes[length++] = 0xe0 | (point >> 12);
      } else {
        i++;
        bytes[length++] = 0xf0 | (point >> 18);
        bytes[length++] = 0x80 | ((point >> 12) & 0x3f);
      }
      bytes[length++] = 0x80 | ((point >> 6) & 0x3f);
    }
    bytes[length++] = 0x80 | (point & 0x3f);
  }
  return bytes;
}

/** `undefined` for anything but the shortest encoding of Unicode scalar values. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  let text = "";
  let units: number[] = [];
  for (let i = 0; i < bytes.length;) {
    const first = bytes[i]!;
    const size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (size === 0 || i + size > bytes.length) return undefined;
    const point = pointAt(bytes, i, size);
    if (point === undefined) return undefined;
    if (point < 0x10000) units.push(point);
    else units.push(0xd7c0 + (point >> 10), 0xdc00 | (point & 0x3ff));
    i += size;
    if (units.length >= CHUNK_UNITS) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}

const SMALLEST_POINT = [0, 0, 0x80, 0x800, 0x10000];

function pointAt(bytes: Uint8Array, start: number, size: number): number | undefined {
  const first = bytes[start]!;
  if (size === 1) return first;
  let point = first & (0x7f >> size);
  for (let i = start + 1; i < start + size; i++) {
    const next = bytes[i]!;
    if ((next & 0xc0) !== 0x80) return undefined;
    point = (point << 6) | (next & 0x3f);
  }
  const isSurrogate = point >= 0xd800 && point < 0xe000;
  return point < SMALLEST_POINT[size]! || point > 0x10ffff || isSurrogate ? undefined : point;
}

function isPairAt(text: string, i: number): boolean {
  const high = text.charCodeAt(i);
  const low = text.charCodeAt(i + 1);
  return high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000;
}
