/**
 * A table of the state: packed rows in memory, of which the database holds the same bytes. A change is first a plan, which
 * the transaction writes; the memory follows when the transaction has happened.
 */
import { compareBytes, equalBytes, HASH_SIZE, type Hash32 } from "../../protocol/bytes.ts";
import { encode } from "../../protocol/codec/codec.ts";
import type { PublicKey } from "../../protocol/crypto.ts";
import type { Change, Table } from "../../protocol/state/table.ts";
import { CHECKSUM_SIZE, isSealIntact, seal } from "./checksum.ts";
import { storeError } from "./errors.ts";
import type { KeyFile } from "./keyFile.ts";
import type { RowLayout } from "./layouts.ts";
import { isZeroRow, PackedRows } from "./packedRows.ts";

const KEY_SLOT_BYTES = 4;

/** One row before and after; undefined where there is none. `row` bytes are hot part ‖ key slot ‖ checksum. */
export interface RowChange {
  readonly id: Hash32;
  readonly slot: number;
  readonly before: Uint8Array | undefined;
  readonly after: Uint8Array | undefined;
}

export interface TablePlan {
  readonly changes: readonly RowChange[];
  /** What the touched groups become, as they are stored. */
  readonly groups: ReadonlyMap<number, Uint8Array>;
  readonly sizeAfter: number;
}

/** Collects the keys that are new to the key file. */
export class KeyPlan {
  readonly keys: PublicKey[] = [];
  readonly #file: KeyFile;
  readonly #planned = new Map<PublicKey, number>();

  constructor(file: KeyFile) {
    this.#file = file;
  }

  /** The slot that holds `key`, or will; `current` is the slot that the row names now. */
  slotFor(key: PublicKey, current: number | undefined): number {
    const known = this.#file.slotOf(key) ?? this.#planned.get(key);
    if (known !== undefined) return known;
    if (current !== undefined && equalBytes(this.#file.read(current), key)) return current;
    const slot = this.#file.count + this.keys.length;
    this.keys.push(key);
    this.#planned.set(key, slot);
    return slot;
  }
}

export class StoredTable<Id extends Hash32, Row> implements Table<Id, Row> {
  readonly layout: RowLayout<Id, Row>;
  protected readonly packed: PackedRows;
  readonly #keys: KeyFile;

  constructor(layout: RowLayout<Id, Row>, keys: KeyFile) {
    this.layout = layout;
    this.#keys = keys;
    this.packed = new PackedRows(layout.hotSize + KEY_SLOT_BYTES + CHECKSUM_SIZE);
  }

  get size(): number {
    return this.packed.size;
  }

  /** Bytes of a stored row, key slot and checksum included. */
  get rowSize(): number {
    return this.packed.rowSize;
  }

  get groups(): number {
    return this.packed.groups;
  }

  get(id: Id): Row | undefined {
    const slot = this.packed.find(id);
    return slot < 0 ? undefined : this.#decode(this.packed.row(slot));
  }

  *rows(): Iterable<Row> {
    for (const slot of this.packed.order()) yield this.#decode(this.packed.row(slot));
  }

  /** Those after `after` by id; all where it is undefined. */
  *rowsAfter(after: Id | undefined): Iterable<Row> {
    const order = this.packed.order();
    let [low, high] = [0, after === undefined ? 0 : order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareBytes(this.packed.row(order[middle]!).subarray(0, HASH_SIZE), after!) <= 0) low = middle + 1;
      else high = middle;
    }
    for (; low < order.length; low++) yield this.#decode(this.packed.row(order[low]!));
  }

  /** The canonical record, of which the Merkle leaf is made. */
  record(id: Id): Uint8Array | undefined {
    const row = this.get(id);
    return row === undefined ? undefined : encode(this.layout.codec, row);
  }

  /** A few rows, spread by `random`, a function that gives numbers from 0 to below 1. */
  *sample(count: number, random: () => number): Iterable<Row> {
    const { slotsUsed } = this.packed;
    const isWhole = this.size <= count;
    for (let i = 0; i < (isWhole ? slotsUsed : count); i++) {
      const slot = isWhole ? i : Math.floor(random() * slotsUsed);
      if (!this.packed.isFree(slot)) yield this.#decode(this.packed.row(slot));
    }
  }

  /** The record of bytes that {@link RowChange} had as `before`, checksum left out. */
  decodeRow(row: Uint8Array): Row {
    return this.#decode(row);
  }

  /** The bytes of an earlier version of a row that is there, under the same key, as {@link RowChange} has them. */
  encodeEarlier(row: Row): Uint8Array {
    const slot = this.packed.find(this.layout.idOf(row));
    return this.#encode(row, this.#keySlot(this.packed.row(slot)), slot);
  }

  plan(changes: readonly Change<Id, Row>[], keyPlan: KeyPlan): TablePlan {
    const present = changes.map(({ id }) => this.packed.find(id));
    const inserts = changes.filter(({ row }, i) => row !== undefined && present[i]! < 0).length;
    const freeSlots = this.packed.peekFreeSlots(inserts).values();
    const planned: RowChange[] = [];
    let sizeAfter = this.size;
    for (const [i, { id, row }] of changes.entries()) {
      const found = present[i]!;
      const before = found < 0 ? undefined : this.packed.row(found).slice();
      if (row === undefined) {
        if (before === undefined) continue;
        planned.push({ id, slot: found, before, after: undefined });
        sizeAfter--;
      } else {
        const slot = before === undefined ? freeSlots.next().value! : found;
        const current = before === undefined ? undefined : this.#keySlot(before);
        const keySlot = keyPlan.slotFor(this.layout.keyOf(row), current);
        planned.push({ id, slot, before, after: this.#encode(row, keySlot, slot) });
        if (before === undefined) sizeAfter++;
      }
    }
    return { changes: planned, groups: this.#groupsAfter(planned), sizeAfter };
  }

  /** Carries out a plan whose transaction has happened. The slots were planned in this order. */
  apply(plan: TablePlan): void {
    for (const { before, after } of plan.changes) if (before === undefined) this.packed.insert(after!);
    for (const { slot, before, after } of plan.changes) {
      if (before !== undefined && after !== undefined) this.packed.replace(slot, after);
    }
    for (const { slot, after } of plan.changes) if (after === undefined) this.packed.remove(slot);
  }

  /**
   * Takes in the next stored group: groups have no gaps. Throws `record-corrupted` with the group, or with the slot of a row
   * that is not intact.
   */
  loadGroup(group: number, bytes: Uint8Array): void {
    const { table } = this.layout;
    if (bytes.length !== this.packed.groupSize || group !== this.packed.groups) {
      throw storeError("record-corrupted", { table, group });
    }
    this.packed.loadGroup(group, bytes, (row, slot) => this.#isRow(row, slot));
  }

  finishLoading(): void {
    this.packed.finishLoading();
  }

  /** Throws `record-corrupted` where a stored group is not what the memory holds, or a row of it is not intact. */
  verifyGroup(group: number, bytes: Uint8Array): void {
    const { table } = this.layout;
    const { rowsPerGroup, rowSize } = this.packed;
    for (let i = 0; i < rowsPerGroup; i++)
      this.#isRow(bytes.subarray(i * rowSize, (i + 1) * rowSize), group * rowsPerGroup + i);
    if (!equalBytes(bytes, this.packed.copyGroup(group))) throw storeError("record-corrupted", { table, group });
  }

  #isRow(row: Uint8Array, slot: number): boolean {
    if (isZeroRow(row) && row.every((byte) => byte === 0)) return false;
    const { table } = this.layout;
    if (!isSealIntact(table, slot, row)) throw storeError("record-corrupted", { table, key: slot });
    return true;
  }

  #groupsAfter(changes: readonly RowChange[]): Map<number, Uint8Array> {
    const { rowsPerGroup, rowSize } = this.packed;
    const groups = new Map<number, Uint8Array>();
    for (const { slot, after } of changes) {
      const number = Math.floor(slot / rowsPerGroup);
      let group = groups.get(number);
      if (group === undefined) {
        group = this.packed.copyGroup(number);
        groups.set(number, group);
      }
      const start = (slot % rowsPerGroup) * rowSize;
      if (after === undefined) group.fill(0, start, start + rowSize);
      else group.set(after, start);
    }
    return groups;
  }

  #encode(row: Row, keySlot: number, slot: number): Uint8Array {
    const content = new Uint8Array(this.layout.hotSize + KEY_SLOT_BYTES);
    content.set(this.layout.encodeHot(row));
    new DataView(content.buffer).setUint32(this.layout.hotSize, keySlot, true);
    return seal(this.layout.table, slot, content);
  }

  #decode(row: Uint8Array): Row {
    const keySlot = this.#keySlot(row);
    return this.layout.decodeHot(row.subarray(0, this.layout.hotSize), () => this.#keys.read(keySlot));
  }

  #keySlot(row: Uint8Array): number {
    return new DataView(row.buffer, row.byteOffset).getUint32(this.layout.hotSize, true);
  }
}
