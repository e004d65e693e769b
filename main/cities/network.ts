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
  PEERS_LISTED_MAX,
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
  /** By label; a node that was not asked is unreachable. */
  readonly told: ReadonlyMap<string, Told | "no_data" | "unreachable">;
}

/** What the table needs of a node's `peers.json`, which may be much larger. */
export interface Told {
  readonly updatedUnix: number;
  readonly peerId: string;
  readonly status: Peers["status"];
  readonly peersConnected: number;
  /** Connected peers that no label tells to belong to the manifest, heard within DISCOVERY_WINDOW_SECONDS or not at all. */
  readonly witnessed: readonly { readonly peer: string; readonly heartbeatSecondsAgo: number | null }[];
}

export interface Kept {
  /** Witnessed peers: of more those that were heard last. */
  readonly witnessedMax: number;
  /** Whether a peer's id, which the node made up perhaps, may be shown. */
  readonly isShown: (peerId: string) => boolean;
}

const ALL: Kept = { witnessedMax: PEERS_LISTED_MAX, isShown: () => true };

/** What came of asking `node` for its `peers.json`, without what is not needed of it. */
export function toldBy(node: string, fetched: Fetched, kept = ALL): Told | "no_data" | "unreachable" {
  if (fetched.kind === "failed") return "unreachable";
  if (fetched.kind === "missing") return "no_data";
  try {
    return digestOf(decodePeers(fetched.body, node), kept);
  } catch (error) {
    if (error instanceof ProtocolError) return "no_data";
    throw error;
  }
}

function digestOf({ updated_unix, local_peer_id, status, peers }: Peers, { witnessedMax, isShown }: Kept): Told {
  const connected = peers.filter((peer) => peer.connected);
  const witnessed = connected
    .filter(({ label }) => label === UNKNOWN_LABEL)
    .map((peer) => ({ peer: peer.peer_id, heartbeatSecondsAgo: peer.last_heartbeat_seconds_ago }))
    .filter(({ heartbeatSecondsAgo: age }) => age === null || age <= DISCOVERY_WINDOW_SECONDS);
  // Cut before each is looked at, for that costs.
  const newest = witnessed.length <= witnessedMax ? witnessed : witnessed.sort(byAge).slice(0, witnessedMax);
  return {
    ...{ updatedUnix: updated_unix, peerId: local_peer_id, status, peersConnected: connected.length },
    witnessed: newest.filter(({ peer }) => isShown(peer)),
  };
}

const byAge = (a: Told["witnessed"][number], b: Told["witnessed"][number]): number =>
  (a.heartbeatSecondsAgo ?? Number.MAX_SAFE_INTEGER) - (b.heartbeatSecondsAgo ?? Number.MAX_SAFE_INTEGER);

export function networkDocument({ nowUnix, nodes, told }: NetworkInput): Network {
  const rows = nodes.map(({ node, city }) => rowOf(nowUnix, node, city, told.get(node) ?? "unreachable"));
  const active = rows.filter(({ status }) => status === "active");
  const maxWindow = maxOf(active.map((row) => row.current_window));
  const discovered = mergeSightings(sightingsOf(active, told));
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

function rowOf(nowUnix: number, node: string, city: string, told: Told | "no_data" | "unreachable"): NetworkNode {
  if (typeof told === "string") {
    const nothing = { phase: null, current_window: null, account_table: null, node_table: null };
    return { node, city, status: told, ...nothing, balance_nj: null, supply_nj: null, peers_connected: null };
  }
  const { phase, current_window, account_table, node_table, balance_nj, supply_nj } = told.status;
  const isStale = nowUnix - told.updatedUnix > PEERS_STALE_SECONDS;
  const known = { phase, current_window, account_table, node_table, balance_nj, supply_nj };
  return { node, city, status: isStale ? "stale" : "active", ...known, peers_connected: told.peersConnected };
}

/** Of peers that neither a label nor the nodes' own ids tell to belong to the manifest. */
function* sightingsOf(active: readonly NetworkNode[], told: NetworkInput["told"]): Generator<Sighting> {
  const tellers = active.flatMap(({ node }) => {
    const word = told.get(node);
    return typeof word === "object" ? [{ node, word }] : [];
  });
  const known = new Set(tellers.map(({ word }) => word.peerId));
  for (const { node, word } of tellers) {
    for (const { peer, heartbeatSecondsAgo } of word.witnessed) {
      if (!known.has(peer)) yield { witness: node, peer, heartbeatSecondsAgo };
    }
  }
}
