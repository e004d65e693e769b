/** Small files that are replaced whole: a crash leaves the old one or the new one, never a part. */
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Windows has no sync of a directory; there a rename is durable with the volume's own journal. */
const CAN_SYNC_DIRECTORIES = process.platform !== "win32";

/** Resolves once the content is durable. `mode` is that of the new file. */
export async function replaceFile(path: string, content: Uint8Array | string, mode = 0o600): Promise<void> {
  const temporary = `${path}.tmp`;
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
  if (CAN_SYNC_DIRECTORIES) await syncDirectory(dirname(path));
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
