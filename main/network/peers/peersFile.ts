/** `peers.json`, what a collector of the mesh reads from this node (chapter 08 §3.3). It holds no addresses. */
import type { PeerIdText } from "../ports.ts";
import { replaceFile } from "../../files/replaceFile.ts";

/** What the node says of itself; amounts in nɈ. */
export interface NodeStatus {
  readonly phase: "Bootstrap" | "CandidateVdf" | "Registered" | "Active";
  readonly currentWindow: bigint;
  readonly d: bigint;
  readonly accountTable: number;
  readonly nodeTable: number;
  readonly candidatePool: number;
  readonly balance: bigint;
  readonly supply: bigint;
}

export interface ListedPeer {
  readonly peerId: PeerIdText;
  /** As in the manifest, or `unknown`. */
  readonly label: string;
  readonly isConnected: boolean;
  readonly lastHeartbeatSecondsAgo: number | undefined;
}

export interface PeersFileContent {
  /** Label of this node, `[a-z][a-z0-9-]{0,31}`. */
  readonly node: string;
  readonly unixMs: number;
  readonly localPeerId: PeerIdText;
  readonly status: NodeStatus;
  readonly peers: readonly ListedPeer[];
}

/** A reader refuses more. */
const PEERS_FILE_BYTES_MAX = 262_144;
/** For the group of the account that fetches it. */
const MODE = 0o640;

export async function writePeersFile(path: string, content: PeersFileContent): Promise<void> {
  await replaceFile(path, formatPeersFile(content), MODE);
}

/** Ends in a newline; connected peers stand first and are kept when the limit of 262,144 bytes cuts the list. */
export function formatPeersFile(content: PeersFileContent): string {
  const peers = [...content.peers].sort((a, b) => Number(b.isConnected) - Number(a.isConnected));
  for (;;) {
    const text = format(content, peers);
    if (text.length <= PEERS_FILE_BYTES_MAX) return text;
    peers.splice(Math.floor(peers.length / 2));
  }
}

function format({ node, unixMs, localPeerId, status }: PeersFileContent, peers: readonly ListedPeer[]): string {
  const seconds = Math.floor(unixMs / 1000);
  const json = {
    node,
    updated: new Date(seconds * 1000).toISOString().replace(".000Z", "Z"),
    updated_unix: seconds,
    local_peer_id: localPeerId,
    status: {
      phase: status.phase,
      current_window: Number(status.currentWindow),
      d: Number(status.d),
      account_table: status.accountTable,
      node_table: status.nodeTable,
      candidate_pool: status.candidatePool,
      balance_nj: status.balance.toString(),
      supply_nj: status.supply.toString(),
    },
    peers: peers.map((peer) => ({
      peer_id: peer.peerId,
      label: peer.label,
      connected: peer.isConnected,
      last_heartbeat_seconds_ago: peer.lastHeartbeatSecondsAgo ?? null,
    })),
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}
