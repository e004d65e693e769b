import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { decodeCities } from "../cities/cities.ts";
import { decodeHealth } from "../cities/health.ts";
import { parseShareLink } from "../cities/shareLink.ts";
import { cityIdOf, findCity } from "./cityNames.ts";
import { parseDirectRules } from "./directRules.ts";
import { NetworkFiles } from "./networkFiles.ts";
import { linkFor, startSubscriptionServer, type SubscriptionServer } from "./subscriptions/subscriptions.fixture.ts";
import { healthByCity, listCities } from "./vpnCities.ts";
import { DEFAULT_SETTINGS, loadSettings, saveSettings } from "./vpnSettings.ts";

const fixture = (name: string): string =>
  readFileSync(new URL(`../../test/fixtures/mesh/three-city/${name}`, import.meta.url), "utf8");

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "vpn-parts-"))));
afterEach(() => rmSync(folder, { recursive: true }));

describe("a city", () => {
  const cities = [
    { id: "fra", names: ["Frankfurt", "Франкфурт"] },
    { id: "exit-00000001", names: ["Home NYC"] },
    { id: "rdo", names: ["Rostov-on-Don", "Ростов-на-Дону"] },
    { id: "yrk", names: ["New York City"] },
    { id: "del", names: ["New Delhi"] },
    { id: "exit-00000002", names: ["Exit 2"] },
    { id: "exit-00000003", names: ["Exit 2"] },
  ];

  test.each([
    ["auto", "auto"],
    ["FRA", "fra"],
    ["франкфурт", "fra"],
    ["nyc", "exit-00000001"],
    ["exit-00000003", "exit-00000003"],
    ["Exit 2", undefined],
    ["Berlin", undefined],
    ["", undefined],
    ["Rostov", "rdo"],
    ["ростов", "rdo"],
    ["new york", "yrk"],
    ["new", undefined],
    ["rost", undefined],
  ])("asked for as %j is %j", (asked, id) => {
    expect(findCity(asked, cities)).toBe(id);
  });

  test("is never named by an address", () => {
    expect(cityIdOf("fra")).toBe("fra");
    expect(cityIdOf("192.0.2.7:443")).toMatch(/^exit-[0-9a-f]{8}$/);
    const link = parseShareLink(linkFor(undefined, 7).replace(/#.*$/, ""));
    const route = { link, entry: "192.0.2.7:443", via: "direct", sources: ["pasted"], key: "known" } as const;
    const [shown] = listCities({
      ...{ cities: [], health: [], measures: new Map(), inUse: null },
      routed: [{ id: "192.0.2.7:443", label: link.label, city: null, routes: [route] }],
      usable: [{ code: "r", city: "192.0.2.7:443", link }],
    });
    expect(link.label).toBe("192.0.2.7");
    expect(JSON.stringify(shown)).not.toContain("192.0.2.7");
  });
});

test("ten thousand cities are listed without looking for each among all the others", () => {
  const [template] = decodeCities(fixture("cities.json")).cities;
  const codes = Array.from({ length: 10_000 }, (_, i) => `c${i}`);
  let reads = 0;
  const counted = <T extends object>(value: T, city: string): T & { readonly city: string } =>
    Object.defineProperty(value, "city", { get: () => (reads++, city) }) as T & { readonly city: string };
  const [health] = decodeHealth(fixture("health.json")).nodes;
  const link = parseShareLink(linkFor("fra", 7));
  const endpoints = codes.map((code) => counted({ ...health! }, code));
  const cities = codes.map((code) => ({ ...template!, code }));
  const listed = listCities({
    ...{ cities, health: endpoints, inUse: null },
    routed: cities.map((city) => ({ id: city.code, label: "", city, routes: [] })),
    usable: codes.map((code) => counted({ code: `r${code}`, link }, code)),
    measures: new Map(codes.map((code, i) => [`r${code}`, { delayMs: i }])),
  });
  expect(listed[9_999]).toMatchObject({ delayMs: 9_999, health: { state: "up" } });
  expect(healthByCity(endpoints).size).toBe(10_000);
  expect(reads).toBeLessThan(10 * codes.length);
});

test("a rule is a name and what is below it, a rule of the engine, an address or a range; others are refused", () => {
  expect(
    parseDirectRules(["Example.org", "domain:abc.de", "full:a.b", "192.0.2.0/24", "2001:db8::/32", "192.0.2.1"]),
  ).toEqual({
    domains: ["domain:example.org", "domain:abc.de", "full:a.b"],
    cidrs: ["192.0.2.0/24", "2001:db8::/32", "192.0.2.1"],
  });
  for (const rule of ["geoip:de", "regexp:", "two words", "ext:file:tag"]) {
    expect(() => parseDirectRules([rule]), rule).toThrow("bad-bypass-domain");
  }
  for (const rule of ["192.0.2.0/33", "300.1.1.1", "2001:db8::/129", "::1::"]) {
    expect(() => parseDirectRules([rule]), rule).toThrow("bad-bypass-cidr");
  }
});

test("settings are kept, and damaged ones are set aside for the defaults", () => {
  expect(loadSettings(folder)).toEqual({ settings: DEFAULT_SETTINGS });
  saveSettings(folder, { ...DEFAULT_SETTINGS, mode: "local", city: "fra" });
  expect(loadSettings(folder).settings).toMatchObject({ mode: "local", city: "fra" });
  writeFileSync(join(folder, "settings"), "{}");
  expect(loadSettings(folder)).toEqual({ settings: DEFAULT_SETTINGS, corrupt: join(folder, "settings.corrupt") });
});

describe("what a network says of its cities", () => {
  let server: SubscriptionServer;
  let now: number;
  let changes: number;
  beforeEach(async () => {
    server = await startSubscriptionServer();
    [now, changes] = [1000, 0];
  });
  afterEach(() => server.close());

  const open = (): NetworkFiles =>
    new NetworkFiles({
      directory: folder,
      ...{ subscription: () => server.url, tunnel: () => undefined, nowUnix: () => now, random: () => 0 },
      onChange: () => changes++,
    });
  const serve = (cities: string): void => {
    server.reply = (path, headers) => {
      if (headers["if-none-match"] !== undefined) return { status: 304 };
      const body = path === "/net/cities.json" ? cities : fixture("health.json");
      return { status: 200, headers: { etag: '"1"' }, body };
    };
  };

  test("is fetched once, confirmed by its tag, and there again after a start without a network", async () => {
    serve(fixture("cities.json"));
    const files = open();
    await Promise.all([files.refresh(), files.refresh()]);
    expect(server.requests.map(({ path }) => path).sort()).toEqual(["/net/cities.json", "/vpn/health.json"]);
    expect(files.cities.map(({ code }) => code)).toEqual(["msk", "fra", "fin"]);
    expect(files.health.length).toBe(3);
    now = 2000;
    await files.refresh();
    expect([files.confirmedUnix, files.cities.length, changes]).toEqual([2000, 3, 2]);
    server.close();
    const again = open();
    expect([again.confirmedUnix, again.cities.length, again.health.length]).toEqual([2000, 3, 3]);
    await again.refresh();
    expect(again.cities.length).toBe(3);
  });

  test("stays as it was when something else comes, or the file on the disk is damaged", async () => {
    serve(fixture("cities.json"));
    const files = open();
    await files.refresh();
    server.reply = () => ({ status: 200, body: "<html>sign in</html>" });
    now = 3000;
    await files.refresh();
    expect([files.cities.length, files.confirmedUnix]).toEqual([3, 1000]);
    writeFileSync(join(folder, "cities"), "damaged");
    expect(open().cities).toEqual([]);
    expect(readdirSync(folder)).toContain("cities.corrupt");
  });
});
