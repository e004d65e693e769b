import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { anyIpv4, anyIpv6, anyKey, anyUuid, NETWORKS, readFixture } from "./cities.fixture.ts";
import { scanForPublication } from "./publicationGate.ts";

const secrets = { exitHosts: ["203.0.113.5", "CDN.montana.example", ""], providers: ["Acme Cloud", ""] };
const publicFiles = ["cities.json", "network.json", "health.json", "explorer-data.json"];

describe("the publication gate", () => {
  test("lets the public files of the fixtures pass", () => {
    for (const network of NETWORKS) {
      for (const file of publicFiles)
        expect(scanForPublication(readFixture(`${network}/${file}`), secrets)).toEqual([]);
    }
  });

  test("finds what is planted into any field of them", () => {
    const planted = fc.oneof(
      anyIpv4.map((text) => ["ipv4", text] as const),
      anyIpv6.map((text) => ["ipv6", text] as const),
      anyUuid.map((text) => ["uuid", text] as const),
      anyKey.map((text) => ["reality-key", text] as const),
      fc.constant(["multiaddr", "/ip6/x"] as const),
      fc.constant(["vless-url", "VLESS://x"] as const),
      fc.constant(["hosting-name", "at acme cloud, hall 2"] as const),
      fc.constant(["exit-host", "cdn.MONTANA.example"] as const),
    );
    const body = readFixture("three-city/network.json");
    const strings = [...body.matchAll(/: "/g)].map(({ index }) => index + 3);
    fc.assert(
      fc.property(planted, fc.nat(strings.length - 1), ([kind, text], place) => {
        const at = strings[place]!;
        expect(scanForPublication(`${body.slice(0, at)}${text} ${body.slice(at)}`, secrets)).toContain(kind);
      }),
    );
  });

  test("takes a provider's name as a whole word of any script", () => {
    const providers = ["Хост"];
    expect(scanForPublication("у хост.", { exitHosts: [], providers })).toEqual(["hosting-name"]);
    expect(scanForPublication("хостинг", { exitHosts: [], providers })).toEqual([]);
  });
});
