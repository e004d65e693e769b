/** One process at a time changes settings: the program, and the repair at log-in that may run at the same moment. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { ProtocolError } from "../../protocol/errors.ts";
import { identifyProcess, isSameProcess, type ProcessIdentity } from "../../xray/processes.ts";
import { errnoOf } from "../../files/sealedFile.ts";

const LOCK = "system-proxy.lock";
/** Milliseconds. Changing the settings of many services takes seconds. */
const WAIT = 30_000;
const POLL = 50;

/** Throws `proxy-busy` (`pid`) when another process holds the lock for too long, `proxy-journal-unwritable` (`errno`) without one. */
export async function withLock<T>(directory: string, self: ProcessIdentity, work: () => Promise<T>): Promise<T> {
  const path = join(directory, LOCK);
  await acquire(directory, path, self);
  try {
    return await work();
  } finally {
    remove(path);
  }
}

async function acquire(directory: string, path: string, self: ProcessIdentity): Promise<void> {
  const own = `${path}.${self.pid}`;
  const deadline = performance.now() + WAIT;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(own, JSON.stringify(self), { mode: 0o600 });
    for (;;) {
      // A link appears with its content or not at all.
      if (link(own, path)) return;
      const holder = readHolder(path);
      if (holder !== undefined && !(await isAlive(holder))) breakLock(path, holder);
      else if (performance.now() > deadline) throw new ProtocolError("proxy-busy", { pid: holder?.pid ?? 0 });
      else await sleep(POLL);
    }
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw new ProtocolError("proxy-journal-unwritable", { errno: errnoOf(error) });
  } finally {
    remove(own);
  }
}

/** What cannot be removed hides nothing: a lock whose holder has ended is broken. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    return;
  }
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Of two that break the same lock one may take the other's new one in hand; it gives it back. */
function breakLock(path: string, dead: ProcessIdentity): void {
  const taken = `${path}.broken.${process.pid}`;
  try {
    renameSync(path, taken);
  } catch {
    return;
  }
  const holder = readHolder(taken);
  if (holder !== undefined && !isSameProcess(holder, dead)) link(taken, path);
  remove(taken);
}

function readHolder(path: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ProcessIdentity;
  } catch {
    return undefined;
  }
}

export async function isAlive(noted: ProcessIdentity): Promise<boolean> {
  const found = await identifyProcess(noted.pid);
  return found !== undefined && isSameProcess(found, noted);
}
