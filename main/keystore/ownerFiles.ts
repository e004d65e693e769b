/**
 * Files that only their owner may touch, and that survive `kill -9` and power loss at any instant: whoever opens one finds
 * the whole old content or the whole new one.
 */
import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { chmod, mkdir, open, readdir, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { syncDirectory } from "../files/replaceFile.ts";
import { keystoreError, type KeystoreWarning } from "./errors.ts";

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const OTHERS = 0o077;
/** Windows has no such flag. */
const NO_FOLLOW = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;
const TEMPORARY = /\.[0-9a-f]{16}\.new$/;

export interface OwnerFile {
  readonly bytes: Uint8Array;
  readonly warnings: readonly KeystoreWarning[];
}

/** Makes `directory` for its owner alone, durably, or closes it to others. */
export async function prepareDirectory(directory: string): Promise<KeystoreWarning[]> {
  return guarded("mkdir", directory, async () => {
    const made = await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    if (made !== undefined) {
      for (let path = resolve(directory); ; path = dirname(path)) {
        await syncDirectory(dirname(path));
        if (path === resolve(made)) break;
      }
    }
    return checkDirectory(directory);
  });
}

/** Closes `directory` to others where it is open to them. `undefined` when there is no such directory. */
export async function openDirectory(directory: string): Promise<KeystoreWarning[] | undefined> {
  return guarded("open", directory, () => ifThere(() => checkDirectory(directory)));
}

async function checkDirectory(directory: string): Promise<KeystoreWarning[]> {
  const found = await stat(directory);
  if (process.platform === "win32") return [{ code: "permissions-unchecked", params: { file: directory } }];
  if ((found.mode & OTHERS) !== 0) await chmod(directory, DIRECTORY_MODE);
  return accessWarnings(directory, found);
}

/**
 * The content of a file of at most `sizeMax` bytes, closed to others where it was open to them; `undefined` when there is no
 * such file. Throws `ProtocolError("key-file-damaged")` for a larger one and for what is no regular file.
 */
export async function readOwnerFile(path: string, sizeMax: number): Promise<OwnerFile | undefined> {
  return guarded("read", path, () =>
    ifThere(() =>
      // Not through a link: what it points to would be closed to others and replaced by a file of ours.
      withFile(path, constants.O_RDONLY | NO_FOLLOW, async (file) => {
        const found = await file.stat();
        if (!found.isFile() || found.size > sizeMax) {
          throw keystoreError("key-file-damaged", { file: basename(path), reason: "size" });
        }
        const isOpen = process.platform !== "win32" && (found.mode & OTHERS) !== 0;
        if (isOpen) await file.chmod(FILE_MODE);
        return { bytes: await readUpTo(file, sizeMax), warnings: accessWarnings(path, found) };
      }),
    ),
  );
}

export interface WriteOptions {
  /**
   * Overwrites what the replaced file held, once the new one is in its place. As good as the file system lets it: journals,
   * snapshots and flash memory keep copies that no program reaches.
   */
  readonly scrubsOld?: boolean;
}

/** Replaces `path` at once and durably. When this rejects, one of the two contents is there, whole. */
export async function writeOwnerFile(path: string, bytes: Uint8Array, options: WriteOptions = {}): Promise<void> {
  await guarded("write", path, async () => {
    const temporary = `${path}.${randomBytes(8).toString("hex")}.new`;
    const old = options.scrubsOld ? await ifThere(() => open(path, "r+")) : undefined;
    try {
      await writeNew(temporary, bytes);
      await rename(temporary, path);
      await syncDirectory(dirname(path));
      if (old !== undefined) await scrub(old);
    } catch (error) {
      await ifThere(() => unlink(temporary));
      throw error;
    } finally {
      await old?.close();
    }
  });
}

/** Overwrites and removes a file, as far as the file system lets one; nothing when it is not there. */
export async function removeOwnerFile(path: string): Promise<void> {
  await guarded("remove", path, () =>
    ifThere(async () => {
      await withFile(path, constants.O_RDWR, scrub);
      await unlink(path);
      await syncDirectory(dirname(path));
    }),
  );
}

/** Removes what writers that were killed left behind. Only the one process that owns the directory may call it. */
export async function removeTemporaries(directory: string): Promise<void> {
  await guarded("clean", directory, async () => {
    for (const name of await readdir(directory)) {
      if (TEMPORARY.test(name)) await removeOwnerFile(join(directory, name));
    }
  });
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  await withFile(path, flags, async (file) => {
    await file.writeFile(bytes);
    await file.sync();
  });
}

async function scrub(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  await file.write(new Uint8Array(size), 0, size, 0);
  await file.sync();
}

/** At most `sizeMax` bytes, even of a file that grows while it is read. */
async function readUpTo(file: FileHandle, sizeMax: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(sizeMax);
  let length = 0;
  while (length < sizeMax) {
    const { bytesRead } = await file.read(buffer, length, sizeMax - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  const bytes = buffer.slice(0, length);
  buffer.fill(0);
  return bytes;
}

async function withFile<T>(path: string, flags: number, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags, FILE_MODE);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

function accessWarnings(path: string, { mode, uid }: Stats): KeystoreWarning[] {
  if (process.platform === "win32") return [];
  const file = basename(path);
  const warnings: KeystoreWarning[] = [];
  if ((mode & OTHERS) !== 0) {
    warnings.push({ code: "permissions-repaired", params: { file, mode: (mode & 0o777).toString(8) } });
  }
  if (uid !== process.getuid?.()) warnings.push({ code: "foreign-owner", params: { file, owner: uid } });
  return warnings;
}

async function ifThere<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Gives errors of the system as {code, params}. */
async function guarded<T>(operation: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    throw keystoreError("file-failed", { operation, file: path, errno });
  }
}

function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return undefined;
  return String(error.code);
}
