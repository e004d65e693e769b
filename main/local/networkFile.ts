/** The practice network's own file: the seed network's rules with a short candidacy, and its own nodes. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import type { LocalCity, LocalRecord } from "./record.ts";
import { SITE_NAME } from "./sites.ts";

export const NETWORK_NAME = "local";
const SEED_NETWORK = fileURLToPath(new URL("../../resources/networks/montana.json", import.meta.url));
const NOTE =
  "A practice network on this computer, made by montana local start. D was measured when it was made; its windows and its coins mean nothing elsewhere.";
/** All cities are on this computer: to ask them costs nobody anything. */
const WATCH_SECONDS = 1;
/** Times τ₂, as in the seed network. */
const [EXPIRY, IDLE] = [3, 8];

/** The text of the file. The bootstrap node is that of the first city. */
export function networkFileOf({ d, tau2Windows, cities, ports }: LocalRecord): string {
  const seed = JSON.parse(readFileSync(SEED_NETWORK, "utf8")) as { readonly genesis: object };
  const bootstrap = cities[0]?.identity;
  if (d === null || bootstrap == null) throw new Error("a network needs a bootstrap node and D");
  const document = {
    note: NOTE,
    network_name: NETWORK_NAME,
    genesis: {
      ...seed.genesis,
      ...{ d0: d, d_adjustment: "frozen", tau2_windows: tau2Windows, vdf_entry_windows: tau2Windows },
      ...{ selection_interval: tau2Windows, candidate_expiry_windows: EXPIRY * tau2Windows },
      pruning_idle_windows: IDLE * tau2Windows,
      bootstrap_account_pubkey: bootstrap.accountPublicKey,
      bootstrap_node_pubkey: bootstrap.nodePublicKey,
    },
    peers: cities.flatMap((city, i) => peerOf(city, i === 0)),
    tunnel: {
      subscription_url: subscriptionUrl(ports.public),
      cities: cities.map(({ code }) => code),
      probe_url: `http://${SITE_NAME}:${ports.site}/204`,
      watch_seconds: WATCH_SECONDS,
    },
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function peerOf({ node, identity, nodePort }: LocalCity, isBootstrap: boolean): object[] {
  if (identity === null || nodePort === null) return [];
  const { peerId, accountId, nodeId } = identity;
  return [
    {
      ...{ label: node, multiaddr: listenAddress(nodePort), peer_id: peerId },
      ...{ account_id_hex: accountId, node_id_hex: nodeId, bootstrap: isBootstrap },
    },
  ];
}

export const listenAddress = (port: number): string => `/ip4/127.0.0.1/tcp/${port}`;
export const subscriptionUrl = (port: number): string => `http://127.0.0.1:${port}/vpn/sub`;
export const explorerUrl = (port: number): string => `http://127.0.0.1:${port}/net/`;
