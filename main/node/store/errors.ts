/** What the store can report: each damage has a name of its own, so that nobody reads it as "empty" or as "try again". */
import { ProtocolError, type ErrorParams } from "../../protocol/errors.ts";

export type StoreErrorCode =
  // opening
  | "store-missing"
  | "store-exists"
  /** No folder can be made there: `file`, `errno`. */
  | "target-unusable"
  | "store-in-use"
  | "schema-unsupported"
  | "wrong-network"
  // damage found
  | "database-corrupted"
  | "record-corrupted"
  | "rows-missing"
  | "windows-lost"
  | "header-missing"
  | "height-file-corrupted"
  | "height-file-missing"
  | "key-file-missing"
  | "key-file-corrupted"
  | "key-file-truncated"
  | "key-slot-corrupted"
  | "roots-mismatch"
  | "signed-log-missing"
  | "signed-log-corrupted"
  | "signed-log-mark-missing"
  | "signed-log-mark-corrupted"
  // refusals
  | "wrong-window"
  | "wrong-parent"
  | "already-signed"
  | "window-already-decided"
  | "snapshot-unavailable"
  | "disk-full"
  | "io-error"
  | "store-failed"
  | "store-closed"
  | "busy"
  | "cancelled";

export function storeError(code: StoreErrorCode, params: ErrorParams = {}): ProtocolError<StoreErrorCode> {
  return new ProtocolError(code, params);
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
const PRIMARY_CODE_MASK = 0xff;

/** What SQLite or the file system threw, under the store's names. Other errors come back as they are. */
export function translateError(error: unknown): Error {
  if (error instanceof ProtocolError) return error;
  if (!(error instanceof Error)) return new Error(String(error));
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  const detail = error.message;
  if (typeof errcode === "number") {
    switch (errcode & PRIMARY_CODE_MASK) {
      case SQLITE_BUSY:
      case SQLITE_LOCKED:
        return storeError("store-in-use", { detail });
      case SQLITE_CORRUPT:
      case SQLITE_NOTADB:
        return storeError("database-corrupted", { detail });
      case SQLITE_FULL:
        return storeError("disk-full", { detail });
      case SQLITE_IOERR:
        return storeError("io-error", { detail, errcode });
      default:
        return error;
    }
  }
  if (code === "ENOSPC" || code === "EDQUOT") return storeError("disk-full", { detail });
  if (code === "EIO") return storeError("io-error", { detail });
  return error;
}

/** Runs `action` and throws what it throws under the store's names. */
export function named<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw translateError(error);
  }
}
