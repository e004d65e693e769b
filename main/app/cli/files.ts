/** Files that a person names: read within a bound, written where nothing lies yet. */
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";

import { apiError } from "../../api/errors.ts";

/** Requests and proofs are texts of this size at most; a larger file is something else. */
const TEXT_BYTES_MAX = 1_048_576;

/** Throws `ProtocolError("file-unreadable")`, also for a file larger than a text of this program is. */
export async function readText(file: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(file, TEXT_BYTES_MAX));
}

/** Throws `ProtocolError("file-unreadable")`, also for a file of more than `sizeMax` bytes. */
export async function readBytes(file: string, sizeMax: number): Promise<Uint8Array> {
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of createReadStream(file)) {
      length += (chunk as Buffer).length;
      if (length > sizeMax) throw Object.assign(new Error(), { code: "EFBIG" });
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    throw apiError("file-unreadable", { file, errno: errnoOf(error) });
  }
}

/** Throws `ProtocolError` "file-exists" or "file-unwritable". */
export async function writeNew(file: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(file, content, { flag: "wx" });
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === "EEXIST" ? apiError("file-exists", { file }) : apiError("file-unwritable", { file, errno });
  }
}

const errnoOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "unknown";
