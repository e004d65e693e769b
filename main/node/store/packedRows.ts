/**
 * Rows of one fixed size in memory, by id, without an object a row: slots in groups that lie in slabs of typed arrays, and an
 * open-addressing index of slot numbers. A group is what the database stores as one value, in the same bytes.
 *
 * Memory for n rows: their size, 4 bytes ÷ load (0.35 to 0.7) for the index, 8 more a row once an order was asked for.
 */
import { randomBytes } from "node:crypto";

import { HASH_SIZE, type Hash32 } from "../../protocol/bytes.ts";
import { invariant } from "../../protocol/errors.ts";

const GROUPS_PER_SLAB = 64;
const FIRST_INDEX_SIZE = 64;
const LOAD_MAX = 0.7;
/** Keeps slot + 1 in 32 bits. */
const SLOTS_MAX = 2 ** 31;
/** A group stays within one page of the database. */
const GROUP_BYTES_MAX = 4040;

export class PackedRows {
  /** Bytes of a row, checksum included. It begins with the 32-byte id. */
  readonly rowSize: number;
  readonly rowsPerGroup: number;
  readonly groupSize: number;
  readonly #slabs: Uint8Array[] = [];
  /** Slot + 1 at the place of its id, 0 where free. */
  #index = new Uint32Array(FIRST_INDEX_SIZE);
  #size = 0;
  /** Slots ever used: those above are free. */
  #used = 0;
  /** Free slots below {@link #used}. */
  readonly #free: number[] = [];
  #order: Uint32Array | undefined;
  /** Places in the index cannot be foreseen by who chooses ids. */
  readonly #seed = randomBytes(4).readUInt32LE() | 1;

  constructor(rowSize: number) {
    this.rowSize = rowSize;
    this.rowsPerGroup = Math.floor(GROUP_BYTES_MAX / rowSize);
    this.groupSize = this.rowsPerGroup * rowSize;
  }

  get size(): number {
    return this.#size;
  }

  get groups(): number {
    return Math.ceil(this.#used / this.rowsPerGroup);
  }

  /** The slot of `id`, or −1. */
  find(id: Hash32): number {
    const mask = this.#index.length - 1;
    for (let at = this.#placeOf(id); ; at = (at + 1) & mask) {
      const entry = this.#index[at]!;
      if (entry === 0) return -1;
      if (this.#hasId(entry - 1, id)) return entry - 1;
    }
  }

  /** The bytes of a slot: a view, not to be written into or kept. */
  row(slot: number): Uint8Array {
    const group = Math.floor(slot / this.rowsPerGroup);
    const start = (group % GROUPS_PER_SLAB) * this.groupSize + (slot % this.rowsPerGroup) * this.rowSize;
    return this.#slabs[Math.floor(group / GROUPS_PER_SLAB)]!.subarray(start, start + this.rowSize);
  }

  /** A copy of a group as it is stored; zeros where it does not exist yet. */
  copyGroup(group: number): Uint8Array {
    const slab = this.#slabs[Math.floor(group / GROUPS_PER_SLAB)];
    const start = (group % GROUPS_PER_SLAB) * this.groupSize;
    return slab === undefined ? new Uint8Array(this.groupSize) : slab.slice(start, start + this.groupSize);
  }

  /** The `count` slots that {@link insert} takes next, in this order; nothing is taken yet. */
  peekFreeSlots(count: number): number[] {
    const reused = this.#free.slice(Math.max(0, this.#free.length - count)).reverse();
    const slots = [...reused];
    for (let next = this.#used; slots.length < count; next++) slots.push(next);
    return slots;
  }

  /** Puts a row with a new id into the next free slot, and gives it. */
  insert(row: Uint8Array): number {
    const slot = this.#free.pop() ?? this.#used++;
    invariant(slot < SLOTS_MAX, "a table holds fewer than 2^31 rows");
    this.#place(slot, row);
    return slot;
  }

  /** Overwrites a row; the id stays. */
  replace(slot: number, row: Uint8Array): void {
    this.row(slot).set(row);
  }

  remove(slot: number): void {
    this.#unindex(slot);
    this.row(slot).fill(0);
    this.#free.push(slot);
    this.#size--;
    this.#order = undefined;
  }

  /** Fills in group `group` as it is stored; slots whose `isRow` is false stay free. Groups come one after the other. */
  loadGroup(group: number, bytes: Uint8Array, isRow: (row: Uint8Array, slot: number) => boolean): void {
    const first = group * this.rowsPerGroup;
    for (let i = 0; i < this.rowsPerGroup; i++) {
      const slot = first + i;
      const row = bytes.subarray(i * this.rowSize, (i + 1) * this.rowSize);
      this.#used = slot + 1;
      if (isRow(row, slot)) this.#place(slot, row);
      else this.#free.push(slot);
    }
  }

  /** After the last group: free slots are used from the lowest on. */
  finishLoading(): void {
    this.#free.sort((a, b) => b - a);
    let trailing = 0;
    while (this.#free[trailing] === this.#used - 1 - trailing && trailing < this.#free.length) trailing++;
    this.#free.splice(0, trailing);
    this.#used -= trailing;
  }

  /** Slots of all rows, ascending by id. Computed again after an id came or went. */
  order(): Uint32Array {
    this.#order ??= this.#sort();
    return this.#order;
  }

  /** Slots of all rows, as they lie. */
  *slots(): Iterable<number> {
    for (let slot = 0; slot < this.#used; slot++) if (!this.isFree(slot)) yield slot;
  }

  /** Whether nothing lies in `slot`. No id is all zeros: it is a hash. */
  isFree(slot: number): boolean {
    return slot >= this.#used || isZeroRow(this.row(slot));
  }

  get slotsUsed(): number {
    return this.#used;
  }

  #place(slot: number, row: Uint8Array): void {
    const slab = Math.floor(slot / this.rowsPerGroup / GROUPS_PER_SLAB);
    while (this.#slabs.length <= slab) this.#slabs.push(new Uint8Array(GROUPS_PER_SLAB * this.groupSize));
    this.row(slot).set(row);
    this.#size++;
    this.#order = undefined;
    if (this.#size > this.#index.length * LOAD_MAX) this.#grow();
    else this.#enter(slot);
  }

  #enter(slot: number): void {
    const mask = this.#index.length - 1;
    let at = this.#placeOf(this.row(slot));
    while (this.#index[at] !== 0) at = (at + 1) & mask;
    this.#index[at] = slot + 1;
  }

  #grow(): void {
    this.#index = new Uint32Array(2 * this.#index.length);
    for (const slot of this.slots()) this.#enter(slot);
  }

  /** Moves entries back that were pushed on by this one, so that no search ends too early. */
  #unindex(slot: number): void {
    const mask = this.#index.length - 1;
    let hole = this.#placeOf(this.row(slot));
    while (this.#index[hole] !== slot + 1) hole = (hole + 1) & mask;
    for (let at = (hole + 1) & mask; this.#index[at] !== 0; at = (at + 1) & mask) {
      const home = this.#placeOf(this.row(this.#index[at]! - 1));
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#index[hole] = this.#index[at]!;
      hole = at;
    }
    this.#index[hole] = 0;
  }

  #placeOf(id: Uint8Array): number {
    const low = id[0]! | (id[1]! << 8) | (id[2]! << 16) | (id[3]! << 24);
    const high = id[4]! | (id[5]! << 8) | (id[6]! << 16) | (id[7]! << 24);
    let mixed = Math.imul(low ^ this.#seed, 0x9e3779b1) ^ Math.imul(high + this.#seed, 0x85ebca6b);
    mixed ^= mixed >>> 15;
    return mixed & (this.#index.length - 1);
  }

  #hasId(slot: number, id: Uint8Array): boolean {
    const row = this.row(slot);
    for (let i = 0; i < HASH_SIZE; i++) if (row[i] !== id[i]) return false;
    return true;
  }

  /** Counting sort by the first two bytes, then each bucket by comparison: buckets of hashes are small. */
  #sort(): Uint32Array {
    const ends = new Uint32Array(2 ** 16 + 1);
    for (const slot of this.slots()) ends[this.#bucketOf(slot) + 1]!++;
    for (let i = 1; i < ends.length; i++) ends[i]! += ends[i - 1]!;
    const order = new Uint32Array(this.#size);
    const next = ends.slice();
    for (const slot of this.slots()) order[next[this.#bucketOf(slot)]!++] = slot;
    for (let i = 0; i + 1 < ends.length; i++) {
      if (ends[i + 1]! - ends[i]! > 1) order.subarray(ends[i], ends[i + 1]).sort((a, b) => this.#compareIds(a, b));
    }
    return order;
  }

  #bucketOf(slot: number): number {
    const row = this.row(slot);
    return (row[0]! << 8) | row[1]!;
  }

  #compareIds(a: number, b: number): number {
    const left = this.row(a);
    const right = this.row(b);
    for (let i = 2; i < HASH_SIZE; i++) {
      const difference = left[i]! - right[i]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

export function isZeroRow(row: Uint8Array): boolean {
  for (let i = 0; i < HASH_SIZE; i++) if (row[i] !== 0) return false;
  return true;
}
