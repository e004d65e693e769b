/** `peers.json`: what one node tells its aggregator of itself and whom it is connected to (chapter 08 §3.3). */
import { ProtocolError } from "../protocol/errors.ts";
import { phaseName } from "./cities.ts";
import { parseJson } from "./json.ts";
import { PEERS_FILE_MAX, PEERS_LISTED_MAX } from "./limits.ts";
import { NODE_LABEL } from "./myVpn.ts";
import { amountText, count, flag, isoText, listOf, nullable, peerIdText, record, text, type Shape } from "./shape.ts";

/** Label of a peer that the manifest does not know. */
export const UNKNOWN_LABEL = "unknown";

const readPeers = record({
  node: text(32, NODE_LABEL),
  updated: isoText,
  updated_unix: count,
  local_peer_id: peerIdText,
  status: record({
    phase: phaseName,
    current_window: count,
    d: count,
    account_table: count,
    node_table: count,
    candidate_pool: count,
    balance_nj: amountText,
    supply_nj: amountText,
  }),
  peers: listOf(
    record({
      peer_id: peerIdText,
      label: text(32),
      connected: flag,
      last_heartbeat_seconds_ago: nullable(count),
    }),
    PEERS_LISTED_MAX,
  ),
});

export type Peers = Shape<typeof readPeers>;

/**
 * Reads the file that `expectedNode` was asked for. Throws `ProtocolError`: `too-large`, `not-json`, `bad-field` with its
 * place as `at`, or `node-mismatch`.
 */
export function decodePeers(body: string, expectedNode: string): Peers {
  const peers = readPeers(parseJson(body, PEERS_FILE_MAX), "");
  if (peers.node !== expectedNode) throw new ProtocolError("node-mismatch");
  return peers;
}
