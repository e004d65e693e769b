/** One folder per engine, of the owner alone: its sockets and the note about its process. */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

import { SOCKET_PATH_MAX, type ApiEndpoint } from "./config/apiEndpoint.ts";
import { engineError } from "./errors.ts";

const SOCKET = "engine.sock";
const PROBE_SOCKET = "probe.sock";
export const NOTE = "engine.json";
/** What an engine leaves behind in its folder, besides the note. */
export const SOCKET_FILES: readonly string[] = [SOCKET, PROBE_SOCKET].flatMap((name) => [name, `${name}.lock`]);

export interface EngineDirectory {
  readonly path: string;
  /** Of the engine's interface; on Windows a port takes its place. */
  readonly apiSocket: ApiEndpoint & { readonly socket: string };
  readonly probeSocket: string;
}

/**
 * Makes `parent/name`, or, where that is too long for the path of a socket, a folder in the system's temporary one whose name
 * is always the same. Throws `engine-directory-unusable` when it is another user's, or others may enter it.
 */
export function openEngineDirectory(parent: string, name: string): EngineDirectory {
  const wanted = join(parent, name);
  const isShort = Buffer.byteLength(join(wanted, PROBE_SOCKET)) <= SOCKET_PATH_MAX && !wanted.includes(",");
  const path = isShort ? wanted : join(tmpdir(), `montana-${userInfo().uid}-${digestOf(wanted)}`);
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw engineError("engine-directory-unusable", { path, errno: (error as NodeJS.ErrnoException).code ?? "unknown" });
  }
  const found = lstatSync(path);
  const isOwn = process.platform === "win32" || (found.uid === process.geteuid!() && (found.mode & 0o077) === 0);
  if (!found.isDirectory() || !isOwn) throw engineError("engine-directory-unusable", { path, errno: "EPERM" });
  return { path, apiSocket: { socket: join(path, SOCKET) }, probeSocket: join(path, PROBE_SOCKET) };
}

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);
