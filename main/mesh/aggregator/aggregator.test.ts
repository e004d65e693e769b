import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";

import { NETWORKS, readFixture } from "../../cities/cities.fixture.ts";
import { decodeCities } from "../../cities/cities.ts";
import { decodeHealth } from "../../cities/health.ts";
import { EVICT_AFTER_SECONDS } from "../../cities/limits.ts";
import { decodeNetwork } from "../../cities/network.ts";
import { decodeSubscription } from "../../cities/subscription.ts";
import { fixtureFetcher, makeMeshPlace, nothingInstead, type MeshPlace } from "./aggregator.fixture.ts";
import { runAggregator, type AggregatorPorts } from "./aggregator.ts";
import type { Answer, Fetcher } from "./fetcher.ts";
import { syncKeys } from "./keySync.ts";
import type { NodeFile } from "./nodeFiles.ts";

let place: MeshPlace;
afterEach(() => place.remove());

const NOW = 1_778_414_400;
const nowOf = (network: string): number => decodeCities(readFixture(`${network}/cities.json`)).updated_unix;

const run = (fetcher: Fetcher, nowUnix = NOW, more: Partial<AggregatorPorts> = {}) =>
  runAggregator(place.settings(), { fetcher, nowUnix: () => nowUnix, ...more });

/** Another answer of one node for its entry. */
const withAnswer = (node: string, answer: Answer): Fetcher =>
  fixtureFetcher("three-city", (asked, file) => (asked === node && file === "my-vpn" ? answer : undefined));

describe("a run of the aggregator", () => {
  test.each(NETWORKS)(
    "makes of the nodes of %s the fixtures' files, bodies and links byte for byte",
    async (network) => {
      place = makeMeshPlace(readFixture(`${network}/cities.json`));
      // One node of the larger network cannot be reached just now, and was before.
      const unreached = new Set(["tokyo"]);
      const nowUnix = nowOf(network);
      await run(fixtureFetcher(network, nothingInstead), nowUnix - 600);
      const report = await run(
        fixtureFetcher(network, (node) =>
          network === "eight-city" && unreached.has(node) ? { kind: "failed", reason: "timeout" } : undefined,
        ),
        nowUnix,
      );
      expect(report.alarms).toEqual([]);
      expect(place.readPublic("vpn/sub")).toBe(readFixture(`${network}/sub.b64`));
      const { cities } = decodeCities(readFixture(`${network}/cities.json`));
      for (const { code, vpn } of cities) {
        expect(place.hasPublic(`vpn/city/${code}`)).toBe(vpn.enabled);
        if (vpn.enabled) expect(place.readPublic(`vpn/city/${code}`)).toBe(readFixture(`${network}/city/${code}.txt`));
      }
      for (const [path, file] of [
        ["vpn/network.json", "network.json"],
        ["net/cities.json", "cities.json"],
      ] as const) {
        expect(JSON.parse(place.readPublic(path))).toEqual(JSON.parse(readFixture(`${network}/${file}`)));
      }
    },
  );

  test("keeps the last good entry, and its age, of a node that fails in any way", async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"));
    await run(fixtureFetcher("three-city", nothingInstead), NOW - 1000);
    const failures: readonly (readonly [Answer, string])[] = [
      [{ kind: "failed", reason: "timeout" }, "timeout"],
      [{ kind: "failed", reason: "too-large" }, "too-large"],
      [{ kind: "body", body: "\u0000garbage" }, "not-json"],
      [{ kind: "body", body: readFixture("three-city/nodes/moscow/my-vpn.json") }, "node-mismatch"],
    ];
    for (const [answer, reason] of failures) {
      const report = await run(withAnswer("frankfurt", answer));
      expect(report.troubles).toEqual([{ node: "frankfurt", reason, lastGoodSeconds: 1000 }]);
      expect(place.readPublic("vpn/sub")).toBe(readFixture("three-city/sub.b64"));
    }
  });

  test("takes a city away when its node withdraws it, and after a week of silence", async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"));
    await run(fixtureFetcher("three-city", nothingInstead));
    await run(withAnswer("frankfurt", { kind: "missing" }));
    expect(place.hasPublic("vpn/city/fra")).toBe(false);
    const labels = (): string[] => decodeSubscription(place.readPublic("vpn/sub")).servers.map(({ label }) => label);
    expect(labels()).toEqual(["Montana FIN", "Montana MSK"]);

    await run(fixtureFetcher("three-city", nothingInstead));
    expect(labels()).toEqual(["Montana FIN", "Montana FRA", "Montana MSK"]);
    const silent = withAnswer("moscow", { kind: "failed", reason: "unreachable" });
    await run(silent, NOW + EVICT_AFTER_SECONDS);
    expect(place.hasPublic("vpn/city/msk")).toBe(true);
    const report = await run(silent, NOW + EVICT_AFTER_SECONDS + 1);
    expect(report.sources).toMatchObject({ expired: 1, fresh: 2 });
    expect(place.hasPublic("vpn/city/msk")).toBe(false);
  });

  test("holds a document back that names a place where exits are, and leaves the one before", async () => {
    const cities = readFixture("three-city/cities.json");
    place = makeMeshPlace(cities, { providers: ["Acme Cloud"] });
    const fetcher = fixtureFetcher("three-city", nothingInstead);
    await run(fetcher);
    const before = place.readPublic("net/cities.json");
    for (const [planted, violation] of [
      ["at acme cloud", "hosting-name"],
      ["via cdn.montana.example", "exit-host"],
      ["203.0.113.9", "ipv4"],
    ]) {
      writeFileSync(join(place.directory, "cities.json"), cities.replace('"Moscow"', `"${planted!}"`));
      const { alarms } = await run(fetcher);
      expect(alarms).toEqual([{ path: "/net/cities.json", violations: [violation] }]);
      expect(place.readPublic("net/cities.json")).toBe(before);
    }
  });

  test("lets no node hold back the documents of all by what it calls its peers", async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"), { providers: ["Acme"] });
    const honest = JSON.parse(readFixture("three-city/nodes/frankfurt/peers.json")) as { peers: object[] };
    const made = ["A".repeat(43), "acme"].map((peer_id) => ({
      ...{ peer_id, label: "unknown", connected: true, last_heartbeat_seconds_ago: 1 },
    }));
    const lie = JSON.stringify({ ...honest, peers: [...honest.peers, ...made] });
    const fetcher = fixtureFetcher("three-city", (node, file) =>
      node === "frankfurt" && file === "peers" ? { kind: "body", body: lie } : undefined,
    );
    expect((await run(fetcher)).alarms).toEqual([]);
    const expected = decodeNetwork(readFixture("three-city/network.json"));
    // How many it is connected to is its own word, and changes nobody else's.
    const nodes = expected.nodes.map((row) => (row.node === "frankfurt" ? { ...row, peers_connected: 5 } : row));
    expect(JSON.parse(place.readPublic("vpn/network.json"))).toEqual({ ...expected, nodes });
  });

  test("tells what the nodes say now of their phases, and when that changed", async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"));
    const registered = readFixture("three-city/nodes/frankfurt/peers.json").replace("CandidateVdf", "Registered");
    const fetcher = fixtureFetcher("three-city", (node, file) =>
      node === "frankfurt" && file === "peers" ? { kind: "body", body: registered } : undefined,
    );
    await run(fetcher, NOW + 5);
    const published = decodeCities(place.readPublic("net/cities.json"));
    expect(published.updated_unix).toBe(NOW + 5);
    expect(published.cities.find(({ code }) => code === "fra")!.timechain.phase).toBe("Registered");
  });

  test("changes nothing when its own memory is damaged, and says which file", async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"));
    await run(fixtureFetcher("three-city", nothingInstead));
    const file = join(place.directory, "state", "last-good.json");
    writeFileSync(file, readFileSync(file, "utf8").replace("frankfurt", "frankfurd"));
    await expect(run(withAnswer("frankfurt", { kind: "missing" }))).rejects.toMatchObject({
      code: "mesh-state-damaged",
      params: { file },
    });
    expect(place.hasPublic("vpn/city/fra")).toBe(true);
  });

  test("refuses cities that contradict themselves, with the reason and the place", async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"));
    const cities = readFixture("three-city/cities.json").replace('"exit": "fra"', '"exit": "msk"');
    writeFileSync(join(place.directory, "cities.json"), cities);
    await expect(run(fixtureFetcher("three-city", nothingInstead))).rejects.toMatchObject({
      code: "mesh-cities-invalid",
      params: { reason: "bad-exit", at: "cities[1].vpn.exit" },
    });
  });

  test("probes every entry once and remembers what came of it", async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"));
    const fetcher = fixtureFetcher("three-city", nothingInstead);
    const probe: NonNullable<AggregatorPorts["probe"]> = ({ host }) =>
      Promise.resolve(host === "cdn.montana.example" ? { error: "tcp-refused" } : { handshakeMs: 12 });
    const states = async (): Promise<string[]> => {
      await run(fetcher, NOW, { probe });
      return decodeHealth(place.readPublic("vpn/health.json")).nodes.map(({ city, state }) => `${city} ${state}`);
    };
    expect(await states()).toEqual(["msk up", "fra up", "fin degraded"]);
    await states();
    expect(await states()).toEqual(["msk up", "fra up", "fin down"]);
    expect(place.hasPublic("vpn/city/fin")).toBe(true);
  });

  test("asks no more nodes at once than it may, and none for longer than its time", async () => {
    place = makeMeshPlace(readFixture("eight-city/cities.json"), { parallel: 2 });
    let running = 0;
    let most = 0;
    const asked: string[] = [];
    const fetcher: Fetcher = {
      fetch: ({ node }: { readonly node: string }, file: NodeFile, signal: AbortSignal) =>
        new Promise((resolve) => {
          most = Math.max(most, ++running);
          asked.push(`${node} ${file}`);
          const end = (): void => {
            running--;
            resolve({ kind: "missing" });
          };
          if (node === "tokyo") signal.addEventListener("abort", end);
          else setImmediate(end);
        }),
    };
    const report = await run(fetcher, NOW, { timeoutMs: 2_000 });
    expect(asked.length).toBe(16);
    expect(most).toBe(4);
    expect(report.troubles).toEqual([{ node: "tokyo", reason: "timeout", lastGoodSeconds: null }]);
  });
});

describe("the key sync", () => {
  test("writes what the canonical exit says, once", async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"));
    const fetcher = fixtureFetcher("three-city", nothingInstead);
    const first = await syncKeys(place.settings(), fetcher, NOW);
    const body = readFileSync(first.file, "utf8");
    expect(JSON.parse(body)).toMatchObject({ node: "helsinki", sni: "www.decoy.example", updated_unix: NOW });
    const second = await syncKeys(place.settings(), fetcher, NOW + 9);
    expect([first.isChanged, second.isChanged]).toEqual([true, false]);
    expect(readFileSync(first.file, "utf8")).toBe(body);
    await expect(syncKeys(place.settings(), withAnswer("helsinki", { kind: "missing" }), NOW)).rejects.toMatchObject({
      code: "mesh-exit-unusable",
    });
    expect(readFileSync(first.file, "utf8")).toBe(body);
  });
});
