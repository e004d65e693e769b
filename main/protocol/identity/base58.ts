/** Base58 as Bitcoin has it (chapter 01 §4.8): a big-endian number, and one leading `1` for each leading zero byte. */
import { fromHex, toHex } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";

export type Base58ErrorCode = "bad-character" | "bad-length";

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BASE = 58n;
/** Decoding takes quadratic time; the longest text of the protocol, a PeerId with 64 bytes of digest, has 91 characters. */
const TEXT_MAX = 128;

const VALUE_BY_CHARACTER: ReadonlyMap<string, bigint> = new Map(
  Array.from(ALPHABET, (character, value) => [character, BigInt(value)]),
);

export function encodeBase58(bytes: Uint8Array): string {
  const leadingZeros = countLeading(bytes, 0);
  let text = "";
  for (let rest = BigInt(`0x0${toHex(bytes)}`); rest > 0n; rest /= BASE) text = ALPHABET[Number(rest % BASE)]! + text;
  return "1".repeat(leadingZeros) + text;
}

/**
 * Throws `ProtocolError<Base58ErrorCode>`: "bad-character" for anything outside the alphabet, white space included, then
 * "bad-length" for more than 128 characters.
 */
export function decodeBase58(text: string): Uint8Array {
  const values: bigint[] = [];
  let position = 0;
  for (const character of text) {
    const value = VALUE_BY_CHARACTER.get(character);
    if (value === undefined) throw new ProtocolError<Base58ErrorCode>("bad-character", { position });
    // The whole text is looked at, but no more of it kept than can be a name.
    if (position < TEXT_MAX) values.push(value);
    position++;
  }
  if (position > TEXT_MAX) throw new ProtocolError<Base58ErrorCode>("bad-length", { max: TEXT_MAX });
  const number = values.reduce((sum, value) => sum * BASE + value, 0n);
  const digits = number === 0n ? "" : number.toString(16);
  const significant = fromHex(digits.length % 2 === 0 ? digits : `0${digits}`)!;
  const bytes = new Uint8Array(countLeading(values, 0n) + significant.length);
  bytes.set(significant, bytes.length - significant.length);
  return bytes;
}

function countLeading<T>(values: ArrayLike<T>, wanted: T): number {
  let count = 0;
  while (count < values.length && values[count] === wanted) count++;
  return count;
}
