/**
 * Decoders of text get any sequence of UTF-16 units, lone surrogates too. As bytes such a text is UTF-8 in which surrogates
 * are allowed; bytes that are no such thing stand for the characters U+0080 and above, so that every byte string is a text.
 */

export function textOf(bytes: Uint8Array): string {
  let text = "";
  let plainFrom = 0;
  for (let i = 0; i < bytes.length;) {
    if (bytes[i]! < 0x80) {
      i++;
      continue;
    }
    text += latin1(bytes, plainFrom, i);
    const size = sizeOfSequence(bytes, i);
    text += size === 0 ? String.fromCharCode(bytes[i]!) : String.fromCodePoint(codePointAt(bytes, i, size));
    i += Math.max(1, size);
    plainFrom = i;
  }
  return text + latin1(bytes, plainFrom, bytes.length);
}

/** The shortest bytes of a text: `textOf(bytesOf(text)) = text`. */
export function bytesOf(text: string): Uint8Array {
  if (/^[\x00-\x7f]*$/.test(text)) return new Uint8Array(Buffer.from(text, "latin1"));
  const buffer = Buffer.allocUnsafe(3 * text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i)!;
    if (point > 0xffff) i++;
    if (point < 0x80) {
      buffer[length++] = point;
    } else if (point < 0x800) {
      buffer[length++] = 0xc0 | (point >> 6);
      buffer[length++] = 0x80 | (point & 0x3f);
    } else if (point < 0x10000) {
      buffer[length++] = 0xe0 | (point >> 12);
      buffer[length++] = 0x80 | ((point >> 6) & 0x3f);
      buffer[length++] = 0x80 | (point & 0x3f);
    } else {
      buffer[length++] = 0xf0 | (point >> 18);
      buffer[length++] = 0x80 | ((point >> 12) & 0x3f);
      buffer[length++] = 0x80 | ((point >> 6) & 0x3f);
      buffer[length++] = 0x80 | (point & 0x3f);
    }
  }
  return new Uint8Array(buffer.subarray(0, length));
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return start === end ? "" : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1", start, end);
}

/** Length of the sequence that begins at `start`; 0 where none does. */
function sizeOfSequence(bytes: Uint8Array, start: number): number {
  const first = bytes[start]!;
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || start + size > bytes.length) return 0;
  for (let i = 1; i < size; i++) if ((bytes[start + i]! & 0xc0) !== 0x80) return 0;
  const point = codePointAt(bytes, start, size);
  const smallest = size === 2 ? 0x80 : size === 3 ? 0x800 : 0x10000;
  return point < smallest || point > 0x10ffff ? 0 : size;
}

function codePointAt(bytes: Uint8Array, start: number, size: number): number {
  let point = bytes[start]! & (0xff >> (size + 1));
  for (let i = 1; i < size; i++) point = (point << 6) | (bytes[start + i]! & 0x3f);
  return point;
}
