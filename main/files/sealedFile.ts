/** Small files of JSON under a checksum: written whole or not at all, and never read as something that was not written. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { ProtocolError } from "../protocol/errors.ts";
import { createDirectory, replaceFile, syncDirectory } from "./blocking.ts";
import { temporaryOf } from "./replaceFile.ts";

export type SealedRead<T> =
  /** Nothing was ever written, or it was removed. */
  | { readonly kind: "absent" }
  | { readonly kind: "value"; readonly value: T }
  /** There is a file, and it is not what this program wrote. */
  | { readonly kind: "corrupt" };

/** Throws `file-unreadable` (`errno`) when the system does not let the file be read; a larger one than `bytesMax` is corrupt. */
export function readSealed<T>(path: string, bytesMax: number, read: (value: unknown, at: string) => T): SealedRead<T> {
  let text;
  try {
    if (statSync(path).size > bytesMax) return { kind: "corrupt" };
    text = readFileSync(path, "utf8");
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT") return { kind: "absent" };
    throw new ProtocolError("file-unreadable", { file: path, errno });
  }
  const end = text.indexOf("\n");
  const body = text.slice(end + 1);
  if (end < 0 || text.slice(0, end) !== digestOf(body)) return { kind: "corrupt" };
  try {
    return { kind: "value", value: read(JSON.parse(body), "") };
  } catch {
    return { kind: "corrupt" };
  }
}

/** Readable by the owner alone, on the disk when this returns. Throws `file-unwritable` (`errno`); then the old file stands. */
export function writeSealed(path: string, value: unknown): void {
  const body = JSON.stringify(value);
  try {
    createDirectory(dirname(path));
    replaceFile(path, [Buffer.from(`${digestOf(body)}\n${body}`)]);
  } catch (error) {
    throw new ProtocolError("file-unwritable", { file: path, errno: errnoOf(error) });
  }
}

/** Gone from the disk when this returns. */
export function removeSealed(path: string): void {
  rmSync(temporaryOf(path), { force: true });
  if (!existsSync(path)) return;
  rmSync(path, { force: true });
  syncDirectory(dirname(path));
}

/** Keeps a corrupt file for whoever wants to look at it, out of the way; the one set aside before is replaced. */
export function setAside(path: string): string {
  const aside = `${path}.corrupt`;
  renameSync(path, aside);
  syncDirectory(dirname(path));
  return aside;
}

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");

export const errnoOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "unknown";
