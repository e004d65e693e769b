/** `network.json`: the nodes as one table, from what each tells of itself (chapter 08 §3.6, §4.11). */
import { CITY_CODE, phaseName } from "./cities.ts";
import { mergeSightings, type Sighting } from "./discovery.ts";
import type { Fetched } from "./aggregation.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { parseJson } from "./json.ts";
import {
  CITIES_MAX,
  DISCOVERED_LISTED_MAX,
  DISCOVERY_WINDOW_SECONDS,
  EMISSION_PER_WINDOW_NJ,
  PEERS_STALE_SECONDS,
  PUBLIC_FILE_MAX,
} from "./limits.ts";
import { NODE_LABEL } from "./myVpn.ts";
import { decodePeers, UNKNOWN_LABEL, type Peers } from "./peers.ts";
import { amountText, count, isoText, listOf, nullable, oneOf, peerIdText, record, text, type Shape } from "./shape.ts";
import { isoTime } from "./time.ts";

const nodeLabel = text(32, NODE_LABEL);

const readNode = record({
  node: nodeLabel,
  city: text(3, CITY_CODE),
  status: oneOf("active", "stale", "no_data", "unreachable"),
  phase: nullable(phaseName),
  current_window: nullable(count),
  account_table: nullable(count),
  node_table: nullable(count),
  balance_nj: nullable(amountText),
  supply_nj: nullable(amountText),
  peers_connected: nullable(count),
});

const readNetwork = record({
  version: oneOf(1),
  updated: isoText,
  updated_unix: count,
  nodes: listOf(readNode, CITIES_MAX),
  discovered_peers: listOf(
    record({
      peer_id: peerIdText,
      label: oneOf("external"),
      witnessed_by: listOf(nodeLabel, CITIES_MAX),
      last_heartbeat_seconds_ago: nullable(count),
      status: oneOf("active", "stale"),
    }),
    DISCOVERED_LISTED_MAX,
  ),
  network_summary: record({
    active_nodes: count,
    total_nodes: count,
    discovered_peer_count: count,
    max_window: nullable(count),
    supply_nj: nullable(amountText),
  }),
});

export type NetworkNode = Shape<typeof readNode>;
export type Network = Shape<typeof readNetwork>;

export interface NetworkInput {
  readonly nowUnix: number;
  /** In the order in which they are listed. */
  readonly nodes: readonly { readonly node: string; readonly city: string }[];
  /** What came of asking for `peers.json`, by label; a node that was not asked counts as failed. */
  readonly fetched: ReadonlyMap<string, Fetched>;
}

export function networkDocument({ nowUnix, nodes, fetched }: NetworkInput): Network {
  const read = new Map(nodes.map(({ node }) => [node, readFetched(node, fetched.get(node))]));
  const rows = nodes.map(({ node, city }) => rowOf(nowUnix, node, city, read.get(node)!));
  const active = rows.filter(({ status }) => status === "active");
  const maxWindow = maxOf(active.map((row) => row.current_window));
  const told = active.map(({ node }) => read.get(node)).filter((peers) => typeof peers === "object");
  const discovered = mergeSightings(sightingsOf(told));
  return {
    version: 1,
    updated: isoTime(nowUnix),
    updated_unix: nowUnix,
    nodes: rows,
    discovered_peers: discovered.peers,
    network_summary: {
      active_nodes: active.length,
      total_nodes: nodes.length,
      discovered_peer_count: discovered.count,
      max_window: maxWindow,
      supply_nj: maxWindow === null ? null : String(supplyAt(maxWindow)),
    },
  };
}

/** Throws `ProtocolError`: `too-large`, `not-json`, or `bad-field` with its place as `at`. */
export function decodeNetwork(body: string): Network {
  return readNetwork(parseJson(body, PUBLIC_FILE_MAX), "");
}

/** Emission of all windows up to `window`, in nɈ: never a sum over nodes. */
export const supplyAt = (window: number): bigint => EMISSION_PER_WINDOW_NJ * (BigInt(window) + 1n);

export const maxOf = (windows: readonly (number | null)[]): number | null =>
  windows.reduce((max, window) => (max === null || (window !== null && window > max) ? window : max), null);

function readFetched(node: string, fetched: Fetched | undefined): Peers | "no_data" | "unreachable" {
  if (fetched === undefined || fetched.kind === "failed") return "unreachable";
  if (fetched.kind === "missing") return "no_data";
  try {
    return decodePeers(fetched.body, node);
  } catch (error) {
    if (error instanceof ProtocolError) return "no_data";
    throw error;
  }
}

function rowOf(nowUnix: number, node: string, city: string, peers: Peers | "no_data" | "unreachable"): NetworkNode {
  if (typeof peers === "string") {
    const nothing = { phase: null, current_window: null, account_table: null, node_table: null };
    return { node, city, status: peers, ...nothing, balance_nj: null, supply_nj: null, peers_connected: null };
  }
  const { phase, current_window, account_table, node_table, balance_nj, supply_nj } = peers.status;
  const isStale = nowUnix - peers.updated_unix > PEERS_STALE_SECONDS;
  const known = { phase, current_window, account_table, node_table, balance_nj, supply_nj };
  const peersConnected = peers.peers.filter(({ connected }) => connected).length;
  return { node, city, status: isStale ? "stale" : "active", ...known, peers_connected: peersConnected };
}

/** Of connected peers that neither a label nor the nodes' own ids tell to belong to the manifest. */
function sightingsOf(told: readonly Peers[]): readonly Sighting[] {
  const known = new Set(told.map(({ local_peer_id }) => local_peer_id));
  return told.flatMap(({ node, peers }) =>
    peers
      .filter(({ connected, label, peer_id }) => connected && label === UNKNOWN_LABEL && !known.has(peer_id))
      .map((peer) => ({ witness: node, peer: peer.peer_id, heartbeatSecondsAgo: peer.last_heartbeat_seconds_ago }))
      .filter(({ heartbeatSecondsAgo: age }) => age === null || age <= DISCOVERY_WINDOW_SECONDS),
  );
}
