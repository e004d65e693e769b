/** What nodes of the mesh tell their aggregator, and what it publishes. */
import { decodeCities, type Cities, type City } from "../../../main/cities/cities.ts";
import { decodeExplorer, encodeExplorer, type Explorer } from "../../../main/cities/explorer.ts";
import { decodeHealth, healthDocument, type EndpointHealth, type Health } from "../../../main/cities/health.ts";
import { parseJournalLine, type JournalEvent } from "../../../main/cities/journal.ts";
import { parseJson } from "../../../main/cities/json.ts";
import { PEERS_FILE_MAX } from "../../../main/cities/limits.ts";
import { decodeMyVpn, encodeMyVpn, type MyVpn } from "../../../main/cities/myVpn.ts";
import { decodeNetwork, type Network } from "../../../main/cities/network.ts";
import { parseNodeStatus, type NodeStatus } from "../../../main/cities/nodeStatus.ts";
import { decodePeers, type Peers } from "../../../main/cities/peers.ts";
import { isoTime } from "../../../main/cities/time.ts";
import { textDecoder, type AnyDecoder } from "../decoder.ts";
import type { Random } from "../random.ts";
import { listOf } from "../values.ts";
import { LINK, orRefuse, wellFormedText } from "./links.ts";

const NODE = "frankfurt";
const PEERS = ["QmXgQFaRL44GKhWr1kkC5io4oaiQAtMo15cHQyakeqB2WG", "QmY37L8g1StPwmphJ9kkZRZHVyWeVYXEGkWptdrCY8qx2e"];
const UNIX_MAX = 253_402_300_800;

/** Every byte of JSON may be a field, which has a name, a place and a value. */
const FIELDS = { base: 2048, perByte: 8 };
const LINES = { base: 1024, perByte: 8 };
const TOKENS = ['"', "{}", "[]", "null", "true", "-1", "1e400", "0.12345", '\\"', '"__proto__":1,', ",", ":"];
const DEEP = "[".repeat(100) + "]".repeat(100);

/** A document in one of the notations of JSON; what is too large is made by its corpus. */
const documentDecoder = <T>(
  name: string,
  parts: {
    readonly of: readonly unknown[];
    readonly errors: readonly string[];
    readonly sizeMax: number;
    readonly corpus: readonly string[];
    readonly decode: (body: string) => T;
    readonly encode?: (value: T) => string;
    readonly generate: (random: Random) => T;
  },
): AnyDecoder =>
  textDecoder<T>({
    name,
    of: parts.of,
    errors: ["not-json", ...(parts.sizeMax > PEERS_FILE_MAX ? [] : ["too-large"]), ...parts.errors],
    allocation: FIELDS,
    notations: "several",
    tokens: TOKENS,
    corpus: [DEEP, ...(parts.sizeMax > PEERS_FILE_MAX ? [] : [" ".repeat(parts.sizeMax + 1)]), ...parts.corpus],
    decode: parts.decode,
    encode: parts.encode ?? ((value) => JSON.stringify(value)),
    generate: parts.generate,
  });

const edited = (value: unknown, ...edits: readonly (readonly [string, string])[]): string[] =>
  edits.map(([from, to]) => JSON.stringify(value).replace(from, to));

const MY_VPN: MyVpn = { node: NODE, primary: false, vless: LINK };

export const meshFileDecoders: readonly AnyDecoder[] = [
  documentDecoder<MyVpn>("my-vpn", {
    of: [decodeMyVpn],
    errors: [
      ...["not-object", "bad-node", "node-mismatch", "bad-primary", "bad-vless", "not-publishable", "forbidden-host"],
    ],
    sizeMax: 4096,
    corpus: [
      "[]",
      ...edited(
        MY_VPN,
        ["frankfurt", "1"],
        ["frankfurt", "berlin"],
        ["false", "0"],
        ["vless:", "trojan:"],
        ["flow=xtls-rprx-vision", "flow="],
        ["198.51.100.7", "10.0.0.1"],
      ),
    ],
    decode: (body) => decodeMyVpn(body, NODE),
    encode: encodeMyVpn,
    generate: (random) => ({
      ...MY_VPN,
      primary: random.once(2),
      vless: LINK.replace("443", String(1 + random.below(65_535))),
    }),
  }),

  documentDecoder<Peers>("peers-json", {
    of: [decodePeers],
    errors: ["bad-field", "node-mismatch"],
    sizeMax: PEERS_FILE_MAX,
    corpus: ["{}", '{"node":"frankfurt"}'],
    decode: (body) => decodePeers(body, NODE),
    generate: (random) => ({
      node: NODE,
      ...updated(random),
      local_peer_id: PEERS[0]!,
      status: {
        phase: phase(random),
        current_window: random.u32(),
        d: random.u32(),
        account_table: random.u32(),
        node_table: random.u32(),
        candidate_pool: random.u32(),
        balance_nj: String(random.uint(128)),
        supply_nj: String(random.uint(64)),
      },
      peers: listOf(random, 5, () => ({
        peer_id: random.pick(PEERS),
        label: random.pick(["unknown", "moscow", ""]),
        connected: random.once(2),
        last_heartbeat_seconds_ago: orNull(random, random.u32()),
      })),
    }),
  }),

  documentDecoder<Cities>("cities-json", {
    of: [decodeCities],
    errors: [
      ...["bad-version", "empty", "bad-code", "bad-node", "duplicate-code", "duplicate-node", "bad-coordinate"],
      ...["too-precise", "self-front", "unknown-front", "asymmetric-front", "front-of-disabled", "front-cycle"],
      ...["bad-exit", "bad-field"],
    ],
    sizeMax: Infinity,
    corpus: brokenCities(),
    decode: decodeCities,
    generate: (random) => citiesOf(random.pick([1, 2, 5]), random),
  }),

  documentDecoder<Health>("health-json", {
    of: [decodeHealth, parseJson],
    errors: ["bad-field"],
    sizeMax: Infinity,
    corpus: ["{}"],
    decode: decodeHealth,
    generate: (random) => healthDocument(listOf(random, 4, endpointHealth), random.below(2 ** 32)),
  }),

  documentDecoder<Network>("network-json", {
    of: [decodeNetwork],
    errors: ["bad-field"],
    sizeMax: Infinity,
    corpus: ["{}"],
    decode: decodeNetwork,
    generate: (random) => ({
      version: 1,
      ...updated(random),
      nodes: listOf(random, 4, () => ({
        node: NODE,
        city: "fra",
        status: random.pick(["active", "stale", "no_data", "unreachable"]),
        phase: orNull(random, phase(random)),
        current_window: orNull(random, random.u32()),
        account_table: orNull(random, random.u32()),
        node_table: orNull(random, random.u32()),
        balance_nj: orNull(random, String(random.uint(128))),
        supply_nj: orNull(random, String(random.uint(64))),
        peers_connected: orNull(random, random.u32()),
      })),
      discovered_peers: listOf(random, 4, () => ({
        peer_id: random.pick(PEERS),
        label: "external" as const,
        witnessed_by: listOf(random, 3, () => NODE),
        last_heartbeat_seconds_ago: orNull(random, random.u32()),
        status: random.pick(["active", "stale"]),
      })),
      network_summary: {
        active_nodes: random.u32(),
        total_nodes: random.u32(),
        discovered_peer_count: random.u32(),
        max_window: orNull(random, random.u32()),
        supply_nj: orNull(random, String(random.uint(64))),
      },
    }),
  }),

  documentDecoder<Explorer>("explorer-json", {
    of: [decodeExplorer],
    errors: ["bad-field"],
    sizeMax: Infinity,
    corpus: ["{}"],
    decode: decodeExplorer,
    encode: encodeExplorer,
    generate: (random) => ({
      ...updated(random),
      nodes: listOf(random, 4, () => ({
        label: wellFormedText(random, 20),
        host: NODE,
        status: random.pick(["active", "no_data", "unreachable"]),
        current_window: orNull(random, random.u32()),
        phase: orNull(random, phase(random)),
        D: undefined,
        account_id: orNull(random, "ab".repeat(32)),
        node_id: undefined,
        balance_nj: orNull(random, random.uint(128)),
        supply_nj: undefined,
        account_table: orNull(random, random.u32()),
        node_table: orNull(random, random.u32()),
      })),
      discovered_peers: listOf(random, 4, () => ({
        peer_id: random.pick(PEERS),
        label: "external" as const,
        remote_ip: "hidden" as const,
        witnessed_by: listOf(random, 3, () => NODE),
        last_heartbeat_seconds_ago: orNull(random, random.u32()),
        first_seen_unix: random.u32(),
        uptime_seconds: random.u32(),
        status: random.pick(["active", "stale"]),
      })),
      network_summary: {
        active_nodes: random.u32(),
        total_nodes: random.u32(),
        discovered_peer_count: random.u32(),
        max_window: orNull(random, random.u32()),
        total_supply_nj: orNull(random, random.uint(100)),
      },
    }),
  }),

  textDecoder<JournalEvent>({
    name: "journal-line",
    of: [parseJournalLine],
    errors: ["no-event"],
    allocation: LINES,
    notations: "several",
    tokens: ["[network] ", "peer=", "label=", PEERS[0]!, "2026-05-21T15:54:07+0000 ", "2026-02-30T", "→", "None"],
    corpus: ["[network] ".repeat(1600), `${"окно ".repeat(10)}[network] heartbeat OK peer=${PEERS[0]!} request_id=1`],
    decode: (line) => orRefuse(parseJournalLine(line), "no-event"),
    encode: journalLine,
    generate: journalEvent,
  }),

  textDecoder<NodeStatus>({
    name: "node-status",
    of: [parseNodeStatus],
    errors: ["not-a-status"],
    allocation: LINES,
    notations: "several",
    tokens: ["=== montana-node status ===\n", "balance : 1 nɈ\n", "candidate VDF : 1/2\n", " : ", "\r\n"],
    decode: (text) => orRefuse(parseNodeStatus(text), "not-a-status"),
    encode: statusText,
    generate: nodeStatus,
  }),
];

const orNull = <T>(random: Random, value: T): T | null => (random.once(4) ? null : value);
const phase = (random: Random) => random.pick(["Bootstrap", "CandidateVdf", "Registered", "Active"] as const);

function updated(random: Random) {
  const unix = random.below(2 ** 32);
  return { updated: isoTime(unix), updated_unix: unix };
}

function endpointHealth(random: Random): EndpointHealth {
  return {
    node: NODE,
    city: "fra",
    state: random.pick(["unknown", "up", "degraded", "down", "expired"]),
    since_unix: random.u32(),
    first_probe_unix: random.u32(),
    last_probe_unix: random.u32(),
    last_ok_unix: orNull(random, random.u32()),
    consecutive_failures: random.u32(),
    consecutive_successes: random.u32(),
    handshake_ms: orNull(random, random.u32()),
    error: orNull(random, random.pick(["dns", "reset", "cert-untrusted"])),
  };
}

/** Each city may front later ones; the first of three is a relay of the second. */
function citiesOf(count: number, random: Random): Cities {
  const codes = Array.from({ length: count }, (_, i) => `${"abcdefgh"[i]!}aa`);
  const edges = codes.flatMap((from, i) =>
    codes.slice(i + 1).flatMap((to, j) => (random.once(2) || (i === 0 && j === 0) ? [[from, to] as const] : [])),
  );
  const cities = codes.map((code, i): City => ({
    code,
    node: `node-${i}`,
    name: { en: wellFormedText(random, 20), ru: "Город" },
    country: "DE",
    region: random.pick(["af", "as", "eu", "na", "oc", "sa"]),
    lat: random.pick([0, -90, 90, 55.7558, 0.0001]),
    lon: random.pick([0, -180, 180, 37.6173]),
    timechain: { phase: phase(random), emits: random.once(2) },
    vpn: {
      enabled: true,
      primary: random.once(3),
      exit: i === 0 && count > 2 ? codes[1]! : code,
      fronts: edges.filter(([from]) => from === code).map(([, to]) => to),
      fronted_by: edges.filter(([, to]) => to === code).map(([from]) => from),
      endpoint: orNull(random, `/vpn/city/${code}`),
    },
  }));
  return { version: 1, network: "montana", ...updated(random), cities };
}

/** A valid file with one thing wrong, for each rule. */
function brokenCities(): string[] {
  const vpn = { enabled: true, primary: false, exit: "aaa", fronts: [], fronted_by: [], endpoint: null };
  const city = (code: string, node: string, parts: object = {}, vpnParts: object = {}): object => ({
    code,
    node,
    name: { en: "A", ru: "А" },
    country: "DE",
    region: "eu",
    lat: 1,
    lon: 1,
    timechain: { phase: "Active", emits: true },
    vpn: { ...vpn, exit: code, ...vpnParts },
    ...parts,
  });
  const file = (...cities: readonly object[]): string =>
    JSON.stringify({ version: 1, network: "n", updated: "", updated_unix: 0, cities });
  return [
    file(),
    file(city("aa", "a")),
    file(city("aaa", "1")),
    file(city("aaa", "a"), city("aaa", "b")),
    file(city("aaa", "a"), city("bbb", "a")),
    file(city("aaa", "a", { lat: 91 })),
    file(city("aaa", "a", { lat: 1.00001 })),
    file(city("aaa", "a", {}, { fronts: ["aaa"] })),
    file(city("aaa", "a", {}, { fronts: ["zzz"] })),
    file(city("aaa", "a", {}, { fronts: ["bbb"] }), city("bbb", "b")),
    file(city("aaa", "a", {}, { fronts: ["bbb"] }), city("bbb", "b", {}, { enabled: false, fronted_by: ["aaa"] })),
    file(
      city("aaa", "a", {}, { fronts: ["bbb"], fronted_by: ["bbb"] }),
      city("bbb", "b", {}, { fronts: ["aaa"], fronted_by: ["aaa"] }),
    ),
    file(city("aaa", "a", {}, { exit: "bbb" }), city("bbb", "b")),
    file(city("aaa", "a", { name: null })),
  ];
}

function journalEvent(random: Random): JournalEvent {
  const unix = { unix: Number(random.uint(40) % BigInt(UNIX_MAX)) };
  const time = random.once(2) ? unix : {};
  const peer = random.pick(PEERS);
  const label = random.pick(["unknown", "moscow", "a-1"]);
  const events: readonly JournalEvent[] = [
    { event: "local-peer", peer, peers_to_dial: random.below(1_000_000) },
    { event: "dialing", label },
    { event: "listening" },
    { event: "connection-established", peer, label, remote_family: random.pick(["ip4", "ip6", null]) },
    { event: "heartbeat", peer, request_id: String(random.uint(64)) },
    { event: "connection-closed", peer, label },
    { event: "dial-error", peer: orNull(random, peer) },
    { event: "windows-applied", windows: random.u32(), current_window: random.u32() },
  ];
  return { ...random.pick(events), ...time };
}

function journalLine(event: JournalEvent): string {
  const time = event.unix === undefined ? "" : `${isoTime(event.unix)} n m[1]: `;
  return time + messageOf(event);
}

function messageOf(event: JournalEvent): string {
  switch (event.event) {
    case "local-peer":
      return `[network] local_peer_id=${event.peer} listen=/x peers_to_dial=${event.peers_to_dial}`;
    case "dialing":
      return `[network] dialing ${event.label} (x)`;
    case "listening":
      return "[network] listening on /x";
    case "connection-established": {
      const { peer, label, remote_family: family } = event;
      return `[network] CONNECTION ESTABLISHED peer=${peer} label=${label} remote=/${family ?? "dns4"}/x/tcp/1`;
    }
    case "heartbeat":
      return `[network] heartbeat OK peer=${event.peer} request_id=${event.request_id}`;
    case "connection-closed":
      return `[network] connection closed peer=${event.peer} label=${event.label} cause=None`;
    case "dial-error": {
      const peer = event.peer === null ? "None" : `Some(PeerId("${event.peer}"))`;
      return `[network] outgoing connection ERROR peer=${peer} error=x`;
    }
    case "windows-applied": {
      const { windows, current_window: current } = event;
      return `[consensus] applied ${windows} window(s) from peer Proposal → current_window=${current}`;
    }
  }
}

function nodeStatus(random: Random): NodeStatus {
  const isCandidate = random.once(2);
  return {
    current_window: orNull(random, random.u32()),
    phase: orNull(random, phase(random)),
    d: orNull(random, random.u32()),
    candidate_progress: isCandidate ? random.u32() : null,
    candidate_target: isCandidate ? random.u32() : null,
    registration_window: orNull(random, random.u32()),
    account_id: orNull(random, "ab".repeat(32)),
    node_id: orNull(random, "cd".repeat(32)),
    account_table: orNull(random, random.u32()),
    node_table: orNull(random, random.u32()),
    candidate_pool: orNull(random, random.u32()),
    balance_nj: orNull(random, String(random.uint(128))),
    supply_nj: orNull(random, String(random.uint(64))),
  };
}

function statusText(status: NodeStatus): string {
  const { candidate_progress: progress, candidate_target: target, balance_nj, supply_nj } = status;
  const lines: readonly (readonly [string, string | number | null])[] = [
    ["current_window", status.current_window],
    ["phase", status.phase],
    ["D (current)", status.d],
    ["candidate VDF", progress === null ? null : `${progress}/${target ?? 0}`],
    ["registration_window", status.registration_window],
    ["account_id", status.account_id],
    ["node_id", status.node_id],
    ["AccountTable", status.account_table],
    ["NodeTable", status.node_table],
    ["CandidatePool", status.candidate_pool],
    ["balance", balance_nj === null ? null : `${balance_nj} nɈ`],
    ["supply (closed-form)", supply_nj === null ? null : `${supply_nj} nɈ (x)`],
  ];
  const known = lines.filter(([, value]) => value !== null).map(([name, value]) => `${name}   : ${value ?? ""}`);
  return ["=== montana-node status ===", "", ...known].join("\n");
}
