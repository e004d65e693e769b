/** The tunnel's part of a data directory on which no host runs, held and asked for one command. Nothing is connected. */
import type { Client } from "../api/client.ts";
import { EventRing } from "../api/events.ts";
import { Tasks } from "../api/tasks.ts";
import { claimForCommand } from "./attach.ts";
import type { DataDirectory } from "./dataDirectory.ts";
import { localClient } from "./localClient.ts";
import { VERSION } from "./version.ts";
import { findVpnNetwork, openVpn } from "./vpn.ts";

export interface StoredVpn {
  readonly client: Client;
  /** Releases the data directory. */
  close(): Promise<void>;
}

export interface StoredVpnOptions {
  readonly directory: DataDirectory;
  readonly network: string | undefined;
  /** Gets what nobody can be told. */
  readonly onDefect: (error: unknown) => void;
}

/** Throws `ProtocolError` "host-running" and what reading what is kept throws. */
export async function openStoredVpn({ directory, network, onDefect }: StoredVpnOptions): Promise<StoredVpn> {
  const claimed = await claimForCommand(directory);
  try {
    const events = new EventRing(1);
    const vpn = openVpn({ directory, network: await findVpnNetwork(directory, { asked: network }), events });
    // Whoever looks at the tunnel after a crash is not to be told that all is well while their settings lead nowhere.
    await vpn.prepare();
    const stopping = new AbortController();
    const host = {
      ...{ version: VERSION, pid: process.pid, startedAtMs: claimed.startedAtMs },
      network: { network: null, profile: null },
      requestStop: () => undefined,
      metrics: () => Promise.resolve(""),
    };
    const tasks = new Tasks(() => undefined, onDefect);
    const context = { host, services: () => ({ vpn }), events, tasks, streams: { open: 0 }, stopping: stopping.signal };
    const close = async (): Promise<void> => {
      stopping.abort();
      await vpn.stop();
      await claimed.release();
    };
    return { client: localClient(context, onDefect), close };
  } catch (error) {
    await claimed.release();
    throw error;
  }
}
