import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { codeOf } from "../xray/codeOf.fixture.ts";
import { exitConfig } from "../xray/config/serverConfig.ts";
import { Engine } from "../xray/engine.ts";
import { binariesHere, startMesh, type TestExit, type TestMesh } from "../xray/mesh.fixture.ts";
import { cityOf } from "./cityOf.fixture.ts";
import { Tunnel, type TunnelOptions, type TunnelStatus } from "./tunnel.ts";
import type { SystemProxy, TunnelNetwork, TunnelWish } from "./tunnelPorts.ts";

const binaries = binariesHere();
const run = promisify(execFile);

const WISH: TunnelWish = {
  city: "auto",
  strict: false,
  mode: "local",
  killSwitch: false,
  bypass: { domains: [], cidrs: [] },
};

describe.skipIf(binaries === undefined)("a tunnel", () => {
  let mesh: TestMesh;
  let folder: string;
  let tunnel: Tunnel;
  let seen: TunnelStatus[];
  let network: TunnelNetwork;
  let machine: { interfaces: string; sleptMs: number };

  beforeAll(async () => {
    mesh = await startMesh(["fra", "fin", "ams"]);
  });
  afterAll(() => mesh.close());
  afterEach(async () => {
    await tunnel.disconnect();
    rmSync(folder, { recursive: true, force: true });
  });

  const exitOf = (code: string): TestExit => mesh.exits.find((exit) => exit.code === code)!;

  function open(change: Partial<TunnelOptions> = {}): Tunnel {
    folder = mkdtempSync(join(tmpdir(), "tunnel-"));
    machine = { interfaces: "eth0 192.0.2.1", sleptMs: 0 };
    network = {
      routes: mesh.exits.map(({ code, link }) => ({ code: `${code}-direct`, city: code, link })),
      cities: mesh.exits.map(({ code }, i) => cityOf(code, i)),
      health: new Map(),
    };
    seen = [];
    tunnel = new Tunnel({
      binaries: () => binaries!,
      directory: folder,
      probeUrls: [`${mesh.site.url}/204`],
      source: { read: () => network, refresh: () => Promise.resolve(), onVerified: () => undefined },
      systemProxy: undefined,
      clock: { now: () => performance.now(), unixMs: () => Date.now() + machine.sleptMs },
      random: () => 0.5,
      network: () => machine.interfaces,
      ...change,
    });
    tunnel.onChange((status) => seen.push(status));
    return tunnel;
  }

  const states = (): string[] => seen.map(({ state, cause }) => `${state} (${cause})`);

  async function until(condition: (status: TunnelStatus) => boolean): Promise<void> {
    if (condition(tunnel.status)) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const end = tunnel.onChange((status) => {
      if (condition(status)) resolve(undefined);
    });
    await promise;
    end();
  }

  async function fetchFrom(scheme = "socks5h", seconds = 20): Promise<string> {
    const proxy = `${scheme}://127.0.0.1:${tunnel.status.proxy!.port}`;
    const { stdout } = await run("curl", ["-sS", "-m", String(seconds), "-x", proxy, `${mesh.site.url}/from`]);
    return stdout;
  }

  /** Fetches again and again until something comes through another exit; gives the milliseconds that it took. */
  async function outage(from: string): Promise<number> {
    const began = performance.now();
    for (;;) {
      const caller = await fetchFrom("socks5h", 1.5).catch(() => "");
      if (caller !== "" && caller !== from) return performance.now() - began;
      await sleep(50);
    }
  }

  test("leads to the site through the chosen city, by SOCKS and by HTTP, and leaves nothing behind", async () => {
    open();
    // An exit lets its first visitor wait (chapter 08 §11.2), for which another city would stand in.
    const status = await tunnel.connect({ ...WISH, city: "fin", strict: true });
    expect(status).toMatchObject({ state: "connected", city: "fin", route: "fin-direct", mode: "local", fault: null });
    for (const scheme of ["socks5h", "http"]) expect(await fetchFrom(scheme)).toBe(exitOf("fin").leavesFrom);
    expect(states()).toEqual(["connecting (connect)", "connected (verified)"]);
    await tunnel.disconnect();
    expect(tunnel.status).toMatchObject({ state: "disconnected", cause: "cleaned", proxy: null, city: null });
  });

  test("says when it has measured the cities that nobody goes through", async () => {
    const { promise: measured, resolve } = Promise.withResolvers<undefined>();
    open({ onMeasured: () => resolve(undefined) });
    await tunnel.connect(WISH);
    await measured;
    const delays = mesh.exits.map(({ code }) => tunnel.measures.get(`${code}-direct`)?.delayMs);
    expect(delays).toEqual(mesh.exits.map(() => expect.any(Number) as number));
  });

  test("changes among three cities without a restart of the engine", async () => {
    open();
    const { proxy } = await tunnel.connect({ ...WISH, city: "fra", strict: true });
    for (let i = 0; i < 10; i++) {
      const { code, leavesFrom } = mesh.exits[i % 3]!;
      expect(await tunnel.connect({ ...WISH, city: code, strict: true })).toMatchObject({ city: code, proxy });
      expect(await fetchFrom()).toBe(leavesFrom);
    }
    expect(tunnel.log.filter((line) => line.endsWith(" started")).length).toBe(1);
  });

  test("moves to the next exit within five seconds when the one in use is killed, and says so", async () => {
    open();
    await tunnel.connect({ ...WISH, city: "fra" });
    const fra = exitOf("fra");
    expect(await fetchFrom()).toBe(fra.leavesFrom);
    await fra.engine.stop();
    try {
      expect(await outage(fra.leavesFrom)).toBeLessThan(5_000);
      expect(tunnel.status).toMatchObject({ state: "connected", chosen: "fra", fault: { params: { city: "fra" } } });
      expect(tunnel.status.city).not.toBe("fra");
      expect(states()).toContain("reconnecting (probe-failed)");
    } finally {
      await replaceExit(fra);
    }
  }, 40_000);

  test("moves within fifteen seconds when an exit goes silent", async () => {
    open();
    await tunnel.connect({ ...WISH, city: "ams" });
    const { engine, leavesFrom } = exitOf("ams");
    for (let i = 0; i < 3; i++) expect(await fetchFrom()).toBe(leavesFrom);
    process.kill(engine.pid!, "SIGSTOP");
    try {
      expect(await outage(leavesFrom)).toBeLessThan(15_000);
      expect(tunnel.status).toMatchObject({ state: "connected", chosen: "ams", fault: { code: "exit-timeout" } });
    } finally {
      process.kill(engine.pid!, "SIGCONT");
    }
  }, 40_000);

  test("is cancelled while it connects", async () => {
    open();
    const connecting = codeOf(tunnel.connect(WISH));
    await tunnel.disconnect();
    expect(await connecting).toBe("tunnel-cancelled");
    expect(tunnel.status).toMatchObject({ state: "disconnected", proxy: null });
  });

  test("goes by the later wish when another city is chosen while it connects", async () => {
    open();
    const first = codeOf(tunnel.connect({ ...WISH, city: "fra" }));
    expect(await tunnel.connect({ ...WISH, city: "fin" })).toMatchObject({ city: "fin" });
    expect(await first).toBe("tunnel-cancelled");
  });

  test("verifies anew after the machine slept, and after it changed networks", async () => {
    open();
    await tunnel.connect({ ...WISH, city: "fra" });
    machine.sleptMs = 3_600_000;
    await until(({ cause }) => cause === "resumed");
    await until(({ state }) => state === "connected");
    machine.interfaces = "wlan0 198.51.100.7";
    await until(({ cause }) => cause === "network-changed");
    await until(({ state }) => state === "connected");
    expect(tunnel.status.city).toBe("fra");
  });

  test("waits for a network after sleep instead of giving up", async () => {
    open();
    await tunnel.connect({ ...WISH, city: "fra" });
    machine.interfaces = "";
    await until(({ state }) => state === "reconnecting");
    await sleep(1_500);
    expect(tunnel.status).toMatchObject({ state: "reconnecting", fault: { code: "no-network" } });
    machine.interfaces = "eth0 192.0.2.1";
    await until(({ state }) => state === "connected");
  });

  test("comes up again by itself when its engine is killed, through the same exit", async () => {
    open();
    await tunnel.connect({ ...WISH, city: "fra" });
    await tunnel.connect({ ...WISH, city: "fin" });
    process.kill(tunnel.pid!, "SIGKILL");
    await until(({ cause }) => cause === "child-exited");
    await until(({ state }) => state === "connected");
    expect(await fetchFrom()).toBe(exitOf("fin").leavesFrom);
  });

  test("refuses a choice that cannot be without touching what is there", async () => {
    open();
    await tunnel.connect({ ...WISH, city: "fra" });
    expect(await codeOf(tunnel.connect({ ...WISH, city: "xyz" }))).toBe("unknown-city");
    expect(await codeOf(tunnel.connect({ ...WISH, mode: "proxy" }))).toBe("mode-unavailable");
    expect(tunnel.status).toMatchObject({ state: "connected", chosen: "fra" });
    network = { routes: [], cities: [], health: new Map() };
    expect(await codeOf(tunnel.connect(WISH))).toBe("no-entries");
  });

  test("ends disconnected with the reason when no route works, or blocked with a kill switch", async () => {
    open();
    const [fra] = network.routes;
    const wrong = { ...fra!, link: { ...fra!.link, uuid: "00000000-0000-4000-8000-000000000000" } };
    network = { ...network, routes: [wrong] };
    expect(await codeOf(tunnel.connect({ ...WISH, city: "fra", strict: true }))).toMatch(
      /account-rejected|target-unreachable/,
    );
    expect(tunnel.status).toMatchObject({ state: "disconnected", cause: "attempt-failed", proxy: null });
    await codeOf(tunnel.connect({ ...WISH, city: "fra", killSwitch: true }));
    expect(tunnel.status.state).toBe("blocked");
    expect(await fetchFrom("socks5h", 5).catch(() => "nothing")).toBe("nothing");
    network = { ...network, routes: [fra!] };
    expect(await tunnel.connect({ ...WISH, city: "fra", killSwitch: true })).toMatchObject({ state: "connected" });
  });

  test("says that there is no engine", async () => {
    open({ binaries: () => ({ xray: "/nonexistent/xray", guard: undefined }) });
    expect(await codeOf(tunnel.connect(WISH))).toBe("engine-missing");
    expect(tunnel.status).toMatchObject({ state: "disconnected", fault: { code: "engine-missing" } });
  });

  test("leads the system's programs in once it is verified, and out before it ends", async () => {
    const calls: string[] = [];
    const systemProxy: SystemProxy = {
      apply: ({ host }) => Promise.resolve(void calls.push(`apply ${host} ${tunnel.status.state}`)),
      restore: () => Promise.resolve(void calls.push(`restore ${tunnel.status.state}`)),
    };
    open({ systemProxy });
    await tunnel.connect({ ...WISH, mode: "proxy" });
    await tunnel.disconnect();
    expect(calls).toEqual(["apply 127.0.0.1 connecting", "restore disconnecting"]);
  });

  test("counts bytes and measures every route", async () => {
    open();
    await tunnel.connect({ ...WISH, city: "fra" });
    await run("curl", [
      "-sS",
      "-o",
      "/dev/null",
      "-x",
      `http://127.0.0.1:${tunnel.status.proxy!.port}`,
      `${mesh.site.url}/bytes/1048576`,
    ]);
    while (tunnel.history.length === 0 || tunnel.status.bytesDown < 1_048_576n) await sleep(100);
    expect(tunnel.status.rate).not.toBeNull();
    const measures = await tunnel.measure();
    expect([...measures.keys()].sort()).toEqual(["ams-direct", "fin-direct", "fra-direct"]);
    for (const { rank, delayMs } of measures.values()) {
      expect(rank).toBe(0);
      expect(delayMs).toBeTypeOf("number");
    }
  });

  async function replaceExit(exit: TestExit): Promise<void> {
    const config = exitConfig(exit.parameters);
    const directory = join(mesh.folder, `exit-${exit.code}`);
    const engine = new Engine({ binaries: binaries!, directory, config, onEvent: () => undefined });
    await engine.restart(config);
    Object.assign(exit, { engine });
  }
});
