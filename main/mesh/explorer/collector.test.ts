import { afterEach, describe, expect, test } from "vitest";

import { NETWORKS, readFixture } from "../../cities/cities.fixture.ts";
import { decodeExplorer } from "../../cities/explorer.ts";
import { isoTime } from "../../cities/time.ts";
import { fixtureFetcher, makeMeshPlace, nothingInstead, type MeshPlace } from "../aggregator/aggregator.fixture.ts";
import { openStateFiles } from "../aggregator/stateFiles.ts";
import type { Fetcher } from "../aggregator/fetcher.ts";
import { runExplorer } from "./collector.ts";
import { explorerFetcher, readExplorerFixture } from "./explorer.fixture.ts";

let place: MeshPlace;
afterEach(() => place.remove());

const run = (fetcher: Fetcher, nowUnix: number) => runExplorer(place.settings(), { fetcher, nowUnix: () => nowUnix });

describe("the explorer's collector", () => {
  test.each(NETWORKS)("makes the fixture's data.json of what the nodes of %s print", async (network) => {
    place = makeMeshPlace(readFixture(`${network}/cities.json`));
    const expected = readExplorerFixture(network);
    openStateFiles(place.settings().stateDirectory).writeFirstSeen(
      new Map(
        expected.discovered_peers.map(({ peer_id: peer, first_seen_unix: first }) => [
          peer,
          { firstSeenUnix: first, lastSeenUnix: expected.updated_unix - 60 },
        ]),
      ),
    );
    const report = await run(explorerFetcher(network), expected.updated_unix);
    expect(report).toMatchObject({ nodes: expected.network_summary.active_nodes, alarms: [] });
    expect(decodeExplorer(place.readPublic("net/data.json"))).toEqual(expected);
    expect(place.readPublic("net/data.json")).toBe(readFixture(`${network}/explorer-data.json`));
  });

  test("remembers since when a peer is there, and lists it no more ten minutes after its last word", async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"));
    const fetcher = explorerFetcher("three-city");
    const { updated_unix: now } = readExplorerFixture("three-city");
    await run(fetcher, now);
    await run(fetcher, now + 100);
    const [peer] = decodeExplorer(place.readPublic("net/data.json")).discovered_peers;
    expect(peer).toMatchObject({ first_seen_unix: now, uptime_seconds: 100, status: "stale", remote_ip: "hidden" });
    expect((await run(fetcher, now + 700)).discovered).toBe(0);
  });

  test("lets no node hold back the document of all by the words that it chooses", async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"), { providers: ["Acme"] });
    const good = explorerFetcher("three-city");
    const { updated_unix: now } = readExplorerFixture("three-city");
    const fetcher: Fetcher = {
      async fetch(peer, file, signal) {
        const answer = await good.fetch(peer, file, signal);
        if (peer.node !== "frankfurt" || answer.kind !== "body") return answer;
        const heard = `${isoTime(now)} f m[1]: [network] heartbeat OK peer=${"A".repeat(43)} request_id=1\n`;
        const body = file === "journal" ? answer.body + heard : answer.body.replace("CandidateVdf", "Acme");
        return { kind: "body", body };
      },
    };
    expect(await run(fetcher, now)).toMatchObject({ nodes: 3, discovered: 1, alarms: [] });
    const { nodes } = decodeExplorer(place.readPublic("net/data.json"));
    expect(nodes.map(({ phase }) => phase)).toEqual(["Active", null, "CandidateVdf"]);
  });

  test("reads the peers.json of nodes that have no status and no journal to show", async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"));
    const { updated_unix: now } = readExplorerFixture("three-city");
    await run(fixtureFetcher("three-city", nothingInstead), now);
    const {
      nodes,
      discovered_peers: peers,
      network_summary: summary,
    } = decodeExplorer(place.readPublic("net/data.json"));
    expect(nodes.map(({ host, phase, current_window: window }) => [host, phase, window])).toEqual([
      ["moscow", "Active", 34_922],
      ["frankfurt", "CandidateVdf", 34_920],
      ["helsinki", "CandidateVdf", 34_901],
    ]);
    expect(peers.map(({ witnessed_by: witnesses }) => witnesses)).toEqual([["moscow", "frankfurt", "helsinki"]]);
    expect(summary).toMatchObject({ active_nodes: 3, total_supply_nj: 453_999_000_000_000n });
  });

  test("goes on with the other nodes when one prints nonsense or ten megabytes of it", async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"));
    const good = explorerFetcher("three-city");
    const fetcher: Fetcher = {
      fetch: (peer, file, signal) =>
        peer.node === "frankfurt"
          ? Promise.resolve({ kind: "body", body: "[network] heartbeat OK peer=\u0000\r".repeat(300_000) })
          : good.fetch(peer, file, signal),
    };
    const report = await run(fetcher, readExplorerFixture("three-city").updated_unix);
    expect(report).toMatchObject({ nodes: 2, discovered: 1 });
    const rows = decodeExplorer(place.readPublic("net/data.json")).nodes.map(({ host, status }) => `${host} ${status}`);
    expect(rows).toEqual(["moscow active", "frankfurt no_data", "helsinki active"]);
  });
});
