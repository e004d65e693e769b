/**
 * The SQLite file: opened by one connection of one process, in WAL mode with a sync at every commit, so that a committed
 * window survives a power cut. Its errors come out under the store's names.
 */
import { existsSync } from "node:fs";
import { backup, DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

import { named, storeError, translateError } from "./errors.ts";

/** "mtna": tells our files from other SQLite files. */
const APPLICATION_ID = 0x6d746e61;
const CHECKPOINT_PAGES = 4000;
const JOURNAL_BYTES_MAX = 64 << 20;

/** One step of the schema, from version i to i + 1, as SQL. Steps are never changed once released; new ones follow. */
export type Migration = string;

/**
 * `grp` is the number of a group of rows; `seq` is window · 2^20 + place in the window. Every `row` ends with a checksum.
 *
 * - headers: one a decided window, kept for ever; `hash` is the proposal hash.
 * - epochs: epoch data before a window, of the newest few.
 * - times: T and D of a window.
 * - objects: body, votes of the certificate, bundles, reveals, operations, registrations, in the order in which a peer is
 *   served; `row` is NULL where an earlier window holds the same object.
 * - history: what happened to a subject, an account or an application.
 * - undo: what the rows that a window changed were before it.
 * - undo_nodes: the same of the Node Table alone, for the windows before the first one of a store that began with a snapshot.
 */
export const MIGRATIONS: readonly Migration[] = [
  `CREATE TABLE meta(name TEXT PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
   CREATE TABLE epochs(window INTEGER PRIMARY KEY, row BLOB NOT NULL);
   CREATE TABLE accounts(grp INTEGER PRIMARY KEY, row BLOB NOT NULL);
   CREATE TABLE nodes(grp INTEGER PRIMARY KEY, row BLOB NOT NULL);
   CREATE TABLE candidates(grp INTEGER PRIMARY KEY, row BLOB NOT NULL);
   CREATE TABLE headers(window INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, row BLOB NOT NULL);
   CREATE TABLE times(window INTEGER PRIMARY KEY, row BLOB NOT NULL);
   CREATE TABLE objects(seq INTEGER PRIMARY KEY, type INTEGER NOT NULL, id BLOB, row BLOB);
   CREATE INDEX objects_by_id ON objects(id) WHERE id IS NOT NULL;
   CREATE TABLE history(subject BLOB NOT NULL, seq INTEGER NOT NULL, row BLOB NOT NULL,
     PRIMARY KEY(subject, seq)) WITHOUT ROWID;
   CREATE TABLE undo(window INTEGER PRIMARY KEY, row BLOB NOT NULL);`,
  `CREATE TABLE undo_nodes(window INTEGER PRIMARY KEY, row BLOB NOT NULL);`,
];

export type Row = readonly unknown[];

export class Database {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Throws `store-exists` where there is a file already. */
  static create(path: string, migrations: readonly Migration[] = MIGRATIONS): Database {
    if (existsSync(path)) throw storeError("store-exists", { file: path });
    return named(() => {
      const db = connect(path);
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      migrate(db, migrations);
      return new Database(path, db);
    });
  }

  /** Throws `store-missing`, `store-in-use`, `database-corrupted` or `schema-unsupported`. */
  static open(path: string, migrations: readonly Migration[] = MIGRATIONS): Database {
    if (!existsSync(path)) throw storeError("store-missing", { file: path });
    return named(() => {
      const db = connect(path);
      try {
        if (pragma(db, "application_id") !== APPLICATION_ID) {
          throw storeError("database-corrupted", { detail: "not a database of this program" });
        }
        migrate(db, migrations);
        return new Database(path, db);
      } catch (error) {
        db.close();
        throw error;
      }
    });
  }

  private constructor(path: string, db: DatabaseSync) {
    this.path = path;
    this.#db = db;
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    named(() => this.#statement(sql).run(...values));
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return named(() => this.#statement(sql).get(...values) as unknown as Row | undefined);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return named(() => this.#statement(sql).all(...values) as unknown as Row[]);
  }

  /**
   * All or nothing. Where SQLite cannot say whether it happened (a failed commit or rollback), throws `store-failed`: the
   * file must be opened again to know.
   */
  transaction(action: () => void): void {
    named(() => {
      this.#db.exec("BEGIN IMMEDIATE");
    });
    try {
      action();
    } catch (error) {
      this.#rollback(error);
      throw error;
    }
    try {
      this.#db.exec("COMMIT");
    } catch (error) {
      const cause = translateError(error);
      // A commit that finds the disk full has written nothing that counts; after a failed sync nobody knows.
      if ((cause as { code?: string }).code === "disk-full") {
        this.#rollback(cause);
        throw cause;
      }
      throw storeError("store-failed", { detail: messageOf(error) });
    }
  }

  /** Adds all rows of a table of another file, which nobody has open. */
  copyRows(path: string, table: string): void {
    this.run("ATTACH DATABASE ? AS other", path);
    try {
      this.transaction(() => this.run(`INSERT INTO main.${table} SELECT * FROM other.${table}`));
    } finally {
      this.#statements.clear();
      this.run("DETACH DATABASE other");
    }
  }

  /** Copies the file while it is in use; what is committed meanwhile is in the copy too. */
  async copyTo(path: string, onProgress: (done: number, total: number) => void, signal?: AbortSignal): Promise<void> {
    try {
      await backup(this.#db, path, {
        rate: 1000,
        progress: ({ totalPages, remainingPages }) => {
          onProgress(totalPages - remainingPages, totalPages);
          signal?.throwIfAborted();
        },
      });
    } catch (error) {
      if (signal?.aborted !== true) throw translateError(error);
    }
    if (signal?.aborted === true) throw storeError("cancelled");
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #rollback(cause: unknown): void {
    try {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch (error) {
      throw storeError("store-failed", { detail: `${messageOf(cause)}; ${messageOf(error)}` });
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      statement.setReturnArrays(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function connect(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    // Exclusive: no second process, and no shared-memory file that could be lost.
    db.exec(`PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA fullfsync = ON;
      PRAGMA checkpoint_fullfsync = ON;
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${JOURNAL_BYTES_MAX};
      PRAGMA cell_size_check = ON;
      PRAGMA trusted_schema = OFF;
      BEGIN IMMEDIATE; COMMIT;`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function migrate(db: DatabaseSync, migrations: readonly Migration[]): void {
  const version = pragma(db, "user_version");
  if (version > migrations.length) {
    throw storeError("schema-unsupported", { found: version, supported: migrations.length });
  }
  if (version === migrations.length) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const step of migrations.slice(version)) db.exec(step);
    db.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`);
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function pragma(db: DatabaseSync, name: string): number {
  const row = db.prepare(`PRAGMA ${name}`).get();
  return Number(Object.values(row ?? {})[0]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
