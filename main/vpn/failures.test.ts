/** Every case of the table in docs/vpn.md, with real engines: where it ends, and that a later connect works. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { encodeSubscription } from "../cities/subscription.ts";
import { findBinaries } from "../xray/binaries.ts";
import { codeOf } from "../xray/codeOf.fixture.ts";
import { exitConfig } from "../xray/config/serverConfig.ts";
import type { EngineConfig } from "../xray/config/engineConfig.ts";
import { openEngineDirectory } from "../xray/directory.ts";
import { startEngine, type Engine } from "../xray/engine.ts";
import { binariesHere, freePort, startDecoy, startMesh, type TestExit, type TestMesh } from "../xray/mesh.fixture.ts";
import { readFailureTable, Stand, WISH } from "./failures.fixture.ts";
import { startSubscriptionServer, type Reply } from "./subscriptions/subscriptions.fixture.ts";
import { Subscriptions } from "./subscriptions/subscriptions.ts";
import { directTransport } from "./subscriptions/transport.ts";
import type { TunnelWish } from "./tunnelPorts.ts";

const binaries = binariesHere();
const isRoot = process.platform === "linux" && process.geteuid!() === 0;
const table = readFailureTable();

/** Brings it about, and gives the way back. */
type Break = (stand: Stand) => Repair | Promise<Repair>;
type Repair = () => unknown;

interface Scenario {
  readonly wish?: Partial<TunnelWish>;
  readonly break: Break;
  readonly needsRoot?: true;
}

describe.skipIf(binaries === undefined)("a failure", () => {
  let mesh: TestMesh;
  let decoy: { readonly certificate: string; close(): Promise<void> };
  let punctual: Engine;
  let punctualPort: number;
  let folder: string;
  let stand: Stand;
  const exitOf = (code: string): TestExit => mesh.exits.find((exit) => exit.code === code)!;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "failures-mesh-"));
    mesh = await startMesh(["fra", "fin"]);
    trust(mesh.decoy);
    // Time stands in whole seconds in what a client sends: no clock is right for an exit that tolerates a millisecond.
    punctualPort = await freePort();
    punctual = await startEngine({
      binaries: binaries!,
      directory: openEngineDirectory(folder, "punctual").path,
      config: impatient(exitConfig({ ...exitOf("fra").parameters, port: punctualPort, api: apiIn("punctual") })),
      onEvent: () => undefined,
    });
    // Until an exit has learned its decoy's records it lets nobody wait less than five seconds (chapter 08 §11.2).
    const first = new Stand(mesh, binaries!);
    for (const city of ["fra", "fin"]) await first.tunnel.connect({ ...WISH, city });
    await first.close();
  });
  afterAll(async () => {
    delete process.env["SSL_CERT_FILE"];
    await Promise.all([punctual.stop(), decoy.close(), mesh.close()]);
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => stand.close());

  const apiIn = (name: string): { readonly socket: string } => openEngineDirectory(folder, name).apiSocket;

  /** An engine that trusts the decoy's certificate tells a wrong key from another site. */
  function trust(trusted: typeof decoy): void {
    decoy = trusted;
    const path = join(folder, "decoy.pem");
    writeFileSync(path, trusted.certificate);
    process.env["SSL_CERT_FILE"] = path;
  }

  const link =
    (change: Partial<TestExit["link"]>): Break =>
    (it) =>
      it.alter("fra", (route) => ({ ...route, link: { ...route.link, ...change } }));

  /** Another program in the place of the engine. */
  const engineIs =
    (make: (path: string) => void): Break =>
    (it) => {
      const path = join(it.folder, "xray");
      make(path);
      const before = it.binaries;
      it.binaries = () => ({ ...findBinaries(), xray: path });
      return () => (it.binaries = before);
    };
  const script = (path: string, ...lines: string[]): void =>
    writeFileSync(path, ["#!/bin/sh", ...lines, ""].join("\n"), { mode: 0o755 });

  async function endExit(): Promise<Repair> {
    const { engine } = exitOf("fra");
    await engine.stop();
    return () => restartExit();
  }

  async function restartExit(): Promise<void> {
    const exit = exitOf("fra");
    const directory = join(mesh.folder, "exit-fra");
    const config = exitConfig(exit.parameters);
    Object.assign(exit, {
      engine: await startEngine({ binaries: binaries!, directory, config, onEvent: () => undefined }),
    });
  }

  const onConnecting: Readonly<Record<string, Scenario>> = {
    "The exit is not running": { break: endExit },
    "The exit says nothing (it hangs, or its packets are dropped)": {
      break: () => {
        const { pid } = exitOf("fra").engine;
        process.kill(pid!, "SIGSTOP");
        return () => process.kill(pid!, "SIGCONT");
      },
    },
    "Every route fails, with the kill switch": { wish: { killSwitch: true }, break: endExit },
    "The key in the link is not the exit's": { break: link({ pbk: Buffer.alloc(32, 9).toString("base64url") }) },
    "The clock is wrong, and the exit checks it": { break: (it) => link({ port: punctualPort })(it) },
    "The address answers as another site": { break: link({ sni: "other.example" }) },
    "The exit does not know the account": { break: link({ uuid: "00000000-0000-4000-8000-000000000000" }) },
    "The exit's cover site is down": {
      break: async () => {
        const { port } = mesh.decoy;
        await decoy.close();
        return async () => trust(await startDecoy(port));
      },
    },
    "The site that the program tests with does not answer": {
      break: async (it) => {
        const [url = ""] = it.probeUrls.splice(0, 1, `http://site.montana.example:${await freePort()}/204`);
        return () => it.probeUrls.splice(0, 1, url);
      },
    },
    "Another program has the port that you chose": {
      break: async () => {
        const server = createServer();
        await new Promise<void>((resolve) => server.listen(chosenPort, "127.0.0.1", resolve));
        return () => new Promise((resolve) => server.close(resolve));
      },
    },
    "The disk is full where the old proxy settings are to be noted": {
      needsRoot: true,
      break: (it) => fillDisk(it.journalFolder, 0),
    },
    "The disk is full where the engine runs": { needsRoot: true, break: (it) => fillDisk(it.engineFolder, 0) },
    "The engine's program is missing": {
      break: (it) => {
        const before = it.binaries;
        it.binaries = () => findBinaries(it.folder);
        return () => (it.binaries = before);
      },
    },
    "The engine's program may not be run": {
      break: engineIs((path) => {
        writeFileSync(path, "rubbish");
        chmodSync(path, 0o600);
      }),
    },
    "The engine's file is damaged": { break: engineIs((path) => writeFileSync(path, "rubbish", { mode: 0o755 })) },
    "The engine ends while it starts": { break: engineIs((path) => script(path, "exit 1")) },
    "The engine keeps crashing": {
      break: async (it) => {
        // An exit that answers could do so before the crash.
        const thaw = await onConnecting["The exit says nothing (it hangs, or its packets are dropped)"]!.break(it);
        const crash = (path: string): void => script(path, `exec /usr/bin/timeout -s KILL 0.5 ${binaries!.xray} "$@"`);
        const undo = await engineIs(crash)(it);
        return () => [thaw(), undo()];
      },
    },
  };
  let chosenPort: number;

  test.for(Object.entries(onConnecting))(
    "when connecting: %s",
    { timeout: 60_000 },
    async ([name, scenario], { skip }) => {
      stand = new Stand(mesh, binaries!);
      if (scenario.needsRoot && !isRoot) return skip("needs root, for a small disk of its own");
      const row = table.get(name)!;
      chosenPort = await freePort();
      const wish = { ...WISH, port: chosenPort, ...scenario.wish };
      const repair = await scenario.break(stand);
      try {
        expect(row.codes).toContain(await codeOf(stand.tunnel.connect(wish)));
        const { state, cause, fault } = stand.tunnel.status;
        expect({ state, cause }).toEqual({ state: row.state, cause: row.cause });
        expect(row.codes).toContain(fault!.code);
        if (state === "disconnected") expect(stand.leftovers()).toEqual([]);
        else expect(await stand.fetchFrom(5).catch(() => "nothing")).toBe("nothing");
      } finally {
        await repair();
      }
      expect(await stand.tunnel.connect(wish)).toMatchObject({ state: "connected", fault: null, city: "fra" });
      expect(await stand.fetchFrom()).toBe(exitOf("fra").leavesFrom);
      await stand.tunnel.disconnect();
      expect(stand.leftovers()).toEqual([]);
    },
  );

  const inUse: Readonly<Record<string, Scenario>> = {
    "The exit in use ends, and there is another": { break: endExit },
    "The exit in use says nothing any more, and there is another":
      onConnecting["The exit says nothing (it hangs, or its packets are dropped)"]!,
    "The computer loses its network": {
      break: (it) => {
        const { interfaces } = it;
        it.interfaces = "";
        return () => (it.interfaces = interfaces);
      },
    },
    "The engine keeps crashing, in use": {
      break: (it) => {
        const crash = setInterval(() => {
          if (it.tunnel.pid !== undefined) process.kill(it.tunnel.pid, "SIGKILL");
        }, 200);
        return () => clearInterval(crash);
      },
    },
  };

  test.for(Object.entries(inUse))("in use: %s", { timeout: 60_000 }, async ([name, scenario]) => {
    stand = new Stand(mesh, binaries!);
    const row = table.get(name)!;
    const wish = { ...WISH, strict: false };
    await stand.tunnel.connect(wish);
    expect(await stand.fetchFrom()).toBe(exitOf("fra").leavesFrom);
    const repair = await scenario.break(stand);
    const over = new AbortController();
    try {
      const using = use(over.signal);
      const found = await stand.until(
        ({ state, cause, fault }) =>
          state === row.state && cause === row.cause && row.codes.includes(fault?.code ?? ""),
      );
      over.abort();
      await using;
      if (found.state === "connected") {
        expect(found).toMatchObject({ chosen: "fra", city: "fin", fault: { params: { city: "fra" } } });
        expect(await stand.fetchFrom()).toBe(exitOf("fin").leavesFrom);
      }
      if (found.state === "disconnected") expect(stand.leftovers()).toEqual([]);
    } finally {
      over.abort();
      await repair();
    }
    if (stand.tunnel.status.state === "reconnecting") await stand.until(({ state }) => state === "connected");
    await stand.tunnel.connect({ ...wish, strict: true });
    expect(await stand.fetchFrom()).toBe(exitOf("fra").leavesFrom);
    await stand.tunnel.disconnect();
    expect(stand.leftovers()).toEqual([]);
  });

  /** As a person who reloads a page until it comes. */
  async function use(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && stand.tunnel.status.proxy !== null) await stand.fetchFrom(2).catch(() => undefined);
  }

  const gone: Readonly<Record<string, Reply | "dead">> = {
    "The subscription is gone (404, 410)": { status: 410 },
    "The subscription's server is dead": "dead",
    "The subscription is something else now": { status: 200, body: "<html>Buy this domain</html>" },
    "The subscription is not even text": { status: 200, body: Buffer.from([0xff, 0xfe]) },
    "The subscription no longer has the city": { status: 200 },
    "There never was a subscription": "dead",
  };

  test.for(Object.entries(gone))("of the subscription: %s", { timeout: 60_000 }, async ([name, reply]) => {
    stand = new Stand(mesh, binaries!);
    const row = table.get(name)!;
    const server = await startSubscriptionServer();
    const subscriptions = new Subscriptions({
      directory: join(stand.folder, "subscriptions"),
      tunnel: () => undefined,
      onChange: () => undefined,
      // A server that is dead is one at whose port nobody listens.
      direct: async (url, headers, signal) =>
        directTransport(isDead ? new URL(url.href.replace(`:${server.port}`, ":1")) : url, headers, signal),
    });
    let isDead = false;
    const read = (): void => {
      stand.network = { ...stand.network, routes: subscriptions.usableRoutes() };
    };
    const good: Reply = { status: 200, body: encodeSubscription(mesh.exits.map(({ url }) => url)) };
    const { cities } = stand.network;
    subscriptions.setNetwork({ codes: cities.map(({ code }) => code), cities: [] });
    try {
      server.reply = () => good;
      const id = subscriptions.add(server.url);
      if (name !== "There never was a subscription") await subscriptions.refresh(id);
      isDead = reply === "dead";
      const body = encodeSubscription([exitOf("fin").url]);
      server.reply = () => (reply === "dead" ? good : { body, ...reply });
      await subscriptions.refresh(id);
      read();
      const code = await codeOf(stand.tunnel.connect(WISH));
      const { state, cause } = stand.tunnel.status;
      expect({ state, cause }).toEqual({ state: row.state, cause: row.cause === "" ? null : row.cause });
      if (state === "connected") {
        expect(await stand.fetchFrom()).toBe(exitOf("fra").leavesFrom);
        expect(row.codes).toContain(subscriptions.list[0]!.fault!.code);
      } else {
        expect(row.codes).toContain(code);
        expect(stand.leftovers()).toEqual([]);
      }
      isDead = false;
      server.reply = () => good;
      await subscriptions.refresh(id);
      read();
      expect(subscriptions.list[0]).toMatchObject({ fault: null, servers: 2 });
      expect(await stand.tunnel.connect(WISH)).toMatchObject({ state: "connected", city: "fra" });
    } finally {
      server.close();
    }
  });

  test.skipIf(!isRoot)(
    "a disk with room for little more is full, too, and one that fills up later keeps nothing",
    async () => {
      stand = new Stand(mesh, binaries!);
      let repair = fillDisk(stand.journalFolder, 1);
      expect(await codeOf(stand.tunnel.connect(WISH))).toBe("proxy-journal-unwritable");
      expect(stand.leftovers()).toEqual([]);
      await repair();
      repair = fillDisk(stand.journalFolder, 8);
      await stand.tunnel.connect(WISH);
      expect(stand.leftovers()).not.toEqual([]);
      const { bavail, bsize } = statfsSync(stand.journalFolder);
      writeFileSync(join(stand.journalFolder, "more"), Buffer.alloc(bavail * bsize));
      await stand.tunnel.disconnect();
      expect(stand.leftovers()).toEqual([]);
      await repair();
    },
  );

  test("a clock that is set, back or ahead, costs no more than another verification", { timeout: 60_000 }, async () => {
    stand = new Stand(mesh, binaries!);
    const years = 3 * 365 * 86_400_000;
    stand.clockOffMs = -years;
    expect(await stand.tunnel.connect(WISH)).toMatchObject({
      state: "connected",
      sessionMs: expect.any(Number) as number,
    });
    stand.clockOffMs = years;
    await stand.until(({ cause }) => cause === "resumed");
    await stand.until(({ state }) => state === "connected");
    const verified = stand.seen.length;
    stand.clockOffMs = 0;
    // The next seconds' figures come, and nothing else has happened.
    const figures = stand.tunnel.history.length;
    while (stand.tunnel.history.length < figures + 3) await sleep(100);
    expect(stand.seen.length).toBe(verified);
    expect(stand.tunnel.status.sessionMs).toBeGreaterThan(0);
    expect(await stand.fetchFrom()).toBe(exitOf("fra").leavesFrom);
  });

  test("has a case here for each row of the table, and a row for each case", () => {
    const cases = [onConnecting, inUse, gone].flatMap((scenarios) => Object.keys(scenarios));
    expect([...cases, NO_NETWORK].sort()).toEqual([...table.keys()].sort());
  });
});

/** Only a namespace of its own is without a network. */
const NO_NETWORK = "There is no network";

/** A disk of this test's own that has `pages` of 4 KiB left. */
function fillDisk(folder: string, pages: number): Repair {
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", folder]);
  const filler = join(folder, "filler");
  const { bsize, bavail } = statfsSync(folder);
  writeFileSync(filler, Buffer.alloc((bavail - pages) * bsize));
  return () => {
    execFileSync("umount", [folder]);
  };
}

/** `maxTimeDiff` in milliseconds. */
function impatient(config: EngineConfig): EngineConfig {
  const inbounds = config.inbounds.map((inbound) => {
    const streamSettings = inbound.streamSettings as { readonly realitySettings: object } | undefined;
    if (streamSettings?.realitySettings === undefined) return inbound;
    const realitySettings = { ...streamSettings.realitySettings, maxTimeDiff: 1 };
    return { ...inbound, streamSettings: { ...streamSettings, realitySettings } };
  });
  return { ...config, inbounds };
}
