/** The three tables as one: planned, written and applied together. */
import type { AccountRecord, CandidateRecord, NodeRecord } from "../../protocol/state/records.ts";
import type { State, StateChanges } from "../../protocol/state/table.ts";
import type { AccountId, NodeId } from "../../protocol/bytes.ts";
import type { PublicKey } from "../../protocol/crypto.ts";
import { StoredAccountTable } from "./accountTable.ts";
import { CHECKSUM_SIZE } from "./checksum.ts";
import type { Database } from "./database.ts";
import { storeError } from "./errors.ts";
import type { KeyFile } from "./keyFile.ts";
import { candidateLayout, nodeLayout, TABLE_NAMES, type TableName } from "./layouts.ts";
import type { SettledRow } from "./settled.ts";
import { KeyPlan, StoredTable, type RowChange, type TablePlan } from "./storedTable.ts";

/** What a window does to the tables, before its transaction. */
export interface StatePlan {
  readonly tables: Readonly<Record<TableName, TablePlan>>;
  readonly newKeys: readonly PublicKey[];
}

/** How far a long task has come. `total` may be an estimate. */
export interface Progress {
  readonly step: string;
  readonly done: number;
  readonly total: number;
}

const GROUPS_PER_STEP = 2000;

export class StoredState implements State {
  readonly accounts: StoredAccountTable;
  readonly nodes: StoredTable<NodeId, NodeRecord>;
  readonly candidates: StoredTable<NodeId, CandidateRecord>;
  readonly #keys: KeyFile;

  constructor(keys: KeyFile) {
    this.#keys = keys;
    this.accounts = new StoredAccountTable(keys);
    this.nodes = new StoredTable(nodeLayout, keys);
    this.candidates = new StoredTable(candidateLayout, keys);
  }

  table(name: "accounts"): StoredTable<AccountId, AccountRecord>;
  table(name: TableName): StoredTable<never, AccountRecord | NodeRecord | CandidateRecord>;
  table(name: TableName): unknown {
    return this[name];
  }

  /** Sizes of rows as the undo log keeps them. */
  get rowSizes(): Readonly<Record<TableName, number>> {
    return {
      accounts: this.accounts.rowSize - CHECKSUM_SIZE,
      nodes: this.nodes.rowSize - CHECKSUM_SIZE,
      candidates: this.candidates.rowSize - CHECKSUM_SIZE,
    };
  }

  plan(changes: StateChanges): StatePlan {
    const keyPlan = new KeyPlan(this.#keys);
    const tables = {
      accounts: this.accounts.plan(changes.accounts, keyPlan),
      nodes: this.nodes.plan(changes.nodes, keyPlan),
      candidates: this.candidates.plan(changes.candidates, keyPlan),
    };
    return { tables, newKeys: keyPlan.keys };
  }

  /** To be called inside the transaction. */
  write(db: Database, { tables }: StatePlan): void {
    for (const table of TABLE_NAMES) {
      const sql = `INSERT OR REPLACE INTO ${table}(grp, row) VALUES(?, ?)`;
      for (const [group, bytes] of tables[table].groups) db.run(sql, group, bytes);
    }
  }

  /** The transaction has happened: keys and rows count from now on. */
  apply({ tables, newKeys }: StatePlan): void {
    this.#keys.commit(newKeys);
    for (const table of TABLE_NAMES) this[table].apply(tables[table]);
  }

  /** Reads all rows. Throws `record-corrupted`, or `rows-missing` where there are not as many as there must be. */
  *load(db: Database, expected: Pick<SettledRow, TableName>): Generator<Progress> {
    for (const table of TABLE_NAMES) {
      const rows = this[table];
      for (let after = -1; ;) {
        const sql = `SELECT grp, row FROM ${table} WHERE grp > ? ORDER BY grp LIMIT ?`;
        const groups = db.all(sql, after, GROUPS_PER_STEP);
        for (const [group, bytes] of groups) rows.loadGroup(group as number, bytes as Uint8Array);
        yield { step: table, done: rows.size, total: expected[table] };
        if (groups.length < GROUPS_PER_STEP) break;
        after = groups.at(-1)![0] as number;
      }
      rows.finishLoading();
      if (rows.size !== expected[table]) {
        throw storeError("rows-missing", { table, expected: expected[table], found: rows.size });
      }
    }
  }
}

export function rowChangesOf({ tables }: StatePlan): Readonly<Record<TableName, readonly RowChange[]>> {
  return {
    accounts: tables.accounts.changes,
    nodes: tables.nodes.changes,
    candidates: tables.candidates.changes,
  };
}
