/** Where traffic goes when there is a choice: real exits, some behind a way that is slow or blocked. */
import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { on } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { relayConfig } from "../xray/config/serverConfig.ts";
import { openEngineDirectory } from "../xray/directory.ts";
import { startEngine, type Engine } from "../xray/engine.ts";
import { binariesHere, freePort, siteBytes, startMesh, type TestMesh } from "../xray/mesh.fixture.ts";
import { codeOf } from "../xray/codeOf.fixture.ts";
import { cityOf } from "./cityOf.fixture.ts";
import { Stand, WISH } from "./failures.fixture.ts";
import { Way } from "./way.fixture.ts";
import type { TunnelNetwork, TunnelWish } from "./tunnelPorts.ts";

const binaries = binariesHere();
/** Rounds of measuring without minutes between them. */
const QUICK = { timing: { tick: 100, measurePeriod: 300 } };
const AUTO: TunnelWish = { ...WISH, city: "auto", strict: false, mode: "local" };
const FRA: TunnelWish = { ...AUTO, city: "fra" };

describe.skipIf(binaries === undefined)("traffic", () => {
  let mesh: TestMesh;
  let relay: Engine;
  let relayPort: number;
  /** To the exits by their codes, and to the relay `ist` in front of `fra`. */
  let ways: Readonly<Record<"fra" | "fin" | "ist", Way>>;
  let stand: Stand;

  beforeAll(async () => {
    mesh = await startMesh(["fra", "fin"]);
    relayPort = await freePort();
    const directory = openEngineDirectory(mesh.folder, "relay");
    const to = { exitHost: "127.0.0.1", exitPort: mesh.exits[0]!.link.port };
    relay = await startEngine({
      binaries: binaries!,
      directory: directory.path,
      config: relayConfig({ listen: "127.0.0.1", port: relayPort, api: directory.apiSocket, ...to }),
      onEvent: () => undefined,
    });
    const [fra, fin] = mesh.exits.map(({ link }) => link.port);
    ways = { fra: await Way.open(fra!), fin: await Way.open(fin!), ist: await Way.open(relayPort) };
    // Until an exit has learned its decoy's records it lets nobody wait less than five seconds (chapter 08 §11.2).
    const first = new Stand(mesh, binaries!);
    for (const city of ["fra", "fin"]) await first.tunnel.connect({ ...WISH, city });
    await first.close();
  });
  afterAll(async () => {
    await Promise.all(Object.values(ways).map((way) => way.close()));
    await relay.stop();
    await mesh.close();
  });
  afterEach(async () => {
    await stand.close();
    for (const way of Object.values(ways)) {
      way.delayMs = 0;
      await way.unblock();
    }
  });

  const leavesFrom = (code: string): string => mesh.exits.find((exit) => exit.code === code)!.leavesFrom;
  const through = (...codes: readonly (keyof typeof ways)[]): TunnelNetwork["routes"] =>
    codes.map((code) => {
      const { link } = mesh.exits.find((exit) => exit.code === code) ?? mesh.exits[0]!;
      return { code: `${code}-route`, city: code, link: { ...link, port: ways[code].port } };
    });
  const isConnectedThrough = (city: string) => (): boolean =>
    stand.tunnel.status.state === "connected" && stand.tunnel.status.route === `${city}-route`;

  function open(...codes: readonly (keyof typeof ways)[]): void {
    stand = new Stand(mesh, binaries!, QUICK);
    stand.network = { ...stand.network, routes: through(...codes) };
  }

  /** `ist` is a relay before `fra`, `fin` an exit of its own that fronts it. */
  function openWithFronts(health: TunnelNetwork["health"] = new Map()): void {
    open("fra", "fin", "ist");
    const cities = [
      cityOf("fra", 0, { frontedBy: ["ist", "fin"] }),
      cityOf("fin", 1, { fronts: ["fra"] }),
      cityOf("ist", 2, { exit: "fra", fronts: ["fra"] }),
    ];
    stand.network = { ...stand.network, cities, health };
  }

  test("brings 100 MB unchanged, by SOCKS and by HTTP", { timeout: 60_000 }, async () => {
    stand = new Stand(mesh, binaries!);
    const { proxy } = await stand.tunnel.connect({ ...FRA, strict: true });
    const length = 100_000_000;
    const expected = createHash("sha256").update(siteBytes(length)).digest("hex");
    for (const scheme of ["socks5h", "http"]) {
      const from = `${scheme}://127.0.0.1:${proxy!.port}`;
      const curl = spawn("curl", ["-sS", "-f", "-x", from, `${mesh.site.url}/bytes/${length}`]);
      const hash = createHash("sha256");
      for await (const chunk of curl.stdout) hash.update(chunk as Buffer);
      expect(hash.digest("hex")).toBe(expected);
    }
  });

  test(
    "moves to a clearly faster exit by itself, and what is open stays where it is",
    { timeout: 60_000 },
    async () => {
      open("fra", "fin");
      await stand.tunnel.connect(AUTO);
      expect(stand.tunnel.status.city).toBe("fra");
      const held = await connection(stand.tunnel.status.proxy!.port);
      expect(await held.askFrom()).toBe(leavesFrom("fra"));
      ways.fra.delayMs = 300;
      await stand.until(isConnectedThrough("fin"));
      expect(await stand.fetchFrom()).toBe(leavesFrom("fin"));
      expect(stand.seen.map(({ state }) => state)).not.toContain("reconnecting");
      expect(await held.askFrom()).toBe(leavesFrom("fra"));
      held.close();
    },
  );

  test("stays where it is while another exit is as good", { timeout: 90_000 }, async () => {
    open("fra", "fin");
    await stand.tunnel.connect(AUTO);
    const before = stand.tunnel.status.route;
    for (const way of [ways.fra, ways.fin]) way.delayMs = 200;
    const rounds = ways.fra.accepted + 7;
    while (ways.fra.accepted < rounds) await sleep(100);
    expect([...new Set(stand.seen.flatMap(({ route }) => route ?? []))]).toEqual([before]);
  });

  test(
    "goes through the relay of a city, then directly, then to the city behind it, and says where it leaves",
    { timeout: 60_000 },
    async () => {
      openWithFronts();
      expect(await stand.tunnel.connect(FRA)).toMatchObject({ route: "ist-route", city: "fra", fault: null });
      expect(await stand.fetchFrom()).toBe(leavesFrom("fra"));
      await ways.ist.block();
      await use(isConnectedThrough("fra"));
      expect(stand.tunnel.status).toMatchObject({ chosen: "fra", city: "fra" });
      expect(await stand.fetchFrom()).toBe(leavesFrom("fra"));
      await ways.fra.block();
      await use(isConnectedThrough("fin"));
      expect(stand.tunnel.status).toMatchObject({ chosen: "fra", city: "fin", fault: { params: { city: "fra" } } });
      expect(await stand.fetchFrom()).toBe(leavesFrom("fin"));
      for (const way of [ways.fra, ways.ist]) await way.unblock();
      await stand.until(({ city }) => city === "fra");
      expect(await stand.fetchFrom()).toBe(leavesFrom("fra"));
    },
  );

  test("reaches a city through its relay where the city itself is blocked", { timeout: 60_000 }, async () => {
    // Published health puts the relay behind the city itself.
    openWithFronts(new Map([["ist", "down"]]));
    await ways.fra.block();
    expect(await stand.tunnel.connect(FRA)).toMatchObject({ route: "ist-route", city: "fra" });
    expect(await stand.fetchFrom()).toBe(leavesFrom("fra"));
  });

  test("leaves from no other city when the person insists on one", { timeout: 60_000 }, async () => {
    openWithFronts();
    for (const way of [ways.fra, ways.ist]) await way.block();
    const asked = ways.fin.accepted;
    expect(await codeOf(stand.tunnel.connect({ ...FRA, strict: true }))).toBe("exit-refused");
    expect(stand.tunnel.status).toMatchObject({ state: "disconnected", fault: { code: "exit-refused" } });
    expect(ways.fin.accepted).toBe(asked);
    expect(await stand.tunnel.connect(FRA)).toMatchObject({ chosen: "fra", city: "fin" });
  });

  /** As a person who reloads a page until it comes. */
  async function use(isDone: () => boolean): Promise<void> {
    while (!isDone()) await stand.fetchFrom(2).catch(() => undefined);
  }

  /** A connection to the site that stays open, and whom the site sees on it. */
  async function connection(port: number) {
    const socket = connect(port, "127.0.0.1");
    const host = new URL(mesh.site.url).host;
    const ask = async (request: string, answer: RegExp): Promise<string> => {
      let text = "";
      socket.write(request);
      for await (const [chunk] of on(socket, "data") as AsyncIterable<[Buffer]>) {
        text += chunk.toString();
        const found = answer.exec(text);
        if (found !== null) return found[1]!;
      }
      throw new Error("unreachable");
    };
    await ask(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, /^(HTTP\/1\.1 200)[^]*\r\n\r\n/);
    return {
      askFrom: () => ask(`GET /from HTTP/1.1\r\nHost: ${host}\r\n\r\n`, /\r\n(127\.0\.0\.\d+)/),
      close: () => void socket.destroy(),
    };
  }
});
