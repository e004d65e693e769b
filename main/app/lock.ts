/**
 * The lock on a data directory, held by the kernel: it ends with the process, however that ends. Node has no file locks, but
 * its SQLite takes one (fcntl, on Windows LockFileEx) for an exclusive transaction, here on an empty file that is never
 * written: half a millisecond, and no native code of our own.
 *
 * POSIX drops such a lock as soon as the same process closes the file anywhere, so nothing else may open it.
 */
import { writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { apiError } from "../api/errors.ts";

export interface Lock {
  release(): void;
}

const SQLITE_BUSY = 5;

/** What nobody holds on to is closed as soon as memory is cleaned up, and a lock with it. */
const taken = new Set<DatabaseSync>();

/** `undefined` when another process, or another part of this one, holds it. Throws `ProtocolError("directory-unusable")`. */
export function takeLock(path: string): Lock | undefined {
  let database: DatabaseSync | undefined;
  try {
    createForOwner(path);
    database = new DatabaseSync(path, { timeout: 0 });
    // The journal in memory, or a file of it would lie about.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database?.close();
    const { errcode, errstr, code } = error as { readonly errcode?: number; errstr?: string; code?: string };
    if (errcode === SQLITE_BUSY) return undefined;
    throw apiError("directory-unusable", { directory: path, errno: errstr ?? code ?? "unknown" });
  }
  const held = database;
  taken.add(held);
  const release = (): void => {
    taken.delete(held);
    held.close();
  };
  return { release };
}

/** SQLite would let others read it, and who can read it can take part in the lock. */
function createForOwner(path: string): void {
  try {
    writeFileSync(path, "", { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
