/** What a node shows of its network: from the state of a real one, and peers by the cities that a network publishes. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { call, type Client } from "../api/client.ts";
import { decodeCities } from "../cities/cities.ts";
import { readFixture } from "../cities/cities.fixture.ts";
import { decodeExplorer } from "../cities/explorer.ts";
import type { Network } from "../node/network/networkFile.ts";
import type { RunningNode } from "../node/runtime/node.ts";
import { fromHex, sized, toHex, type NodeId } from "../protocol/bytes.ts";
import { MONTANA_PARAMS } from "../protocol/genesis/montana.ts";
import { rulesOf } from "../protocol/genesis/rules.ts";
import { attach } from "./attach.ts";
import { Playground } from "./cli.fixture.ts";
import { locateData } from "./dataDirectory.ts";
import { abilityOf, NetworkService, type Published } from "./networkService.ts";

const PATIENCE = { timeout: 60_000 };

describe("a node alone", () => {
  let playground: Playground;
  let client: Client;
  beforeAll(async () => {
    playground = await Playground.make();
    await playground.init();
    await playground.start();
    ({ client } = await attach(locateData(playground.data)));
    await vi.waitFor(async () => expect((await client.status.query()).window).toBeGreaterThan(2), PATIENCE);
  }, 90_000);
  afterAll(() => playground.remove());

  it("shows itself in the Node Table, the supply beside what is credited, and what can be done here", async () => {
    const { nodeId } = await client.inspect.query();
    const view = await client.networkView.query({});
    const window = view.window ?? 0;
    expect(view).toMatchObject({
      ...{ name: "solo", profile: "spec", accounts: 1, peers: [], table: null },
      supply: String(13_000_000_000n * BigInt(window + 1)),
      nodes: { count: 1, rows: [{ nodeId, isSelf: true, startWindow: 0, city: null }] },
      ...{ candidates: { count: 0, rows: [] }, emission: { toNewcomers: 0 }, sync: { state: "alone", behind: 0 } },
      ability: { code: "network-alone", params: { network: "solo" } },
    });
    // A window may close between the two figures.
    expect(BigInt(view.supply ?? 0) - BigInt(view.credited ?? 0)).toBeLessThanOrEqual(13_000_000_000n);
    expect(await client.nodeTable.query({ after: nodeId })).toEqual({ rows: [], hasMore: false });
    expect((await client.candidatePool.query({})).rows).toEqual([]);
  });

  it("shows its windows, newest first, with when they were decided and what became of it in them", async () => {
    const { nodeId } = await client.inspect.query();
    const { windows } = await client.recentWindows.query({ count: 2 });
    expect(windows.map(({ window }) => windows[0]!.window - window)).toEqual([0, 1]);
    for (const row of windows) {
      expect(row).toMatchObject({ winner: nodeId, isOwnWin: true, proposer: nodeId, bonusTo: null });
      expect(row.atMs).toBeGreaterThan(Date.now() - 120_000);
    }
    const { activity } = await client.activity.query({ count: 2 });
    expect(activity).toMatchObject({ startWindow: 0 });
    expect(activity?.windows).toHaveLength(2);
    for (const row of activity?.windows ?? []) {
      expect(row).toMatchObject({ isPresent: true, hasRevealed: true, hasWon: true });
    }
    expect(activity!.windowsSinceStart).toBeGreaterThanOrEqual(activity!.chainLength - 1);
  });

  it("takes no more than the contract's bounds", async () => {
    await expect(call(client.recentWindows.query({ count: 121 }))).rejects.toMatchObject({ code: "invalid-input" });
    await expect(call(client.nodeTable.query({ limit: 101 }))).rejects.toMatchObject({ code: "invalid-input" });
  });
});

describe("peers and the network's table", () => {
  const cities = decodeCities(readFixture("three-city/cities.json")).cities;
  const explorer = decodeExplorer(readFixture("three-city/explorer-data.json"));
  const known = explorer.nodes.find(({ node_id: id }) => typeof id === "string")!;
  const idOf = (hex: string): NodeId => sized(fromHex(hex)!, 32) as NodeId;
  const listed = "11".repeat(32);
  const network: Network = {
    ...{ name: "montana", rules: rulesOf(MONTANA_PARAMS, "spec"), otherFounders: [], stateHash: undefined },
    peers: [
      {
        ...{ label: cities[0]!.node.toUpperCase(), multiaddr: "/ip4/192.0.2.7/tcp/8444", peerId: "Qm" },
        ...{ accountIdHex: "00".repeat(32), nodeIdHex: listed, isBootstrap: true },
      },
    ],
    ...{ isManifestNeeded: false, tunnel: undefined },
  };

  const viewOf = async (published: string, told: Pick<Published, "cities" | "explorer"> = { cities, explorer }) => {
    const peers = [listed, known.node_id!, "22".repeat(32)].map((hex) => ({ nodeId: idOf(hex), isOutbound: true }));
    const node = {
      ...{
        peers,
        isAlone: false,
        isLive: true,
        behind: 0n,
        startWindowOf: () => undefined,
        onDecided: () => undefined,
      },
      status: () => Promise.resolve({ window: null, windowAtMs: null, supply: null, progress: null }),
      state: {
        ask: (name: string) =>
          Promise.resolve(
            name === "summary" ? { height: 0n, accounts: 1, nodes: 0, candidates: 0, totalBalance: 0n } : [],
          ),
      },
    } as unknown as RunningNode;
    const service = new NetworkService({
      ...{ node, nodeId: idOf("33".repeat(32)), network, published: () => ({ network: published, ...told }) },
    });
    return service.view({ limit: 10 });
  };

  it("are named by city where the network says so, and never by an address", async () => {
    const view = await viewOf("montana");
    const city = cities.find(({ node }) => node === known.host)!;
    expect(view.peers.map((peer) => peer.city?.id ?? null)).toEqual([cities[0]!.code, city.code, null]);
    expect(view.table?.atMs).toBe(explorer.updated_unix * 1000);
    expect(view.table?.rows).toContainEqual({
      city: { id: city.code, name: city.name },
      ...{ status: known.status, phase: known.phase, window: known.current_window, nodeTable: known.node_table },
      balance: String(known.balance_nj),
    });
    expect(view.table?.rows).toHaveLength(explorer.nodes.length);
    expect(JSON.stringify(view)).not.toContain("192.0.2.7");
    expect(toHex(idOf(listed))).toBe(listed);
  });

  it("that only forward to another city, and have no node that anybody knows of, are called relays", async () => {
    const relay = { ...cities[0]!, vpn: { ...cities[0]!.vpn, enabled: true, exit: cities[1]!.code } };
    const nodes = explorer.nodes.map((row) => (row.host === relay.node ? { ...row, status: "no_data" as const } : row));
    const view = await viewOf("montana", { cities: [relay, ...cities.slice(1)], explorer: { ...explorer, nodes } });
    expect(view.table?.rows.filter(({ status }) => status === "relay").map(({ city }) => city.id)).toEqual([
      relay.code,
    ]);
  });

  it("have no city where the tunnel knows another network", async () => {
    const view = await viewOf("tests");
    expect([view.table, ...view.peers.map(({ city }) => city)]).toEqual([null, null, null, null]);
  });

  it("come with one line of what can be done", () => {
    const codeOf = (rules: Network["rules"]) => abilityOf({ ...network, rules }, false).code;
    expect(codeOf(rulesOf(MONTANA_PARAMS, "spec"))).toBe("network-young");
    expect(codeOf({ ...rulesOf(MONTANA_PARAMS, "spec"), admission: "selection" })).toBe("network-by-lot");
    expect(codeOf(rulesOf(MONTANA_PARAMS, "rc1"))).toBe("network-one-producer");
    expect(abilityOf({ ...network, name: "local" }, false).code).toBe("network-practice");
  });
});
