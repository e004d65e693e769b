/** Makes byte strings that decoders must survive: random ones, and valid ones changed where formats are weak. */
import { concatBytes } from "../../main/protocol/bytes.ts";
import type { Random } from "./random.ts";

/** Lengths beyond this are tried by a decoder's own corpus only: most formats refuse them by their length alone. */
const RANDOM_LENGTH_MAX = 65_536;
const STACKED_MAX = 5;
const CHUNK_MAX = 256;

export interface MutationSource {
  /** Encodings, valid ones most of them; at least one. */
  readonly corpus: readonly Uint8Array[];
  /** Byte strings that mean something in the format: type bytes, separators, keywords. */
  readonly tokens: readonly Uint8Array[];
}

/** A byte string that nobody encoded. */
export function randomInput(random: Random, { corpus, tokens }: MutationSource): Uint8Array {
  const bytes = new Uint8Array(randomLength(random, corpus));
  switch (random.below(6)) {
    case 0:
      return bytes.fill(random.pick([0x00, 0xff, 0x01, 0x7f, 0x80, 0x20, 0x31]));
    case 1:
      for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(4);
      return bytes;
    case 2:
      for (let i = 0; i < bytes.length; i++) bytes[i] = 0x20 + random.below(0x5f);
      return bytes;
    case 3:
      // A huge count or length at the start, and nothing that could be counted.
      random.fill(bytes.subarray(0, 64));
      bytes.fill(0xff, 0, random.below(9));
      return bytes;
    case 4:
      if (tokens.length > 0) {
        for (let i = 0; i < bytes.length;) {
          const token = random.pick(tokens).subarray(0, bytes.length - i);
          bytes.set(token, i);
          i += Math.max(1, token.length);
        }
        return bytes;
      }
      break;
    default:
  }
  random.fill(bytes);
  return bytes;
}

function randomLength(random: Random, corpus: readonly Uint8Array[]): number {
  switch (random.below(8)) {
    case 0:
      return 0;
    case 1:
    case 2:
      return random.below(33);
    case 3:
    case 4:
      return random.small(4096);
    case 5:
      return random.once(64) ? random.small(RANDOM_LENGTH_MAX) : random.below(256);
    default: {
      const like = Math.min(RANDOM_LENGTH_MAX, random.pick(corpus).length);
      return Math.max(0, like + random.below(5) - 2);
    }
  }
}

/** `base` with one to five changes. `base` stays as it is. */
export function mutate(random: Random, base: Uint8Array, source: MutationSource): Uint8Array {
  let bytes: Uint8Array = base.slice();
  const changes = 1 + random.small(STACKED_MAX);
  for (let i = 0; i < changes; i++) bytes = change(random, bytes, source);
  return bytes;
}

function change(random: Random, bytes: Uint8Array, { corpus, tokens }: MutationSource): Uint8Array {
  const { length } = bytes;
  if (length === 0) return random.bytes(random.below(64));
  const at = position(random, length);
  switch (random.below(16)) {
    case 0:
    case 1:
      bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 2:
      bytes[at] = random.u32();
      return bytes;
    case 3:
      bytes[at] = random.pick([0, 1, 2, 0x7f, 0x80, 0xfe, 0xff]);
      return bytes;
    case 4:
    case 5:
      return setInteger(random, bytes, at);
    case 6:
      return bytes.slice(0, random.once(2) ? length - 1 - random.below(Math.min(length, 8)) : at);
    case 7:
      return concatBytes(
        bytes,
        random.once(2) ? new Uint8Array(1 + random.below(64)) : random.bytes(1 + random.below(64)),
      );
    case 8: {
      const chunk = chunkAt(random, at, length);
      return concatBytes(bytes.subarray(0, at), bytes.subarray(at + chunk));
    }
    case 9: {
      const chunk = chunkAt(random, at, length);
      return concatBytes(bytes.subarray(0, at + chunk), bytes.subarray(at));
    }
    case 10:
      return swapNeighbours(random, bytes, at);
    case 11: {
      // Equal neighbours: what must ascend no longer does.
      const chunk = chunkAt(random, at, length);
      bytes.copyWithin(Math.min(length, at + chunk), at, at + chunk);
      return bytes;
    }
    case 12:
      bytes.fill(random.pick([0x00, 0xff]), at, at + chunkAt(random, at, length));
      return bytes;
    case 13: {
      const other = random.pick(corpus);
      const from = random.once(2) ? Math.min(at, other.length) : random.below(other.length + 1);
      return concatBytes(bytes.subarray(0, at), other.subarray(from));
    }
    case 14: {
      if (tokens.length === 0) return setInteger(random, bytes, at);
      return concatBytes(bytes.subarray(0, at), random.pick(tokens), bytes.subarray(at));
    }
    default: {
      const token = tokens.length === 0 ? random.bytes(1 + random.below(8)) : random.pick(tokens);
      bytes.set(token.subarray(0, length - at), at);
      return bytes;
    }
  }
}

/** Half of the time near the start, where types, counts and lengths are. */
function position(random: Random, length: number): number {
  return random.once(2) ? random.below(length) : random.small(length);
}

function chunkAt(random: Random, at: number, length: number): number {
  const chunk = random.once(2) ? random.pick([1, 2, 4, 8, 16, 32, 64, 96]) : 1 + random.below(CHUNK_MAX);
  return Math.min(chunk, length - at);
}

function setInteger(random: Random, bytes: Uint8Array, at: number): Uint8Array {
  const size = random.pick([2, 4, 8]);
  if (at + size > bytes.length) return bytes;
  const values = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
  const chosen = random.once(4) ? bytes.length + random.below(3) - 1 : random.pick(values);
  const isAllOnes = random.once(8);
  for (let i = 0; i < size; i++) bytes[at + i] = isAllOnes ? 0xff : i < 4 ? chosen >>> (8 * i) : 0;
  return bytes;
}

function swapNeighbours(random: Random, bytes: Uint8Array, at: number): Uint8Array {
  const chunk = Math.min(chunkAt(random, at, bytes.length), Math.floor((bytes.length - at) / 2));
  const first = bytes.slice(at, at + chunk);
  bytes.copyWithin(at, at + chunk, at + 2 * chunk);
  bytes.set(first, at + chunk);
  return bytes;
}
