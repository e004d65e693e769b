/**
 * Every file of the fixtures' networks (chapter 08 §15), on the program's own way: nodes that answer, runs of the aggregator
 * and the explorer, and the public server that a stranger asks. Bodies and links byte for byte, documents as values.
 */
import { readdirSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";

import { readFixture, NETWORKS } from "../cities/cities.fixture.ts";
import { decodeCities, type Cities } from "../cities/cities.ts";
import { decodeHealth, type EndpointHealth, type Health, type Probe } from "../cities/health.ts";
import { SUB_PERIOD_SECONDS } from "../cities/limits.ts";
import { decodeMyVpn, encodeMyVpn } from "../cities/myVpn.ts";
import { supplyAt } from "../cities/network.ts";
import { decodePeers } from "../cities/peers.ts";
import { parseShareLink } from "../cities/shareLink.ts";
import { loadCrypto } from "../native/index.ts";
import { exitConfig } from "../xray/config/serverConfig.ts";
import { fixtureFetcher, makeMeshPlace, type MeshPlace } from "./aggregator/aggregator.fixture.ts";
import { runAggregator } from "./aggregator/aggregator.ts";
import type { Fetcher } from "./aggregator/fetcher.ts";
import { openStateFiles } from "./aggregator/stateFiles.ts";
import { runExplorer } from "./explorer/collector.ts";
import { explorerFetcher, readExplorerFixture } from "./explorer/explorer.fixture.ts";
import { startPublicServer, type PublicServer } from "./subscriptions/server.ts";

const FOLDER = new URL("../../test/fixtures/mesh/", import.meta.url);

let place: MeshPlace | undefined;
let server: PublicServer | undefined;
afterEach(async () => {
  await server?.close();
  place?.remove();
});

describe.each(NETWORKS)("the network of %s", (network) => {
  const fixture = (path: string): string => readFixture(`${network}/${path}`);
  const cities: Cities = decodeCities(fixture("cities.json"));
  const health: Health = decodeHealth(fixture("health.json"));
  const files = readdirSync(new URL(network, FOLDER), { recursive: true, encoding: "utf8" }).filter((path) =>
    path.includes("."),
  );
  const compared = new Set<string>();

  test("is served as the fixtures have it: list, cities and documents", async () => {
    place = makeMeshPlace(fixture("cities.json"));
    await runLikeTheFixtures(network, place, cities, health);
    const { publicDirectory, profile } = place.settings();
    const onTrouble = (error: unknown): never => {
      throw error;
    };
    server = await startPublicServer({ publicDirectory, profile, host: "127.0.0.1", port: 0, onTrouble });
    const get = async (path: string): Promise<{ status: number; body: string }> => {
      const response = await fetch(`http://127.0.0.1:${server!.port}${path}`);
      return { status: response.status, body: await response.text() };
    };
    const take = (file: string): string => {
      compared.add(file);
      return fixture(file);
    };

    const { status, body } = await get("/vpn/sub");
    expect({ status, body }).toEqual({ status: 200, body: take("sub.b64") });
    expect(Buffer.from(body, "base64").toString()).toBe(take("sub.txt"));
    for (const { code } of cities.cities) {
      const file = `city/${code}.txt`;
      const isThere = files.includes(file);
      expect(await get(`/vpn/city/${code}`)).toEqual(
        isThere ? { status: 200, body: take(file) } : { status: 404, body: "not found\n" },
      );
    }
    for (const [path, file] of [
      ["/net/cities.json", "cities.json"],
      ["/vpn/network.json", "network.json"],
      ["/vpn/health.json", "health.json"],
    ] as const) {
      const got = await get(path);
      expect({ status: got.status, document: JSON.parse(got.body) as unknown }).toEqual({
        ...{ status: 200, document: JSON.parse(take(file)) as unknown },
      });
    }
    // Its amounts are numbers that a double may not hold.
    expect(await get("/net/data.json")).toEqual({ status: 200, body: take("explorer-data.json") });
  });

  test("has nodes whose own files are read, and written, as they are", () => {
    for (const file of files) {
      const [, node, name] = /^nodes\/([^/]+)\/(my-vpn|peers)\.json$/.exec(file) ?? [];
      if (node === undefined) continue;
      compared.add(file);
      const body = fixture(file);
      if (name === "my-vpn") expect(encodeMyVpn(decodeMyVpn(body, node)), file).toBe(body);
      else expect(decodePeers(body, node), file).toEqual(JSON.parse(body));
    }
  });

  test("has exits whose engine configuration follows from their link and their private key", () => {
    for (const file of files) {
      const node = /^nodes\/([^/]+)\/xray-server\.json$/.exec(file)?.[1];
      if (node === undefined) continue;
      compared.add(file);
      const expected = JSON.parse(fixture(file)) as ServerFixture;
      const { realitySettings } = expected.inbounds[0].streamSettings;
      const { uuid, port, sni, sid, pbk } = parseShareLink(
        decodeMyVpn(fixture(`nodes/${node}/my-vpn.json`), node).vless,
      );
      const secret = Buffer.from(realitySettings.privateKey, "base64url");
      expect(Buffer.from(loadCrypto().crypto.x25519.publicKey(secret)).toString("base64url"), file).toBe(pbk);
      const config = exitConfig({
        ...{ listen: expected.inbounds[0].listen, port, dest: `${sni}:443`, serverNames: [sni], shortIds: [sid] },
        ...{ privateKey: realitySettings.privateKey, clients: [{ id: uuid, email: "subscription" }] },
        dns: expected.dns.servers,
      });
      expect(config, file).toEqual(expected);
    }
  });

  test("has no other file", () => {
    expect(files.filter((file) => !compared.has(file))).toEqual([]);
  });
});

test("the whitepaper's snapshot is what its table says: rows of the explorer, and the supply of its window", () => {
  const { rows, derived } = JSON.parse(readFixture("snapshot.json")) as Snapshot;
  const nodes = new Map(readExplorerFixture("three-city").nodes.map((node) => [node.label, node]));
  const inExplorer = rows.filter(({ city }) => nodes.has(city));
  expect(inExplorer.map(({ city }) => city)).toEqual(["Moscow", "Frankfurt", "Helsinki"]);
  for (const { city, phase, window, node_table, balance_nj } of inExplorer) {
    const { phase: seen, current_window, node_table: table, balance_nj: balance } = nodes.get(city)!;
    expect({ phase: seen, window: current_window, table, balance: String(balance) }).toEqual({
      ...{ phase, window, table: node_table, balance: balance_nj },
    });
  }
  const supply = supplyAt(rows[0]!.window);
  expect(String(supply)).toBe(derived.supply_nj_at_34922);
  expect(String(supply - BigInt(rows[0]!.balance_nj))).toBe(derived.moscow_missing_nj);
  expect(readExplorerFixture("three-city").network_summary.total_supply_nj).toBe(supply);
});

interface ServerFixture {
  readonly dns: { readonly servers: readonly string[] };
  readonly inbounds: readonly [
    {
      readonly listen: string;
      readonly streamSettings: { readonly realitySettings: { readonly privateKey: string } };
    },
  ];
}

interface Snapshot {
  readonly rows: readonly {
    readonly city: string;
    readonly phase: string;
    readonly window: number;
    readonly node_table: number;
    readonly balance_nj: string;
  }[];
  readonly derived: Readonly<Record<"supply_nj_at_34922" | "moscow_missing_nj", string>>;
}

/**
 * A run each period from the first probe on that `health.json` tells of, with probes that end as it says: a city is there from
 * its own first probe on, and the one that was never probed comes in the last run, which is told to stop before it probes.
 */
async function runLikeTheFixtures(network: string, served: MeshPlace, cities: Cities, { nodes }: Health) {
  const settings = served.settings();
  const endpoints = new Map(nodes.map((endpoint) => [endpoint.node, endpoint]));
  const last = cities.updated_unix;
  const first = Math.min(...nodes.map(({ first_probe_unix: unix }) => unix ?? last));
  for (let nowUnix = first; nowUnix <= last; nowUnix += SUB_PERIOD_SECONDS) {
    const isThere = (node: string): boolean => (endpoints.get(node)?.first_probe_unix ?? Infinity) <= nowUnix;
    const fetcher = fixtureFetcher(network, (node, file) =>
      file === "my-vpn" && endpoints.has(node) && !isThere(node) ? { kind: "missing" } : undefined,
    );
    await runAggregator(settings, { fetcher, probe: probeOf(network, endpoints, nowUnix), nowUnix: () => nowUnix });
  }
  const now = { nowUnix: () => last };
  if (nodes.some(({ first_probe_unix: unix }) => unix === null)) {
    const fetcher = fixtureFetcher(network, () => undefined);
    const probe = () => Promise.reject(new Error("nothing is probed after a signal to stop"));
    await runAggregator(settings, { fetcher, probe, ...now, signal: AbortSignal.abort() });
  }
  await runExplorer(settings, { fetcher: knownBefore(network, settings.stateDirectory), ...now });
}

/** Probes know only addresses: the node is told by its link. */
function probeOf(network: string, endpoints: ReadonlyMap<string, EndpointHealth>, nowUnix: number) {
  const nodeAt = new Map(
    [...endpoints.keys()].map((node) => {
      const { host, port } = parseShareLink(
        decodeMyVpn(readFixture(`${network}/nodes/${node}/my-vpn.json`), node).vless,
      );
      return [`${host} ${port}`, node];
    }),
  );
  return ({ host, port }: { host: string; port: number }): Promise<Probe> => {
    const { last_ok_unix: lastOk, handshake_ms: handshakeMs, error } = endpoints.get(nodeAt.get(`${host} ${port}`)!)!;
    return Promise.resolve(nowUnix <= lastOk! ? { handshakeMs: handshakeMs! } : { error: error! });
  };
}

/** The explorer has seen its discovered peers before. */
function knownBefore(network: string, stateDirectory: string): Fetcher {
  const { discovered_peers: peers, updated_unix: updated } = readExplorerFixture(network);
  openStateFiles(stateDirectory).writeFirstSeen(
    new Map(
      peers.map(({ peer_id: peer, first_seen_unix: firstSeenUnix }) => [
        peer,
        { firstSeenUnix, lastSeenUnix: updated - 60 },
      ]),
    ),
  );
  return explorerFetcher(network);
}
