import { describe, expect, test } from "vitest";

import { NETWORKS, readFixture } from "./cities.fixture.ts";
import { discoverPeers, rememberFirstSeen, type DiscoveredPeer } from "./discovery.ts";
import { decodeExplorer, encodeExplorer, explorerDocument } from "./explorer.ts";
import type { JournalEvent } from "./journal.ts";
import { DISCOVERED_LISTED_MAX, EVICT_AFTER_SECONDS } from "./limits.ts";
import { decodeNetwork, networkDocument, toldBy, type Kept, type Told } from "./network.ts";
import { decodePeers } from "./peers.ts";

const NOW = 1_778_414_400;
const status = {
  ...{ current_window: 7, phase: "Active", d: 2, candidate_progress: null, candidate_target: null },
  ...{ registration_window: null, account_id: null, node_id: null, account_table: 1, node_table: 1 },
  ...{ candidate_pool: 0, balance_nj: "9007199254740993", supply_nj: "104000000000" },
};
const digits = (i: number): string => String(i).replaceAll("0", "z");

describe("network.json", () => {
  test("of the fixtures is read as it is, and has no address", () => {
    for (const network of NETWORKS) {
      const body = readFixture(`${network}/network.json`);
      expect(decodeNetwork(body)).toEqual(JSON.parse(body));
    }
  });

  test("counts nothing on nodes that say nothing", () => {
    const nodes = [{ node: "a", city: "aaa" }];
    const { network_summary: summary, nodes: rows } = networkDocument({ nowUnix: NOW, nodes, told: new Map() });
    expect(summary).toMatchObject({ active_nodes: 0, total_nodes: 1, max_window: null, supply_nj: null });
    expect(rows[0]).toMatchObject({ status: "unreachable", peers_connected: null });
  });

  test("takes a file that another node wrote for none", () => {
    const body = readFixture("three-city/nodes/moscow/peers.json");
    expect(() => decodePeers(body, "frankfurt")).toThrow("node-mismatch");
    const told = new Map([["frankfurt", toldBy("frankfurt", { kind: "body", body })]]);
    const nodes = [{ node: "frankfurt", city: "fra" }];
    expect(networkDocument({ nowUnix: NOW, nodes, told }).nodes[0]!.status).toBe("no_data");
  });
});

describe("what is kept of a node's peers.json", () => {
  const told = (peers: readonly (readonly [id: string, age: number | null, change?: object])[], kept?: Kept) => {
    const document = JSON.parse(readFixture("three-city/nodes/moscow/peers.json")) as object;
    const listed = peers.map(([peer_id, age, change]) => ({
      ...{ peer_id, label: "unknown", connected: true, last_heartbeat_seconds_ago: age, ...change },
    }));
    return toldBy("moscow", { kind: "body", body: JSON.stringify({ ...document, peers: listed }) }, kept) as Told;
  };

  test("is how many are connected, and those of no label that were heard lately", () => {
    const { peersConnected, witnessed } = told([
      ...([
        ["Qma", 600],
        ["Qmb", 601],
        ["Qmc", null],
      ] as const),
      ...([
        ["Qmd", 1, { label: "helsinki" }],
        ["Qme", 1, { connected: false }],
      ] as const),
    ]);
    expect(peersConnected).toBe(4);
    expect(witnessed.map(({ peer }) => peer)).toEqual(["Qma", "Qmc"]);
  });

  test("is of many those that were heard last, without ids that may not be shown, which count as connected", () => {
    const many = Array.from({ length: 50 }, (_, i): [string, number | null] => [
      `Qm${digits(i + 1)}`,
      i % 5 === 0 ? null : 100 - i,
    ]);
    const isShown = (peer: string): boolean => peer !== "Qm5z";
    const { peersConnected, witnessed } = told(many, { witnessedMax: 3, isShown });
    expect(peersConnected).toBe(50);
    expect(witnessed).toEqual([
      { peer: "Qm49", heartbeatSecondsAgo: 52 },
      { peer: "Qm48", heartbeatSecondsAgo: 53 },
    ]);
  });
});

describe("the explorer's data.json", () => {
  test("of the fixtures comes back byte for byte", () => {
    for (const network of NETWORKS) {
      const body = readFixture(`${network}/explorer-data.json`);
      expect(encodeExplorer(decodeExplorer(body))).toBe(body);
    }
  });

  test("keeps amounts that a double cannot", () => {
    const nodes = [{ label: 'a "balance_nj": "1"', node: "a", status }];
    const explorer = explorerDocument({
      nowUnix: NOW,
      nodes,
      discovered: { peers: [], count: 0 },
      firstSeen: new Map(),
    });
    const body = encodeExplorer(explorer);
    expect(body).toContain('"balance_nj": 9007199254740993,');
    expect(decodeExplorer(body)).toMatchObject({
      nodes: [{ label: 'a "balance_nj": "1"', balance_nj: 9_007_199_254_740_993n }],
      network_summary: { max_window: 7, total_supply_nj: 104_000_000_000n },
    });
  });

  test("says since when a peer is there", () => {
    const peer: DiscoveredPeer = {
      ...{ peer_id: "Qm", label: "external", witnessed_by: ["a"], last_heartbeat_seconds_ago: 1, status: "active" },
    };
    const discovered = { peers: [peer], count: 1 };
    const before = rememberFirstSeen(new Map(), [peer], NOW - 100);
    const firstSeen = rememberFirstSeen(before, [peer], NOW);
    const { discovered_peers: listed } = explorerDocument({ nowUnix: NOW, nodes: [], discovered, firstSeen });
    expect(listed[0]).toMatchObject({ remote_ip: "hidden", first_seen_unix: NOW - 100, uptime_seconds: 100 });
    expect(rememberFirstSeen(firstSeen, [], NOW + EVICT_AFTER_SECONDS).size).toBe(1);
    expect(rememberFirstSeen(firstSeen, [], NOW + EVICT_AFTER_SECONDS + 1).size).toBe(0);
  });
});

describe("discovered peers", () => {
  test("are listed up to a bound, those that were heard last, and counted all", () => {
    const events = Array.from({ length: DISCOVERED_LISTED_MAX + 200 }, (_, i): JournalEvent => ({
      ...{ event: "heartbeat", peer: `Qm${digits(i)}`, request_id: "1", unix: NOW - (i % 600) },
    }));
    const { peers, count } = discoverPeers(NOW, [{ node: "a", events }], new Set());
    expect({ listed: peers.length, count }).toEqual({ listed: DISCOVERED_LISTED_MAX, count: events.length });
    expect(Math.max(...peers.map((peer) => peer.last_heartbeat_seconds_ago!))).toBeLessThan(599);
    expect(peers.map(({ peer_id }) => peer_id)).toEqual(peers.map(({ peer_id }) => peer_id).sort());
  });
});
