/**
 * What each window changed, as it was before: one value a window. With it the tables of any of the last windows can be had
 * from those of now, for the window machine (weights of the two windows before), for a snapshot that is being served
 * (chapter 02 §4.11) and for a tree file that is some windows old.
 *
 * Value: entries of table u8 ‖ kind u8, then id ‖ (kind 1) the rest of the row without its checksum.
 */
import { byteKey, HASH_SIZE, type Hash32 } from "../../protocol/bytes.ts";
import { CHECKSUM_SIZE, seal, unseal } from "./checksum.ts";
import type { Database } from "./database.ts";
import { storeError } from "./errors.ts";
import { TABLE_NAMES, type TableName } from "./layouts.ts";
import type { RowChange } from "./storedTable.ts";

const ENTRY_HEAD = 2;
const WAS_ABSENT = 0;
const WAS_PRESENT = 1;

/** A row as it was: undefined where there was none. */
export interface PreviousRow {
  readonly id: Hash32;
  readonly row: Uint8Array | undefined;
}

export type PreviousRows = Readonly<Record<TableName, ReadonlyMap<string, PreviousRow>>>;

export class UndoLog {
  readonly #db: Database;
  readonly #rowSizes: Readonly<Record<TableName, number>>;
  readonly #table: "undo" | "undo_nodes";

  /** Sizes of rows without their checksums. */
  constructor(db: Database, rowSizes: Readonly<Record<TableName, number>>, table: "undo" | "undo_nodes" = "undo") {
    this.#db = db;
    this.#rowSizes = rowSizes;
    this.#table = table;
  }

  /** To be called inside the transaction of the window. */
  write(window: number, changes: Readonly<Record<TableName, readonly RowChange[]>>): void {
    let length = 0;
    for (const table of TABLE_NAMES) {
      for (const { before } of changes[table]) length += this.#entrySize(table, before !== undefined);
    }
    const content = new Uint8Array(length);
    let at = 0;
    for (const [number, table] of TABLE_NAMES.entries()) {
      for (const { id, before } of changes[table]) {
        content[at] = number;
        content[at + 1] = before === undefined ? WAS_ABSENT : WAS_PRESENT;
        content.set(before === undefined ? id : before.subarray(0, before.length - CHECKSUM_SIZE), at + ENTRY_HEAD);
        at += this.#entrySize(table, before !== undefined);
      }
    }
    this.#db.run(`INSERT INTO ${this.#table}(window, row) VALUES(?, ?)`, window, seal("undo", window, content));
  }

  /** Forgets what was before `window`: states below can no longer be had. */
  prune(window: number): void {
    this.#db.run(`DELETE FROM ${this.#table} WHERE window < ?`, window);
  }

  /** The first window that can be undone, undefined where there is none. */
  first(): number | undefined {
    return (this.#db.get(`SELECT min(window) FROM ${this.#table}`)?.[0] as number | null) ?? undefined;
  }

  /** The last one. */
  last(): number | undefined {
    return (this.#db.get(`SELECT max(window) FROM ${this.#table}`)?.[0] as number | null) ?? undefined;
  }

  /** The rows that windows from `first` on changed, as they were before `first`. Throws `record-corrupted`. */
  rowsBefore(first: number): PreviousRows {
    const rows = { accounts: new Map(), nodes: new Map(), candidates: new Map() } as Record<
      TableName,
      Map<string, PreviousRow>
    >;
    const sql = `SELECT window, row FROM ${this.#table} WHERE window >= ? ORDER BY window`;
    for (const [window, row] of this.#db.all(sql, first)) {
      this.#collect(rows, window as number, row as Uint8Array);
    }
    return rows;
  }

  /** Throws `record-corrupted` for the first value after `after` that is not intact; gives the next place. */
  verify(after: number): number | undefined {
    const found = this.#db.get(
      `SELECT window, row FROM ${this.#table} WHERE window > ? ORDER BY window LIMIT 1`,
      after,
    );
    if (found === undefined) return undefined;
    unseal("undo", found[0] as number, found[1] as Uint8Array);
    return found[0] as number;
  }

  /** The oldest value of a row wins: windows come in ascending order. */
  #collect(rows: Record<TableName, Map<string, PreviousRow>>, window: number, sealed: Uint8Array): void {
    const content = unseal("undo", window, sealed);
    for (let at = 0; at < content.length;) {
      const table = TABLE_NAMES[content[at]!];
      const isPresent = content[at + 1] === WAS_PRESENT;
      if (table === undefined) throw storeError("record-corrupted", { table: "undo", key: window });
      const end = at + this.#entrySize(table, isPresent);
      const entry = content.slice(at + ENTRY_HEAD, end);
      const id = entry.subarray(0, HASH_SIZE) as Hash32;
      const key = byteKey(id);
      if (!rows[table].has(key)) rows[table].set(key, { id, row: isPresent ? entry : undefined });
      at = end;
    }
  }

  #entrySize(table: TableName, wasPresent: boolean): number {
    return ENTRY_HEAD + (wasPresent ? this.#rowSizes[table] : HASH_SIZE);
  }
}
