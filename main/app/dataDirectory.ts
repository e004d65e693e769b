/** Where a person's data lies and what is called how in it. One host at a time works in a data directory. */
import { createHash } from "node:crypto";
import { lstat } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { createDirectory } from "../files/blocking.ts";
import { apiError } from "../api/errors.ts";

export interface DataDirectory {
  readonly root: string;
  /** The keystore's, independent of any network. */
  readonly identity: string;
  /** One folder for each network. */
  readonly networks: string;
  /** Held by the host as long as it lives. Nobody else opens it, not even to read (lock.ts). */
  readonly lock: string;
  /** Who the host is. */
  readonly published: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The platform's usual place for a user's data. */
export function defaultRoot(
  environment: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const home = homedir();
  if (platform === "win32") return join(environment["LOCALAPPDATA"] ?? join(home, "AppData", "Local"), "Montana");
  if (platform === "darwin") return join(home, "Library", "Application Support", "Montana");
  const data = environment["XDG_DATA_HOME"];
  // The XDG base directory specification has relative paths ignored.
  return join(data?.startsWith("/") === true ? data : join(home, ".local", "share"), "montana");
}

/** `chosen` by an option, else MONTANA_DATA_DIR, else the platform's place. */
export function locateData(chosen: string | undefined, environment: Environment = process.env): DataDirectory {
  const variable = environment["MONTANA_DATA_DIR"];
  const root = resolve(chosen ?? (variable !== undefined && variable !== "" ? variable : defaultRoot(environment)));
  return {
    root,
    identity: join(root, "identity"),
    networks: join(root, "networks"),
    lock: join(root, "host.lock"),
    published: join(root, "host.json"),
  };
}

/** Makes the directory for its owner alone; one that is there stays as it is. Throws `ProtocolError("directory-unusable")`. */
export function makeRoot({ root }: DataDirectory): void {
  asUsable(root, () => createDirectory(root));
}

/** What a system takes as the path of a socket: 108 bytes with its end on Linux, 104 on macOS. */
const SOCKET_PATH_BYTES_MAX = 100;

/** The path of the host's socket; its folder exists. Throws `ProtocolError("directory-unusable")`. */
export async function prepareSocketPath({ root }: DataDirectory): Promise<string> {
  const name = createHash("sha256").update(root).digest("hex").slice(0, 16);
  if (process.platform === "win32") return `\\\\.\\pipe\\montana-${name}`;
  const inRoot = join(root, "host.sock");
  if (Buffer.byteLength(inRoot) <= SOCKET_PATH_BYTES_MAX) return inRoot;
  const folder = join(tmpdir(), `montana-${process.getuid?.() ?? 0}`);
  asUsable(folder, () => createDirectory(folder));
  const { uid, mode } = await lstat(folder);
  // Somebody else's folder in a place where all may write could lead to somebody else's socket.
  if (uid !== process.getuid?.() || (mode & 0o170077) !== 0o040000) {
    throw apiError("directory-unusable", { directory: folder, errno: "EPERM" });
  }
  return join(folder, `${name}.sock`);
}

function asUsable(directory: string, run: () => void): void {
  try {
    run();
  } catch (error) {
    throw apiError("directory-unusable", { directory, errno: (error as NodeJS.ErrnoException).code ?? "unknown" });
  }
}
