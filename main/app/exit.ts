/** The city of a host, put together: it needs neither a node nor an identity. */
import { join } from "node:path";

import { Tasks } from "../api/tasks.ts";
import { EventRing } from "../api/events.ts";
import type { Client } from "../api/client.ts";
import { ExitService } from "../mesh/exit/exitService.ts";
import { readGazetteer } from "../mesh/cities/gazetteer.ts";
import { loadCrypto } from "../native/index.ts";
import { findBinaries } from "../xray/binaries.ts";
import { claimForCommand } from "./attach.ts";
import { makeRoot, type DataDirectory } from "./dataDirectory.ts";
import { localClient } from "./localClient.ts";
import { VERSION } from "./version.ts";

/** Reads what is kept and starts nothing. Throws `ProtocolError`. */
export function openExit({ root }: DataDirectory, onDefect: (error: unknown) => void): ExitService {
  return new ExitService({
    directory: join(root, "mesh"),
    x25519: loadCrypto().crypto.x25519,
    binaries: () => findBinaries(),
    gazetteer: () => readGazetteer(),
    onDefect,
  });
}

export interface StoredExit {
  readonly client: Client;
  /** Releases the data directory. */
  close(): Promise<void>;
}

/**
 * The city of a data directory on which no host runs, held and changed for one command; it runs from the next start of a host
 * on. Throws `ProtocolError` "host-running" and what reading what is kept throws.
 */
export async function openStoredExit(
  directory: DataDirectory,
  onDefect: (error: unknown) => void,
): Promise<StoredExit> {
  makeRoot(directory);
  const claimed = await claimForCommand(directory);
  try {
    const exit = openExit(directory, onDefect);
    const stopping = new AbortController();
    const host = {
      ...{ version: VERSION, pid: process.pid, startedAtMs: claimed.startedAtMs },
      network: { network: null, profile: null },
      requestStop: () => undefined,
      metrics: () => Promise.resolve(""),
    };
    const context = {
      ...{ host, services: () => ({ exit }), events: new EventRing(1), tasks: new Tasks(() => undefined, onDefect) },
      ...{ streams: { open: 0 }, stopping: stopping.signal },
    };
    const close = async (): Promise<void> => {
      stopping.abort();
      await exit.stop();
      await claimed.release();
    };
    return { client: localClient(context, onDefect), close };
  } catch (error) {
    await claimed.release();
    throw error;
  }
}
