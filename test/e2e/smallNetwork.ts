/**
 * A network of one founder, in a process of its own, that takes candidates after a few windows of about a second; and the
 * host of a newcomer, who has nothing yet, beside it.
 */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Playground } from "../../main/app/cli.fixture.ts";
import { locateData } from "../../main/app/dataDirectory.ts";
import { reach } from "../../main/app/attach.ts";
import type { Client } from "../../main/api/client.ts";
import { measureHashesPerSecond } from "../../main/node/network/solo.ts";
import { loadCrypto } from "../../main/native/index.ts";
import { freePort } from "../integration/freePort.ts";

const SEED_NETWORK = fileURLToPath(new URL("../../resources/networks/montana.json", import.meta.url));
const WINDOW_SECONDS = 1;
/** Of one core: the newcomer's chain is to be quicker than the network also where both have one core. */
const FOUNDER_SHARE = 0.3;
/** Times τ₂, as in the seed network. */
const [EXPIRY, IDLE] = [3, 8];

interface Identity {
  readonly accountId: string;
  readonly nodeId: string;
  readonly peerId: string;
  readonly accountPublicKey: string;
  readonly nodePublicKey: string;
}

export interface SmallNetwork {
  readonly founder: Playground;
  readonly newcomer: Playground;
  end(): Promise<void>;
}

/** `tau2Windows` is the length of a candidacy. */
export async function startSmallNetwork(tau2Windows: number): Promise<SmallNetwork> {
  const founder = await Playground.make();
  const newcomer = await Playground.make();
  const end = async (): Promise<void> => {
    await Promise.all([founder.remove(), newcomer.remove()]);
  };
  try {
    const asked = ["init", "--json", "--machine-key", "file", "--passphrase-file", founder.passphraseFile];
    const identity = (await founder.run(asked)).json() as Identity;
    const port = await freePort();
    const hashesPerSecond = await measureHashesPerSecond(loadCrypto().crypto);
    const d = Math.max(1, Math.round(hashesPerSecond * FOUNDER_SHARE * WINDOW_SECONDS));
    const file = join(founder.folder, "network.json");
    await writeFile(file, networkFileOf(identity, { d, tau2Windows, port }));
    const share = String(100 * FOUNDER_SHARE);
    await founder.start(["--listen", `/ip4/127.0.0.1/tcp/${port}`, "--time-share", share], file);
    await newcomer.startPlainly(["--without-node"]);
    // It would take as long as the chain itself.
    await (await clientOf(founder)).setSettings.mutate({ candidateVdfCheck: "none" });
    await (await clientOf(newcomer)).chooseNetwork.mutate({ network: file });
    return { founder, newcomer, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Of the host that runs there. */
export async function clientOf(playground: Playground): Promise<Client> {
  return (await reach(locateData(playground.data)))!.client;
}

function networkFileOf(
  { accountId, nodeId, peerId, accountPublicKey, nodePublicKey }: Identity,
  { d, tau2Windows, port }: { readonly d: number; readonly tau2Windows: number; readonly port: number },
): string {
  const seed = JSON.parse(readFileSync(SEED_NETWORK, "utf8")) as { readonly genesis: object };
  return JSON.stringify({
    note: "A network of a test.",
    network_name: "small",
    genesis: {
      ...seed.genesis,
      ...{ d0: d, d_adjustment: "frozen", tau2_windows: tau2Windows, vdf_entry_windows: tau2Windows },
      ...{ selection_interval: tau2Windows, candidate_expiry_windows: EXPIRY * tau2Windows },
      pruning_idle_windows: IDLE * tau2Windows,
      bootstrap_account_pubkey: accountPublicKey,
      bootstrap_node_pubkey: nodePublicKey,
    },
    peers: [
      {
        ...{ label: "founder", multiaddr: `/ip4/127.0.0.1/tcp/${port}`, peer_id: peerId },
        ...{ account_id_hex: accountId, node_id_hex: nodeId, bootstrap: true },
      },
    ],
  });
}
