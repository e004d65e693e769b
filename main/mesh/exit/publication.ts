/** `my-vpn.json`: the node's own word on its city, for the aggregator's account to read (chapter 08 §3.2). */
import { chmodSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { decodeMyVpn, encodeMyVpn } from "../../cities/myVpn.ts";
import { replaceFile, syncDirectory } from "../../files/blocking.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { exitError } from "./errors.ts";
import type { ExitRecord } from "./record.ts";
import { publishedLink } from "./transitions.ts";

/** Its group reads it: that of the folder where that is set-group-id. */
const MODE = 0o640;

export const publicationPath = ({ publishTo }: Pick<ExitRecord, "publishTo">): string => join(publishTo, "my-vpn.json");

/** The file's text. Throws "exit-not-publishable" with the aggregator's own `reason`. */
export function publicationOf(record: ExitRecord): string {
  const { city, primary, practice } = record;
  const text = encodeMyVpn({ node: city.node, primary, vless: publishedLink(record) });
  try {
    decodeMyVpn(text, city.node, practice !== null);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw exitError("exit-not-publishable", { reason: (error as ProtocolError).code });
  }
  return text;
}

/** True where the file was not there like this before. Throws "file-unwritable". */
export function publish(record: ExitRecord): boolean {
  const path = publicationPath(record);
  const text = publicationOf(record);
  try {
    if (readIfThere(path) === text) return false;
    mkdirSync(record.publishTo, { recursive: true });
    replaceFile(path, [Buffer.from(text)]);
    chmodSync(path, MODE);
    return true;
  } catch (error) {
    throw new ProtocolError("file-unwritable", { file: path, errno: errnoOf(error) });
  }
}

export const isPublished = (record: ExitRecord): boolean => readIfThere(publicationPath(record)) !== undefined;

/** True where there was one. Throws "file-unwritable". */
export function unpublish(record: ExitRecord): boolean {
  const path = publicationPath(record);
  try {
    if (readIfThere(path) === undefined) return false;
    rmSync(path, { force: true });
    syncDirectory(record.publishTo);
    return true;
  } catch (error) {
    throw new ProtocolError("file-unwritable", { file: path, errno: errnoOf(error) });
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(error))) return undefined;
    throw error;
  }
}

const errnoOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "unknown";
