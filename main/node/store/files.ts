/** File operations that have happened when they return: written through, and found again after a power cut. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

import { storeError } from "./errors.ts";

/** Windows has no sync of a directory; there a rename is durable with the volume's own journal. */
const CAN_SYNC_DIRECTORIES = process.platform !== "win32";

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

/** Reads up to `length` bytes from `position`; fewer where the file ends. */
export function readUpTo(fd: number, length: number, position: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const count = readSync(fd, bytes, done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}

/** Puts a file in its place whole or not at all: written beside, synced, renamed, and the name synced. */
export function replaceFile(path: string, chunks: Iterable<Uint8Array>): void {
  const temporary = `${path}.tmp`;
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

export function fileSize(path: string): number {
  return statSync(path).size;
}

/**
 * Throws `disk-full` where the file system of `directory` would have less than `reserve` bytes left after `needed` more were
 * written: said before anything is written, for an engine that meets the end of the disk half-way has harder questions.
 */
export function requireFreeSpace(directory: string, needed: number, reserve: number): void {
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  if (free < needed + reserve) throw storeError("disk-full", { free, needed, reserve });
}
