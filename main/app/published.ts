/** What a host says about itself beside its lock, so that others find it or can name it. */
import { randomBytes } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { z } from "zod";

const publishedSchema = z.object({
  pid: z.int().min(1),
  startedAtMs: z.number(),
  apiVersion: z.int().min(0),
  /** Null while nobody listens: a host that starts, or a command that works on a stopped host's data. */
  socket: z.string().nullable(),
});
export type Published = z.output<typeof publishedSchema>;

/** Only the holder of the lock writes. Not synced: after a power loss no host runs and the file means nothing. */
export async function publish(file: string, published: Published): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString("hex")}.new`;
  await writeFile(temporary, `${JSON.stringify(published)}\n`, { mode: 0o600 });
  await rename(temporary, file);
}

/** `undefined` where there is none that can be read. What it says may be of a host that is gone. */
export async function readPublished(file: string): Promise<Published | undefined> {
  try {
    return publishedSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return undefined;
  }
}

export async function withdraw(file: string): Promise<void> {
  await rm(file, { force: true });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
