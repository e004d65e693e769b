import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { aggregate, cityBodies, type Fetched, type LastGood } from "./aggregation.ts";
import { anyShareLink, NETWORKS, readFixture } from "./cities.fixture.ts";
import { decodeCities } from "./cities.ts";
import { EVICT_AFTER_SECONDS } from "./limits.ts";
import { decodeMyVpn, encodeMyVpn } from "./myVpn.ts";
import { buildShareLink } from "./shareLink.ts";
import { decodeSubscription } from "./subscription.ts";

const NOW = 1_778_414_400;
const PEERS = ["amsterdam", "berlin", "cairo", "dublin"];

const anyAnswer: fc.Arbitrary<Fetched> = fc.oneof(
  fc.constant({ kind: "failed" } as const),
  fc.constant({ kind: "missing" } as const),
  fc.string().map((body) => ({ kind: "body", body }) as const),
);

const anyGoodAnswer = fc.record({ link: anyShareLink, primary: fc.boolean() }).map(({ link, primary }) => {
  const host = "198.51.100.7";
  return { vless: buildShareLink({ ...link, host, flow: "xtls-rprx-vision", sid: "ab" }), primary };
});

/** What each peer answers: something of its own, or anything. */
const anyFetched = fc
  .tuple(...PEERS.map(() => fc.oneof(anyAnswer, anyGoodAnswer)))
  .map((answers) => new Map(answers.map((answer, i) => [PEERS[i]!, toFetched(PEERS[i]!, answer)])));

function toFetched(node: string, answer: Fetched | { readonly vless: string; readonly primary: boolean }): Fetched {
  return "kind" in answer ? answer : { kind: "body", body: encodeMyVpn({ node, ...answer }) };
}

const run = (fetched: ReadonlyMap<string, Fetched>, lastGood: ReadonlyMap<string, LastGood> = new Map(), at = NOW) =>
  aggregate({ nowUnix: at, peers: PEERS, fetched, lastGood });

describe("an aggregation run", () => {
  test("publishes only what a node published, each line publishable, primary ones first", () => {
    fc.assert(
      fc.property(anyFetched, (fetched) => {
        const { entries, lines, body } = run(fetched);
        for (const { node, vless } of entries) {
          const answer = fetched.get(node)!;
          expect(answer.kind === "body" && decodeMyVpn(answer.body, node).vless).toBe(vless);
        }
        const order = entries.map(({ primary }) => primary);
        expect(order).toEqual([...order].sort((a, b) => Number(b) - Number(a)));
        if (body !== undefined) expect(decodeSubscription(body).skipped).toEqual([]);
        expect(new Set(lines).size).toBe(lines.length);
      }),
    );
  });

  test("does not depend on the order of its peers", () => {
    fc.assert(
      fc.property(anyFetched, fc.shuffledSubarray(PEERS, { minLength: PEERS.length }), (fetched, peers) => {
        const shuffled = aggregate({ nowUnix: NOW, peers, fetched, lastGood: new Map() });
        expect(shuffled.body).toBe(run(fetched).body);
        expect(new Map(shuffled.sources)).toEqual(run(fetched).sources);
      }),
    );
  });

  test("in which nothing can be fetched changes nothing for seven days", () => {
    fc.assert(
      fc.property(anyFetched, fc.integer({ min: 0, max: EVICT_AFTER_SECONDS }), (fetched, later) => {
        const before = run(fetched);
        expect(run(new Map(), before.lastGood, NOW + later).body).toBe(before.body);
        const after = run(new Map(), before.lastGood, NOW + EVICT_AFTER_SECONDS + 1);
        expect(after.lastGood.size).toBe(0);
      }),
    );
  });

  test("that finds nothing keeps the body before, and forgets nodes that are no longer configured", () => {
    const lastGood = new Map([["elsewhere", { vless: "vless://x", primary: false, fetched_unix: NOW }]]);
    const { body, entries } = aggregate({
      nowUnix: NOW,
      peers: PEERS,
      fetched: new Map(),
      lastGood,
      previousBody: "before",
    });
    expect({ body, entries }).toEqual({ body: "before", entries: [] });
  });

  test("lets three of a region go first where that is capped, and leaves to a node what it said of itself", () => {
    const peers = ["a", "b", "c", "d", "e"];
    const link = buildShareLink({
      ...{ uuid: "7414dedf-365d-41d3-ac10-29a65ea43844", host: "198.51.100.7", port: 443, sni: "a.example", sid: "ab" },
      ...{ pbk: "bOLP4GuOkdAzcgeEP2KqrxFakXUsqO8FzrPb7FU6K2w", label: "x" },
    });
    const fetched = new Map<string, Fetched>(
      peers.map((node) => [node, { kind: "body", body: encodeMyVpn({ node, primary: node !== "a", vless: link }) }]),
    );
    const capByRegion = new Map<string, string>(peers.map((node) => [node, "eu"]));
    const input = { nowUnix: NOW, peers, fetched, lastGood: new Map<string, LastGood>() };
    const nodes = (run: { readonly entries: readonly { readonly node: string }[] }) =>
      run.entries.map(({ node }) => node);
    expect(nodes(aggregate(input))).toEqual(["b", "c", "d", "e", "a"]);
    const capped = aggregate({ ...input, capByRegion });
    expect(nodes(capped)).toEqual(["b", "c", "d", "a", "e"]);
    expect(capped.lastGood.get("e")!.primary).toBe(true);
    expect(nodes(aggregate({ ...input, capByRegion: new Map(capByRegion).set("e", "na") }))).toEqual([
      ...["b", "c", "d", "e", "a"],
    ]);
  });

  test("names why a file was not accepted", () => {
    const { faults } = run(new Map([["berlin", { kind: "body", body: "[]" }]]));
    expect([...faults]).toEqual([["berlin", "not-object"]]);
  });

  test("of the fixtures' nodes gives the fixtures' files", () => {
    for (const network of NETWORKS) {
      const { cities } = decodeCities(readFixture(`${network}/cities.json`));
      const asked = cities.filter(({ vpn }) => vpn.enabled).map(({ node }) => node);
      const fetched = new Map<string, Fetched>(
        asked.map((node) => [node, { kind: "body", body: readFixture(`${network}/nodes/${node}/my-vpn.json`) }]),
      );
      const { body, entries, lines } = aggregate({ nowUnix: NOW, peers: asked, fetched, lastGood: new Map() });
      expect(body).toBe(readFixture(`${network}/sub.b64`));
      expect(lines.join("\n")).toBe(readFixture(`${network}/sub.txt`));
      for (const [code, text] of cityBodies(entries, cities)) {
        expect(text).toBe(readFixture(`${network}/city/${code}.txt`));
      }
    }
  });
});
