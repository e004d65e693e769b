/** Small files that are replaced whole: a crash leaves the old one or the new one, never a part. */
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Windows has no sync of a directory; there a rename is durable with the volume's own journal. */
export const CAN_SYNC_DIRECTORIES = process.platform !== "win32";

/** Where the new content of a file is written first; one that a crash left behind is overwritten by the next. */
export const temporaryOf = (path: string): string => `${path}.tmp`;

/** Resolves once the content is durable. `mode` is that of the new file. */
export async function replaceFile(path: string, content: Uint8Array | string, mode = 0o600): Promise<void> {
  const temporary = temporaryOf(path);
  const file = await open(temporary, "w", mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
  await file.close();
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/** Makes names that were created, renamed or removed in `path` durable. */
export async function syncDirectory(path: string): Promise<void> {
  if (!CAN_SYNC_DIRECTORIES) return;
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
