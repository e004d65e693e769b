/**
 * Where a key lies in the tree (chapter 02 §4.2). Tree order compares keys as little-endian 256-bit numbers, so that every
 * subtree is one contiguous range of keys; it is not the ascending byte order of lists and files.
 */
export const TREE_DEPTH = 256;

/**
 * Bit `index`, 0 to 255, of the 32-byte key at `start`; 0 is the lowest bit of byte 0. A level-L subtree is divided by bit
 * L − 1: 0 lies left, 1 right.
 */
export function bit(key: Uint8Array, index: number, start = 0): number {
  return (key[start + (index >> 3)]! >> (index & 7)) & 1;
}

export function compareTreeOrder(a: Uint8Array, b: Uint8Array): number {
  for (let i = 31; i >= 0; i--) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * The level of the smallest subtree that holds both keys: 1 + the highest bit in which they differ, 0 for equal keys. Both
 * keys lie inside larger arrays, at `aStart` and `bStart`.
 */
export function meetingLevel(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number): number {
  for (let i = 31; i >= 0; i--) {
    const difference = a[aStart + i]! ^ b[bStart + i]!;
    if (difference !== 0) return 8 * i + 32 - Math.clz32(difference);
  }
  return 0;
}

/** Keeps prefixes exact in a `number`; they are sent in 54 bits (§4.12). */
export const PREFIX_BITS_MAX = 48;

/** Index of the subtree at level 256 − `depth` in which `key` lies: key bits 255, 254, … read as a number (§4.12). */
export function prefixOf(key: Uint8Array, depth: number): number {
  let prefix = 0;
  for (let i = 0; i < depth; i++) prefix = 2 * prefix + bit(key, TREE_DEPTH - 1 - i);
  return prefix;
}
