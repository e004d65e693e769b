/**
 * The checksum that every stored record carries: no engine notices every flipped bit. CRC-32 finds every change of up to 32
 * neighbouring bits and every two flipped bits in records of our size, and lets one in 2³² other accidents pass, at about 1 GB
 * a second in Node's own zlib. It need not resist an attacker: who can write our files can write checksums too, and the
 * state itself is held against the roots of a signed header.
 *
 * The checksum starts from the place of the record, so that an intact record in another one's place is found as well.
 */
import { crc32 } from "node:zlib";

import { storeError } from "./errors.ts";

export const CHECKSUM_SIZE = 4;

/** Where records live. Numbers are part of the file format. */
const PLACES = {
  meta: 1,
  accounts: 2,
  nodes: 3,
  candidates: 4,
  headers: 5,
  times: 6,
  objects: 7,
  history: 8,
  undo: 9,
  keys: 10,
  signedLog: 11,
  slots: 12,
  epochs: 13,
} as const;
export type Place = keyof typeof PLACES;

const HIGH_WORD = 2 ** 32;

/** `key` is a whole number below 2^53: a row id, a slot, a window or an offset. */
function checksum(place: Place, key: number, bytes: Uint8Array): number {
  const seed = (Math.imul(PLACES[place], 0x9e3779b1) ^ key ^ Math.imul(Math.floor(key / HIGH_WORD), 0x85ebca6b)) >>> 0;
  return crc32(bytes, seed);
}

/**
 * `bytes` and their checksum after them. `bound` are bytes that are kept elsewhere, in a key of the database, and belong to
 * the record: the checksum covers them too.
 */
export function seal(place: Place, key: number, bytes: Uint8Array, bound?: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(bytes.length + CHECKSUM_SIZE);
  sealed.set(bytes);
  new DataView(sealed.buffer).setUint32(bytes.length, boundChecksum(place, key, bytes, bound), true);
  return sealed;
}

/** The bytes of {@link seal}. Throws `record-corrupted` with the place and the key. */
export function unseal(place: Place, key: number, sealed: Uint8Array, bound?: Uint8Array): Uint8Array {
  if (!isSealIntact(place, key, sealed, bound)) throw storeError("record-corrupted", { table: place, key });
  return sealed.subarray(0, sealed.length - CHECKSUM_SIZE);
}

export function isSealIntact(place: Place, key: number, sealed: Uint8Array, bound?: Uint8Array): boolean {
  const length = sealed.length - CHECKSUM_SIZE;
  if (length < 0) return false;
  const stored = new DataView(sealed.buffer, sealed.byteOffset + length, CHECKSUM_SIZE).getUint32(0, true);
  return stored === boundChecksum(place, key, sealed.subarray(0, length), bound);
}

function boundChecksum(place: Place, key: number, bytes: Uint8Array, bound: Uint8Array | undefined): number {
  const sum = checksum(place, key, bytes);
  return bound === undefined ? sum : crc32(bound, sum);
}
