/** Whatever links people bring, the engine itself takes the configuration that is made of them. */
import { readFileSync } from "node:fs";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { anyShareLink } from "../cities/cities.fixture.ts";
import { parseShareLink, type ShareLink } from "../cities/shareLink.ts";
import { decodeSubscription } from "../cities/subscription.ts";
import { checkConfig } from "./checkConfig.fixture.ts";
import { clientConfig } from "./config/clientConfig.ts";
import { relayConfig } from "./config/serverConfig.ts";
import { binariesHere } from "./mesh.fixture.ts";

const binaries = binariesHere();

interface Case {
  readonly input: { readonly url?: string; readonly body?: string };
  readonly expect: { readonly url?: string; readonly error?: string };
}

const casesOf = (suite: string): readonly Case[] => {
  const path = new URL(`../../test/conformance/vectors/08-mesh-vpn/${suite}.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as { readonly cases: readonly Case[] }).cases;
};

const [UUID, KEY] = ["328300cc-111c-4d0c-8f4d-d6392a08e2a2", "nZX6AGUF_fwFdwUDB2ICA4EFAM3cQgeg-5jG_PwDwP8"];

/** As many as an engine of this program holds. */
const ROUTES = 256;

async function accepts(links: readonly ShareLink[], bypass: { domains: string[]; cidrs: string[] }): Promise<void> {
  const exits = links.map((link, i) => ({ code: `r${String(i).padStart(3, "0")}`, link }));
  const config = clientConfig({
    exits,
    selected: exits.at(-1)!.code,
    mixedPort: 10_808,
    api: { socket: "/tmp/montana-test/engine.sock" },
    probe: { socket: "/tmp/montana-test/probe.sock", password: "probe" },
    bypass,
  });
  await checkConfig(binaries!, config);
}

describe.skipIf(binaries === undefined)("the engine takes", () => {
  test("every link that the suites accept", async () => {
    const urls = [
      ...casesOf("vless-build").flatMap(({ expect }) => expect.url ?? []),
      ...casesOf("vless-parse").flatMap(({ input, expect }) => (expect.error === undefined ? (input.url ?? []) : [])),
    ];
    const subscribed = casesOf("sub-decode").flatMap(({ input }) => decodeSubscription(input.body ?? "").servers);
    const links = [...urls.map(parseShareLink), ...subscribed];
    expect(links.length).toBeGreaterThan(60);
    await accepts(links.slice(0, ROUTES), { domains: [], cidrs: [] });
  });

  test("paths of its spider that it cannot read itself", async () => {
    const paths = ["//%08/", "//a:b/", "//[::", "/%", "/%zz", "/a?p=%2", "/\u0007", "/\u007f", "/#%"];
    for (const spx of paths) {
      const link = parseShareLink(`vless://${UUID}@a.example:443?security=reality&pbk=${KEY}&sni=b.example`);
      await accepts([{ ...link, spx }], { domains: [], cidrs: [] });
    }
  });

  test("any routes with any bypass rules", async () => {
    const anyBypass = fc.record({
      domains: fc.array(
        fc.tuple(fc.constantFrom("domain:", "full:", "keyword:"), fc.domain()).map((it) => it.join("")),
      ),
      cidrs: fc.array(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6().filter((address) => !address.includes(".")),
          fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map((it) => it.join("/")),
        ),
      ),
    });
    const anyRoutes = fc.array(anyShareLink, { minLength: 1, maxLength: ROUTES, size: "max" });
    await fc.assert(fc.asyncProperty(anyRoutes, anyBypass, accepts), { numRuns: 40, endOnFailure: true });
  });

  test("any relay", async () => {
    const anyRelay = fc.record({
      listen: fc.constantFrom("0.0.0.0", "::", "192.0.2.1"),
      port: fc.integer({ min: 1, max: 65_535 }),
      exit: anyShareLink,
    });
    const check = ({ listen, port, exit }: { listen: string; port: number; exit: ShareLink }): Promise<void> =>
      checkConfig(binaries!, relayConfig({ listen, port, exitHost: exit.host, exitPort: exit.port }));
    await fc.assert(fc.asyncProperty(anyRelay, check), { numRuns: 8, endOnFailure: true });
  });
});
