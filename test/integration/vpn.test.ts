/** The tunnel as a person uses it: commands, a host in the background, real exits, and no identity. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { call, follow } from "../../main/api/client.ts";
import type { HostEvent } from "../../main/api/contract.ts";
import { attach, attachIfRunning } from "../../main/app/attach.ts";
import { Playground, type Ended } from "../../main/app/cli.fixture.ts";
import { locateData } from "../../main/app/dataDirectory.ts";
import type { ProtocolError } from "../../main/protocol/errors.ts";
import { importLink } from "../../main/vpn/subscriptions/deepLink.ts";
import { binariesHere, siteBytes } from "../../main/xray/mesh.fixture.ts";
import { startVpnWorld, type VpnWorld } from "./vpnWorld.ts";

const run = promisify(execFile);
/** Nothing of the desktop on which the tests run. */
const environment = { XDG_CURRENT_DESKTOP: "", DBUS_SESSION_BUS_ADDRESS: "" };

interface Tunnel {
  readonly state: string;
  readonly city: string | null;
  readonly proxy: { readonly host: string; readonly port: number } | null;
  readonly bytesDown: number;
}

describe.skipIf(binariesHere() === undefined)("a person who never joined", () => {
  let world: VpnWorld;
  let playground: Playground;

  beforeAll(async () => {
    world = await startVpnWorld();
    playground = await Playground.make();
  });
  afterAll(async () => {
    const host = await attachIfRunning(locateData(playground.data));
    if (host !== undefined) await playground.run(["stop"]);
    await playground.remove();
    await world.close();
  });

  const montana = (...words: string[]): Promise<Ended> => playground.run([...words], { environment });
  async function vpn<T>(...words: string[]): Promise<T> {
    const ended = await montana("vpn", ...words, "--json");
    expect([ended.code, ended.out, ended.err]).toEqual([0, expect.any(String), ""]);
    return ended.json() as T;
  }
  const codeOf = async (...words: string[]): Promise<unknown> => {
    const ended = await montana("vpn", ...words, "--json");
    return [ended.code, (ended.json() as { error?: { code: string } }).error?.code];
  };

  async function fetchThrough(scheme: string, path: string): Promise<Buffer> {
    const { proxy } = await vpn<Tunnel>("status");
    const args = ["-sS", "-m", "60", "-x", `${scheme}://${proxy!.host}:${proxy!.port}`, world.mesh.site.url + path];
    const { stdout } = await run("curl", args, { encoding: "buffer", maxBuffer: 200_000_000 });
    return stdout;
  }
  const leavesFrom = (code: string): string => world.mesh.exits.find((exit) => exit.code === code)!.leavesFrom;

  test("is told what to do before there are cities", async () => {
    expect(await vpn("cities")).toEqual({ cities: [], updatedAtMs: null });
    expect(await vpn("status")).toMatchObject({
      state: "disconnected",
      cause: null,
      city: null,
      mode: null,
      proxy: null,
    });
    expect(await codeOf("connect", "fra")).toEqual([1, "no-entries"]);
    expect(existsSync(join(playground.data, "host.json"))).toBe(false);
    expect(await codeOf("import", "vless://nonsense")).toEqual([1, "missing-uuid"]);
    expect(await codeOf("import", join(playground.folder, "none"))).toEqual([1, "file-unreadable"]);
    expect(await codeOf("leaks")).toEqual([1, "tunnel-not-connected"]);
    expect(await codeOf("connect")).toEqual([2, "usage"]);
  });

  test("imports a subscription and sees the cities of the network, with no address among them", async () => {
    expect(await vpn("import", world.subscriptionUrl)).toMatchObject({
      kind: "subscription",
      subscription: { servers: 3, skipped: [], fault: null },
    });
    const listed = await vpn<{ cities: object[] }>("cities");
    expect(listed.cities).toMatchObject([
      {
        id: "fra",
        name: { en: "Frankfurt", ru: "Франкфурт" },
        country: "DE",
        lat: 50,
        routes: 1,
        health: { state: "up" },
      },
      { id: "fin" },
      { id: "msk" },
    ]);
    for (const { link } of world.mesh.exits) {
      for (const secret of [link.host, String(link.port), link.uuid, link.pbk]) {
        expect(JSON.stringify(listed)).not.toContain(secret);
      }
    }
    const before = world.requests.length;
    await vpn("subs", "refresh");
    expect(world.requests.slice(before).sort()).toEqual([
      "/net/cities.json 304",
      "/vpn/health.json 304",
      "/vpn/sub 304",
    ]);
  });

  test("asks every route whether it works, without connecting", async () => {
    const ownServer = new URL("/", world.subscriptionUrl).href;
    expect(await vpn("settings")).toMatchObject({ probeUrl: null, probeUrlInForce: ownServer, network: "montana" });
    expect(await codeOf("settings", "probe-url", "http://192.168.1.1/")).toEqual([1, "probe-url-local"]);
    await vpn("settings", "probe-url", `${world.mesh.site.url}/204`);
    const { routes } = await vpn<{ routes: { city: string; isOk: boolean; delayMs: number }[] }>("test");
    expect(routes.map(({ city, isOk }) => [city, isOk]).sort()).toEqual([
      ["fin", true],
      ["fra", true],
      ["msk", true],
    ]);
    for (const { delayMs } of routes) expect(delayMs).toBeGreaterThanOrEqual(0);
  });

  test("reaches the site from the chosen city by SOCKS and by HTTP, whole, and changes cities", async () => {
    expect(await vpn("connect", "Frankfurt", "--mode", "local")).toMatchObject({
      ...{ state: "connected", cause: "verified", chosen: "fra", city: "fra", mode: "local", fault: null },
      proxy: { host: "127.0.0.1" },
    });
    for (const scheme of ["socks5h", "http"]) {
      expect((await fetchThrough(scheme, "/from")).toString()).toBe(leavesFrom("fra"));
    }
    const length = 100_000_000;
    const expected = createHash("sha256").update(siteBytes(length)).digest("hex");
    expect(
      createHash("sha256")
        .update(await fetchThrough("socks5h", `/bytes/${length}`))
        .digest("hex"),
    ).toBe(expected);
    await vi.waitFor(async () => expect((await vpn<Tunnel>("status")).bytesDown).toBeGreaterThan(length), {
      timeout: 20_000,
    });
    expect(await vpn("connect", "msk")).toMatchObject({ state: "connected", chosen: "msk", city: "msk" });
    expect((await fetchThrough("socks5h", "/from")).toString()).toBe(leavesFrom("msk"));
    expect(await vpn("leaks")).toMatchObject({
      covered: { code: "covered-local" },
      checks: [
        { what: "tunnel", result: "ok" },
        { what: "exit", result: "unknown" },
      ],
    });
  });

  test("is told of changes and, when asked for, of figures on the one stream", async () => {
    const { client } = await attach(locateData(playground.data));
    const [plain, shown]: [HostEvent[], HostEvent[]] = [[], []];
    const followings = [
      follow(
        client,
        (event) => plain.push(event),
        () => undefined,
      ),
      follow(
        client,
        (event) => shown.push(event),
        () => undefined,
        { figures: true },
      ),
    ];
    const kinds = (events: readonly HostEvent[]): Set<string> => new Set(events.map(({ kind }) => kind));
    await vi.waitFor(() => expect([...kinds(shown)]).toContain("tunnel-figures"), { timeout: 20_000 });
    expect(shown[0]).toMatchObject({ kind: "snapshot", payload: { tunnel: { state: "connected", city: "msk" } } });
    await vpn("connect", "fin");
    await vi.waitFor(
      () => {
        const cities = plain.flatMap((event) => (event.kind === "tunnel" ? [event.payload.city] : []));
        expect(cities.at(-1)).toBe("fin");
      },
      { timeout: 20_000 },
    );
    expect([...kinds(plain)]).not.toContain("tunnel-figures");
    for (const following of followings) following.stop();
  });

  test("insists, misspells and is refused without losing the connection", async () => {
    const { client } = await attach(locateData(playground.data));
    const refusal = (wish: Parameters<typeof client.vpnConnect.mutate>[0]): Promise<string> =>
      call(client.vpnConnect.mutate(wish)).then(
        () => "none",
        (error: unknown) => (error as ProtocolError).code,
      );
    expect(await codeOf("connect", "Berlin")).toEqual([1, "unknown-city"]);
    expect(await codeOf("connect", "fra", "--port", "99999")).toEqual([2, "usage"]);
    expect(await refusal({ city: "fra", mode: "proxy" })).toBe("mode-unavailable");
    expect(await refusal({ city: "fra", direct: ["geoip:de"] })).toBe("bad-bypass-domain");
    expect(await refusal({ city: "" })).toBe("invalid-input");
    expect(await client.vpnStatus.query()).toMatchObject({ state: "connected", city: "fin" });
  });

  test("lets what a rule names past the tunnel", async () => {
    await vpn("connect", "fra", "--direct", "localtest.montana.example", "--strict");
    const { proxy } = await vpn<Tunnel>("status");
    // Nobody but the exits knows the site's name: what goes directly cannot find it.
    const args = ["-sS", "-m", "20", "-x", `http://127.0.0.1:${proxy!.port}`, "http://localtest.montana.example/"];
    const { stdout } = await run("curl", ["-o", "/dev/null", "-w", "%{http_code}", ...args]);
    expect(stdout).toBe("503");
    expect((await fetchThrough("http", "/from")).toString()).toBe(leavesFrom("fra"));
  });

  test("disconnects, and nothing runs any more", async () => {
    const { client } = await attach(locateData(playground.data));
    const { pid } = await client.ping.query();
    await vpn("disconnect");
    expect(() => process.kill(pid, 0)).toThrow();
    expect(await vpn("status")).toMatchObject({ state: "disconnected", proxy: null });
    const left = readdirSync(join(playground.data, "tunnel"));
    expect(left.filter((name) => /engine|probe|journal/.test(name))).toEqual([]);
  });

  test("becomes a node without losing the tunnel, and one with a kill switch is left alone", async () => {
    await playground.init();
    await vpn("connect", "fra");
    const { client } = await attach(locateData(playground.data));
    await client.vpnConnect.mutate({ city: "fin", killSwitch: true });
    expect((await montana("start", "--network", "solo", "--json")).json()).toMatchObject({
      error: { code: "host-running" },
    });
    await client.vpnConnect.mutate({ city: "fin", killSwitch: false });
    const { ended } = await playground.start();
    await vi.waitFor(async () => expect(await vpn("status")).toMatchObject({ state: "connected", city: "fin" }), {
      timeout: 30_000,
    });
    expect((await fetchThrough("http", "/from")).toString()).toBe(leavesFrom("fin"));
    expect(await vpn("disconnect")).toMatchObject({ state: "disconnected" });
    expect((await montana("status", "--json")).json()).toMatchObject({ network: "solo", isBackground: false });
    await montana("stop");
    await ended;
  }, 300_000);

  test("keeps another network's cities apart, and stays with the one chosen last", async () => {
    const named = await vpn<{ cities: { id: string }[] }>("cities", "--network", world.networkFile);
    expect(named.cities).toEqual([]);
    expect(await vpn("subs")).toMatchObject({ subscriptions: [{ origin: "network", servers: 0 }] });
    expect(await vpn("connect", "auto")).toMatchObject({ state: "connected", chosen: "auto", city: "fra" });
    expect(await codeOf("status", "--network", "montana")).toEqual([1, "other-network"]);
    await vpn("disconnect");
    expect((await vpn<{ cities: object[] }>("cities", "--network", "montana")).cities.length).toBe(3);
  });

  test("does not use a city whose key changed before it is accepted", async () => {
    const { ended } = await playground.start(["--without-node"], "montana");
    const { client } = await attach(locateData(playground.data));
    const [fra, fin] = world.mesh.exits;
    const stranger = fra!.url.replace(fra!.link.pbk, fin!.link.pbk);
    const body = world.published.get("/vpn/sub")!;
    world.published.set("/vpn/sub", Buffer.from([stranger, fin!.url].join("\n")).toString("base64"));
    await client.vpnRefresh.mutate();
    const { keys } = await client.vpnKeys.query();
    expect(keys).toMatchObject([{ city: "fra", name: "Frankfurt", isRefused: false }]);
    const { id } = keys[0]!;
    expect((await client.vpnStatus.query()).notices).toMatchObject([{ code: `city-key-${keys[0]!.verdict}` }]);
    await expect(call(client.vpnTest.mutate({ city: "fra" }))).rejects.toThrow("no-entries");
    expect((await client.vpnJudgeKey.mutate({ id, isAccepted: false })).keys).toMatchObject([{ isRefused: true }]);
    expect((await client.vpnStatus.query()).notices).toEqual([]);
    expect(await vpn("keys", "accept", id)).toEqual({ keys: [] });
    world.published.set("/vpn/sub", body);
    await client.vpnRefresh.mutate();
    expect(await client.vpnKeys.query()).toEqual({ keys: [] });
    await client.stop.mutate();
    await ended;
  });

  test("imports links from a file, standard input and a deep link, and removes what is not wanted", async () => {
    const [fra, fin, msk] = world.mesh.exits;
    const file = join(playground.folder, "links");
    writeFileSync(file, `${fra!.url}\n${fin!.url}\nss://other\n`);
    expect(await vpn("import", file)).toMatchObject({ kind: "links", added: 2, skipped: [{ line: 3 }] });
    const piped = await playground.run(["vpn", "import", "-", "--json"], { stdin: `${msk!.url}\n`, environment });
    expect(piped.json()).toMatchObject({ kind: "links", added: 1 });
    expect(await vpn("import", importLink(msk!.url))).toMatchObject({ kind: "links", added: 0 });
    expect(await vpn("import", "montana://connect/fra")).toEqual({ kind: "connect", city: "fra" });
    expect(await vpn("subs", "remove", world.subscriptionUrl)).toEqual({ subscriptions: [], links: 3 });
    expect(await codeOf("subs", "remove", "none")).toEqual([1, "subscription-unknown"]);
    await vpn("settings", "probe-url", "none");
    expect(await codeOf("test")).toEqual([1, "probe-url-missing"]);
  });
});
