/** The same without a promise, for workers and for what must be done before the next line: written through on return. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

import { CAN_SYNC_DIRECTORIES, temporaryOf } from "./replaceFile.ts";

/** Makes names that were created, renamed or removed in `path` durable. */
export function syncDirectory(path: string): void {
  if (!CAN_SYNC_DIRECTORIES) return;
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

/** Puts a file in its place whole or not at all: written beside, synced, renamed, and the name synced. */
export function replaceFile(path: string, chunks: Iterable<Uint8Array>): void {
  const temporary = temporaryOf(path);
  const fd = openSync(temporary, "w", 0o600);
  try {
    let position = 0;
    for (const chunk of chunks) {
      writeFully(fd, chunk, position);
      position += chunk.length;
    }
    fsyncSync(fd);
  } catch (error) {
    closeSync(fd);
    rmSync(temporary, { force: true });
    throw error;
  }
  closeSync(fd);
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

/**
 * For its owner alone, with its parents, one by one: Node's own way never returns where one of them takes no folders
 * (procfs). Somebody else may make them at the same time.
 */
export function createDirectory(path: string): void {
  if (existsSync(path)) return;
  createDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
