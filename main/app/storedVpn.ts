/** The tunnel's part of a data directory on which no host runs, held and asked for one command. Nothing is connected. */
import { EventRing } from "../api/events.ts";
import { claimForCommand } from "./attach.ts";
import type { DataDirectory } from "./dataDirectory.ts";
import { storedPart, type StoredPart } from "./localClient.ts";
import { findVpnNetwork, openVpn } from "./vpn.ts";

export interface StoredVpnOptions {
  readonly directory: DataDirectory;
  readonly network: string | undefined;
  /** Gets what nobody can be told. */
  readonly onDefect: (error: unknown) => void;
}

/** Throws `ProtocolError` "host-running" and what reading what is kept throws. */
export async function openStoredVpn({ directory, network, onDefect }: StoredVpnOptions): Promise<StoredPart> {
  const claimed = await claimForCommand(directory);
  try {
    const events = new EventRing(1);
    const vpn = openVpn({ directory, network: await findVpnNetwork(directory, { asked: network }), events });
    // Whoever looks at the tunnel after a crash is not to be told that all is well while their settings lead nowhere.
    await vpn.prepare();
    return storedPart({ claimed, services: { vpn }, events, stop: () => vpn.stop(), onDefect });
  } catch (error) {
    await claimed.release();
    throw error;
  }
}
