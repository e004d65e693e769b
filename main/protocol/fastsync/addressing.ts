/** What `resume_offset` asks for (chapter 02 §4.11, §4.12). Its two top bits choose the kind. */

/**
 * - `chunk`: chunk `index` of the snapshot;
 * - `manifest`: chunk `index` of the list of subtree roots of the Account Table;
 * - `accounts`: part `part` of the accounts under prefix `prefix`;
 * - `reserved`: nothing yet; answered with error 3.
 */
export type Address =
  | { readonly kind: "chunk" | "manifest"; readonly index: bigint }
  | { readonly kind: "accounts"; readonly prefix: bigint; readonly part: number }
  | { readonly kind: "reserved" };

const KIND_SHIFT = 62n;
const INDEX_MASK = (1n << KIND_SHIFT) - 1n;
const PART_BITS = 8n;
const PART_MASK = (1n << PART_BITS) - 1n;
const KIND_CHUNK = 0n;
const KIND_ACCOUNTS = 1n;
const KIND_MANIFEST = 2n;

/** `resumeOffset` is a u64. */
export function readAddress(resumeOffset: bigint): Address {
  const index = resumeOffset & INDEX_MASK;
  switch (resumeOffset >> KIND_SHIFT) {
    case KIND_CHUNK:
      return { kind: "chunk", index };
    case KIND_MANIFEST:
      return { kind: "manifest", index };
    case KIND_ACCOUNTS:
      return { kind: "accounts", prefix: index >> PART_BITS, part: Number(index & PART_MASK) };
    default:
      return { kind: "reserved" };
  }
}

export const chunkAddress = (index: bigint): bigint => (KIND_CHUNK << KIND_SHIFT) | index;
export const manifestAddress = (index: bigint): bigint => (KIND_MANIFEST << KIND_SHIFT) | index;

/** `part` is at most 255: a prefix holds about 256 accounts, so a second part is rare already. */
export const accountsAddress = (prefix: bigint, part: number): bigint =>
  (KIND_ACCOUNTS << KIND_SHIFT) | (prefix << PART_BITS) | BigInt(part);
