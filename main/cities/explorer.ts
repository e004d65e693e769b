/** Explorer's `data.json`, with the field names of existing readers (chapter 08 §3.8). Its amounts are JSON numbers. */
import type { Discovered, FirstSeen } from "./discovery.ts";
import { parseJson } from "./json.ts";
import { CITIES_MAX, DISCOVERED_LISTED_MAX, PUBLIC_FILE_MAX } from "./limits.ts";
import { NODE_LABEL } from "./myVpn.ts";
import { maxOf, supplyAt } from "./network.ts";
import type { NodeStatus } from "./nodeStatus.ts";
import {
  amountText,
  count,
  displayText,
  isoText,
  listOf,
  nullable,
  oneOf,
  optional,
  peerIdText,
  record,
  text,
  type Reader,
  type Shape,
} from "./shape.ts";
import { isoTime } from "./time.ts";

const amount: Reader<bigint> = (value, at) => BigInt(amountText(value, at));
const idText = text(64, /^[0-9a-f]{64}$/);

const readExplorer = record({
  updated: isoText,
  updated_unix: count,
  nodes: listOf(
    record({
      label: displayText,
      host: text(32, NODE_LABEL),
      status: oneOf("active", "no_data", "unreachable"),
      current_window: optional(nullable(count)),
      phase: optional(nullable(text(32))),
      D: optional(nullable(count)),
      account_id: optional(nullable(idText)),
      node_id: optional(nullable(idText)),
      balance_nj: optional(nullable(amount)),
      supply_nj: optional(nullable(amount)),
      account_table: optional(nullable(count)),
      node_table: optional(nullable(count)),
    }),
    CITIES_MAX,
  ),
  discovered_peers: listOf(
    record({
      peer_id: peerIdText,
      label: oneOf("external"),
      remote_ip: oneOf("hidden"),
      witnessed_by: listOf(text(32, NODE_LABEL), CITIES_MAX),
      last_heartbeat_seconds_ago: nullable(count),
      first_seen_unix: count,
      uptime_seconds: count,
      status: oneOf("active", "stale"),
    }),
    DISCOVERED_LISTED_MAX,
  ),
  network_summary: record({
    active_nodes: count,
    total_nodes: count,
    discovered_peer_count: count,
    max_window: nullable(count),
    total_supply_nj: nullable(amount),
  }),
});

/** Amounts in nɈ. A node without a status has only its label, host and status. */
export type Explorer = Shape<typeof readExplorer>;

export interface ExplorerInput {
  readonly nowUnix: number;
  readonly nodes: readonly {
    /** English name of the city. */
    readonly label: string;
    readonly node: string;
    /** `no_data` where the node answered something else, `unreachable` where it could not be asked. */
    readonly status: NodeStatus | "no_data" | "unreachable";
  }[];
  readonly discovered: Discovered;
  readonly firstSeen: FirstSeen;
}

export function explorerDocument({ nowUnix, nodes, discovered, firstSeen }: ExplorerInput): Explorer {
  const maxWindow = maxOf(nodes.map(({ status }) => (typeof status === "string" ? null : status.current_window)));
  return {
    updated: isoTime(nowUnix),
    updated_unix: nowUnix,
    nodes: nodes.map(({ label, node, status }) => rowOf(label, node, status)),
    discovered_peers: discovered.peers.map((peer) => {
      const firstSeenUnix = firstSeen.get(peer.peer_id)?.firstSeenUnix ?? nowUnix;
      const { peer_id, label, witnessed_by, last_heartbeat_seconds_ago, status } = peer;
      const seen = { first_seen_unix: firstSeenUnix, uptime_seconds: Math.max(0, nowUnix - firstSeenUnix) };
      return { peer_id, label, remote_ip: "hidden", witnessed_by, last_heartbeat_seconds_ago, ...seen, status };
    }),
    network_summary: {
      active_nodes: nodes.filter(({ status }) => typeof status === "object").length,
      total_nodes: nodes.length,
      discovered_peer_count: discovered.count,
      max_window: maxWindow,
      total_supply_nj: maxWindow === null ? null : supplyAt(maxWindow),
    },
  };
}

export function encodeExplorer(explorer: Explorer): string {
  const quoted = JSON.stringify(
    explorer,
    (_, value: unknown) => (typeof value === "bigint" ? String(value) : value),
    2,
  );
  return `${quoted.replace(QUOTED_AMOUNT, "$1$2")}\n`;
}

/** Throws `ProtocolError`: `too-large`, `not-json`, or `bad-field` with its place as `at`. */
export function decodeExplorer(body: string): Explorer {
  return readExplorer(parseJson(body.replace(BARE_AMOUNT, '$1"$2"'), PUBLIC_FILE_MAX), "");
}

/*
 * Amounts pass 2⁵³, and this room's JSON knows no integers beyond: between text and JSON they are strings. A quoted name
 * with a colon behind it is a field: inside a string its quotation marks would be escaped.
 */
const QUOTED_AMOUNT = /("(?:balance|supply|total_supply)_nj": )"(\d+)"/g;
const BARE_AMOUNT = /("(?:balance|supply|total_supply)_nj"\s*:\s*)(\d+)(?=\s*[,}])/g;

const NOTHING_KNOWN = {
  ...{ current_window: undefined, phase: undefined, D: undefined, account_id: undefined, node_id: undefined },
  ...{ balance_nj: undefined, supply_nj: undefined, account_table: undefined, node_table: undefined },
};

function rowOf(label: string, host: string, status: NodeStatus | "no_data" | "unreachable"): Explorer["nodes"][number] {
  if (typeof status === "string") return { label, host, status, ...NOTHING_KNOWN };
  const { current_window, phase, d, account_id, node_id, balance_nj, supply_nj, account_table, node_table } = status;
  const amountOf = (digits: string | null): bigint | null => (digits === null ? null : BigInt(digits));
  return {
    label,
    host,
    status: "active",
    current_window,
    phase,
    D: d,
    account_id,
    node_id,
    balance_nj: amountOf(balance_nj),
    supply_nj: amountOf(supply_nj),
    account_table,
    node_table,
  };
}
