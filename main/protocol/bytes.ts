/** Byte strings of known length and the few operations on them that the protocol needs (chapter 01 §3.1). */

declare const byteLength: unique symbol;
declare const meaning: unique symbol;

/** Bytes whose length is known by type. Only {@link sized} and codecs make one. */
export type Bytes<N extends number> = Uint8Array & { readonly [byteLength]: N };
export type Hash32 = Bytes<32>;
/** Name of an account: `hash("mt-account", suite, first key)` (chapter 01 §4.7). */
export type AccountId = Hash32 & { readonly [meaning]: "account" };
/** Name of a node: `hash("mt-node", node key)` (chapter 01 §4.7). */
export type NodeId = Hash32 & { readonly [meaning]: "node" };

export const HASH_SIZE = 32;
/** 32 zero bytes. Shared: nobody writes into a hash. */
export const ZERO_HASH = new Uint8Array(HASH_SIZE) as Hash32;

/** Brands `bytes` with its length. Throws `RangeError` when the length differs: a programming error, not bad input. */
export function sized<N extends number>(bytes: Uint8Array, length: N): Bytes<N> {
  if (bytes.length !== length) throw new RangeError(`expected ${length} bytes, got ${bytes.length}`);
  return bytes as Bytes<N>;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Compares public values. Not constant-time: never use it on secrets or authentication tags. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/** Canonical order: unsigned, byte 0 first; a proper prefix sorts first (chapter 01 §4.13). */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function isAllZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** ASCII text as bytes. Throws `RangeError` on any other character. */
export function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) throw new RangeError("text is not ASCII");
    bytes[i] = code;
  }
  return bytes;
}

/**
 * A string that is equal for equal bytes, for use as a key of `Map` and `Set`, whose own equality on arrays is identity.
 * Two bytes make one UTF-16 unit; it sorts like the bytes do and is never shown or stored.
 */
export function byteKey(bytes: Uint8Array): string {
  const units = new Array<number>((bytes.length + 1) >> 1);
  for (let i = 0; i < units.length; i++) units[i] = (bytes[2 * i]! << 8) | (bytes[2 * i + 1] ?? 0);
  return String.fromCharCode.apply(undefined, units);
}

const HEX_DIGITS = "0123456789abcdef";

export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX_DIGITS[byte >> 4]! + HEX_DIGITS[byte & 15]!;
  return text;
}

/** Decodes lower- or upper-case hex. `undefined` for an odd length or another character. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
