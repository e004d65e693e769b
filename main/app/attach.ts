/** Finding the host of a data directory, or becoming it. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

import { call, createClient, noticeOfCall, type Client, type Fetch } from "../api/client.ts";
import { API_VERSION, type Output } from "../api/contract.ts";
import { apiError } from "../api/errors.ts";
import { API_PATH } from "../api/server.ts";
import { socketFetch } from "../api/socketFetch.ts";
import { makeRoot, type DataDirectory } from "./dataDirectory.ts";
import { takeLock, type Lock } from "./lock.ts";
import { isAlive, publish, readPublished, withdraw, type Published } from "./published.ts";

/** For the host that answers on its event loop, which nothing may block for long. */
const ANSWER_MS_MAX = 5000;
/** For whatever a host does when it is asked; the longest is a connect past many exits that are down. */
const CALL_MS_MAX = 600_000;
/** A host says who it is a moment after it took the lock; one that starts listens within the longer time. */
const NAME_MS_MAX = 2000;
const POLL_MS = 50;
/** A host has stopped within this time after a signal or a request; what takes longer is ended by its process. */
export const STOP_MS_MAX = 5000;
/** An older host gets its own five seconds to stop and some more. */
const TAKE_OVER_MS_MAX = 2 * STOP_MS_MAX;
/** Whoever looks for a host holds the lock for a moment. */
const RETRY_MS_MAX = 1000;

export interface AttachedHost {
  readonly client: Client;
  readonly published: Published;
  readonly pong: Output<"ping">;
}

/**
 * The running host, of this API version. Throws `ProtocolError` "host-not-running", "host-not-answering", "host-starting",
 * "host-newer" or "host-older".
 */
export async function attach(directory: DataDirectory): Promise<AttachedHost> {
  const host = await attachIfRunning(directory);
  if (host === undefined) throw apiError("host-not-running", { directory: directory.root });
  return host;
}

/** As {@link attach}; `undefined` where none runs. */
export async function attachIfRunning(directory: DataDirectory): Promise<AttachedHost | undefined> {
  const host = await reach(directory);
  if (host === undefined) return undefined;
  const { apiVersion, pid } = host.pong;
  if (apiVersion > API_VERSION) throw apiError("host-newer", { pid });
  if (apiVersion < API_VERSION) throw apiError("host-older", { pid });
  return host;
}

/** The running host, of any version: with others, `ping` and `stop` are all that is sure. `undefined` where none runs. */
export async function reach(directory: DataDirectory): Promise<AttachedHost | undefined> {
  const published = await findHolder(directory);
  if (published === undefined) return undefined;
  const { pid, socket } = published;
  if (socket === null) throw apiError("host-running", { pid, directory: directory.root });
  const client = createClient({ url: `http://host${API_PATH.slice(0, -1)}`, fetch: bounded(socketFetch(socket)) });
  try {
    const pong = await client.ping.query(undefined, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    return { client, published, pong };
  } catch (error) {
    noticeOfCall(error);
    if (!isHeld(directory)) return undefined;
    throw apiError("host-not-answering", { pid, directory: directory.root });
  }
}

/** A command waits for no host for ever; only a stream of events, which is no POST, has no end of its own. */
function bounded(fetch: Fetch): Fetch {
  return (url, init = {}) => {
    if (init.method !== "POST") return fetch(url, init);
    const late = AbortSignal.timeout(CALL_MS_MAX);
    return fetch(url, { ...init, signal: init.signal === undefined ? late : AbortSignal.any([init.signal, late]) });
  };
}

export type Claim =
  | { readonly kind: "own"; readonly claimed: Claimed }
  /** A host of this API version runs. */
  | { readonly kind: "attached"; readonly host: AttachedHost };

/** The data directory is this process's, until {@link Claimed.release}. */
export interface Claimed {
  readonly directory: DataDirectory;
  readonly startedAtMs: number;
  /** From now on others find the host there. */
  announce(socket: string): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the data directory, attaches to the host that has it, or asks an older one to stop and waits for that. Throws
 * `ProtocolError` "directory-unusable", "host-newer", "host-not-answering", "host-starting" or "host-running".
 */
export async function claim(directory: DataDirectory): Promise<Claim> {
  makeRoot(directory);
  const own = await tryToOwn(directory);
  if (own !== undefined) return { kind: "own", claimed: own };
  const host = await reach(directory);
  if (host === undefined) return claimAfter(directory, RETRY_MS_MAX);
  const { apiVersion, pid } = host.pong;
  if (apiVersion > API_VERSION) throw apiError("host-newer", { pid });
  if (apiVersion === API_VERSION) return { kind: "attached", host };
  await call(host.client.stop.mutate());
  return claimAfter(directory, TAKE_OVER_MS_MAX);
}

/** Takes the data directory for a moment's work, with no host beside it. Throws as {@link claim}, and "host-running". */
export async function claimForCommand(directory: DataDirectory): Promise<Claimed> {
  makeRoot(directory);
  const own = await tryToOwn(directory);
  if (own !== undefined) return own;
  const holder = await findHolder(directory);
  if (holder !== undefined) throw apiError("host-running", { pid: holder.pid, directory: directory.root });
  return ownAfter(directory, RETRY_MS_MAX);
}

async function claimAfter(directory: DataDirectory, patienceMs: number): Promise<Claim> {
  return { kind: "own", claimed: await ownAfter(directory, patienceMs) };
}

async function ownAfter(directory: DataDirectory, patienceMs: number): Promise<Claimed> {
  const end = performance.now() + patienceMs;
  while (performance.now() < end) {
    const own = await tryToOwn(directory);
    if (own !== undefined) return own;
    await wait(POLL_MS);
  }
  const holder = await findHolder(directory);
  if (holder === undefined) throw apiError("host-starting", { directory: directory.root });
  throw apiError("host-not-answering", { pid: holder.pid, directory: directory.root });
}

async function tryToOwn(directory: DataDirectory): Promise<Claimed | undefined> {
  const lock = takeLock(directory.lock);
  if (lock === undefined) return undefined;
  try {
    return await own(directory, lock);
  } catch (error) {
    lock.release();
    throw apiError("directory-unusable", {
      directory: directory.root,
      errno: (error as NodeJS.ErrnoException).code ?? String(error),
    });
  }
}

async function own(directory: DataDirectory, lock: Lock): Promise<Claimed> {
  const startedAtMs = Date.now();
  // What a host that was killed left behind would hinder listening.
  const stale = await readPublished(directory.published);
  if (stale?.socket != null && process.platform !== "win32") await rm(stale.socket, { force: true });
  const publishAs = (socket: string | null): Promise<void> =>
    publish(directory.published, { pid: process.pid, startedAtMs, apiVersion: API_VERSION, socket });
  await publishAs(null);
  return {
    directory,
    startedAtMs,
    announce: publishAs,
    async release() {
      await withdraw(directory.published);
      lock.release();
    },
  };
}

/**
 * Who holds the lock, waiting a little for a name and for a socket. `undefined` when nobody does; a command that holds it
 * has no socket. Throws `ProtocolError("host-starting")` when the holder stays unknown.
 */
async function findHolder(directory: DataDirectory): Promise<Published | undefined> {
  let named: Published | undefined;
  const end = performance.now() + NAME_MS_MAX;
  while (performance.now() < end) {
    const published = await readPublished(directory.published);
    if (published !== undefined && isAlive(published.pid)) {
      if (published.socket !== null) return published;
      named = published;
    }
    if (!isHeld(directory)) return undefined;
    await wait(POLL_MS);
  }
  if (named === undefined) throw apiError("host-starting", { directory: directory.root });
  return named;
}

function isHeld(directory: DataDirectory): boolean {
  if (!existsSync(directory.lock)) return false;
  const lock = takeLock(directory.lock);
  lock?.release();
  return lock === undefined;
}
