/** What the store asks of files and file systems. */
import { readSync, statfsSync, statSync } from "node:fs";

import { storeError } from "./errors.ts";

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
