/** Whom the commands of the tunnel ask: the running host, one that is started for them, or what a stopped one left. */
import { setTimeout as wait } from "node:timers/promises";

import { call, type Client } from "../../api/client.ts";
import { apiError } from "../../api/errors.ts";
import { attachIfRunning, STOP_MS_MAX, type AttachedHost } from "../attach.ts";
import type { DataDirectory } from "../dataDirectory.ts";
import { isAlive } from "../published.ts";
import type { Call, Result } from "./command.ts";

/** A host ends within STOP_MS_MAX of its own time, which on a busy machine is several times as long. */
const ENDED_MS_MAX = 6 * STOP_MS_MAX;
const POLL_MS = 20;

export interface VpnConnection {
  /** Of the running host, or of the data. */
  readonly client: () => Promise<Client>;
  /** Of a host, which is started where none runs. */
  readonly host: () => Promise<{ readonly client: Client; readonly isNew: boolean }>;
  /** Ends a host, and waits for its end. */
  readonly end: (client: Client) => Promise<void>;
}

/** The data are released at the end. */
export async function withVpn(called: Call, work: (connection: VpnConnection) => Promise<Result>): Promise<Result> {
  const { directory, network } = called;
  let close = (): Promise<void> => Promise.resolve();
  const running = async (): Promise<AttachedHost | undefined> => {
    const host = await attachIfRunning(directory);
    if (host !== undefined && network !== undefined) await checkNetwork(called, host.client, network);
    return host;
  };
  const connection: VpnConnection = {
    async client() {
      const host = await running();
      if (host !== undefined) return host.client;
      // Only here: a command that finds a host needs nothing of it.
      const { openStoredVpn } = await import("../storedVpn.ts");
      const onDefect = (error: unknown): void => called.say(String(error instanceof Error ? error.stack : error));
      const stored = await openStoredVpn({ directory, network, onDefect });
      close = () => stored.close();
      return stored.client;
    },
    async host() {
      const host = await running();
      if (host !== undefined) return { client: host.client, isNew: false };
      const { startInBackground } = await import("../background.ts");
      return { client: (await startInBackground(directory, network)).client, isNew: true };
    },
    end: (client) => endHost(client, directory),
  };
  try {
    return await work(connection);
  } finally {
    await close();
  }
}

/** Ends a host, and waits for its end. Throws "host-not-answering" where that does not come. */
export async function endHost(client: Client, { root }: DataDirectory): Promise<void> {
  const { pid } = await call(client.ping.query());
  await call(client.stop.mutate());
  const end = performance.now() + ENDED_MS_MAX;
  while (isAlive(pid)) {
    if (performance.now() > end) throw apiError("host-not-answering", { pid, directory: root });
    await wait(POLL_MS);
  }
}

async function checkNetwork({ directory }: Call, client: Client, asked: string): Promise<void> {
  const { nameOfNetwork } = await import("../vpn.ts");
  const { network: running } = await call(client.vpnSettings.query());
  if ((await nameOfNetwork(directory, asked)) !== running) throw apiError("other-network", { running, asked });
}
