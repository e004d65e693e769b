import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";

import type { ProtocolError } from "../protocol/errors.ts";
import { EngineApi } from "./api/client.ts";
import { findBinaries, type Binaries } from "./binaries.ts";
import { clientConfig, type ClientParameters } from "./config/clientConfig.ts";
import type { EngineConfig } from "./config/engineConfig.ts";
import { openEngineDirectory, type EngineDirectory } from "./directory.ts";
import { startEngine, type Engine } from "./engine.ts";
import { diagnoseRunning } from "./failures.ts";
import {
  binariesHere,
  EventCollector,
  freePort,
  siteBytes,
  SITE_NAME,
  startMesh,
  type TestMesh,
} from "./mesh.fixture.ts";
import { probeThrough, type ProbeVia } from "./probe.ts";
import { identifyProcess } from "./processes.ts";

const binaries = binariesHere();
const run = promisify(execFile);
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "no error",
    (error: unknown) => {
      const { code, params } = error as ProtocolError;
      return { code, ...params };
    },
  );

describe.skipIf(binaries === undefined)("an engine", () => {
  let mesh: TestMesh;
  let directory: EngineDirectory;
  let client: Engine | undefined;
  let collector: EventCollector;
  let mixedPort: number;
  let clients = 0;

  beforeAll(async () => {
    mesh = await startMesh(["fra", "fin"]);
  });

  afterAll(() => mesh.close());

  afterEach(async () => {
    vi.unstubAllEnvs();
    await client?.stop();
    client = undefined;
  });

  const configOf = (change: Partial<ClientParameters> = {}): EngineConfig =>
    clientConfig({
      exits: mesh.exits,
      selected: "fra",
      mixedPort,
      api: directory.apiSocket,
      probe: { socket: directory.probeSocket, password: "any" },
      ...change,
    });

  async function startClient(change: Partial<ClientParameters> = {}, used: Binaries = binaries!): Promise<Engine> {
    directory = openEngineDirectory(mesh.folder, `client-${++clients}`);
    mixedPort = change.mixedPort ?? (await freePort());
    collector = new EventCollector();
    const { push: onEvent } = collector;
    client = await startEngine({ binaries: used, directory: directory.path, config: configOf(change), onEvent });
    return client;
  }

  const probe = (via: ProbeVia = { port: mixedPort }, url = `${mesh.site.url}/204`) =>
    probeThrough({ via, url, timeoutMs: 20_000 });

  async function seenFrom(): Promise<string> {
    const { stdout } = await run("curl", ["-sS", "-x", `socks5h://127.0.0.1:${mixedPort}`, `${mesh.site.url}/from`]);
    return stdout;
  }

  test("carries a megabyte by SOCKS and by HTTP, out of the chosen exit", async () => {
    await startClient();
    for (const scheme of ["socks5h", "http"]) {
      const proxy = `${scheme}://127.0.0.1:${mixedPort}`;
      const options = { encoding: "buffer", maxBuffer: 2 ** 21 } as const;
      const { stdout } = await run("curl", ["-sS", "-x", proxy, `${mesh.site.url}/bytes/1048576`], options);
      expect(sha256(stdout), scheme).toBe(sha256(siteBytes(1_048_576)));
    }
    expect(await seenFrom()).toBe(mesh.exits[0]!.leavesFrom);
    const { uplink, downlink } = await client!.api.tunnelTraffic();
    expect(downlink).toBeGreaterThan(2_097_152n);
    expect(uplink).toBeLessThan(downlink);
  });

  test("switches new connections to another exit without a restart", async () => {
    const { pid, api } = await startClient();
    await api.selectExit("fin");
    expect(await seenFrom()).toBe(mesh.exits[1]!.leavesFrom);
    await api.selectExit("fra");
    expect(await seenFrom()).toBe(mesh.exits[0]!.leavesFrom);
    expect(client!.pid).toBe(pid);
  });

  test("measures each exit by itself, whichever is selected", async () => {
    await startClient();
    for (const { code, leavesFrom } of mesh.exits) {
      const via = { socket: directory.probeSocket, account: { exit: code, password: "any" } };
      const outcome = await probe(via);
      expect(outcome).toMatchObject({ result: "ok", status: 204 });
      expect(outcome.delayMs).toBeDefined();
      expect(mesh.site.callers.at(-1)).toBe(leavesFrom);
    }
  });

  test("is started again at once when it is killed, then after a second, then no more", async () => {
    const engine = await startClient();
    const killed = engine.pid!;
    process.kill(killed, "SIGKILL");
    expect(await collector.next("exited")).toMatchObject({ restartInMs: 0 });
    const { pid } = await collector.next(
      "ready",
      collector.events.findIndex(({ kind }) => kind === "exited"),
    );
    expect(pid).not.toBe(killed);
    expect(await probe()).toMatchObject({ result: "ok" });
    // Its interface is at the same place, behind the same object.
    expect((await engine.api.counters("")).size).toBeGreaterThan(0);

    const second = collector.events.length;
    process.kill(pid, "SIGKILL");
    expect(await collector.next("exited", second)).toMatchObject({ restartInMs: 1_000 });
    const again = await collector.next("ready", second);
    process.kill(again.pid, "SIGKILL");
    expect(await collector.next("gave-up")).toEqual({ kind: "gave-up", code: "engine-crashed" });
    expect(engine.pid).toBeUndefined();
    expect(await codeOf(engine.api.counters(""))).toEqual({ code: "api-unreachable" });

    await engine.restart(configOf());
    expect(await probe()).toMatchObject({ result: "ok" });
  });

  test("takes another configuration by a restart that is not counted", async () => {
    const engine = await startClient();
    for (const selected of ["fin", "fra", "fin"]) await engine.restart(configOf({ selected }));
    expect(await seenFrom()).toBe(mesh.exits[1]!.leavesFrom);
    expect(collector.events.filter(({ kind }) => kind === "exited" || kind === "gave-up")).toEqual([]);
  });

  test("leaves nothing when it is stopped, also while it starts", async () => {
    const engine = await startClient();
    const { pid } = engine;
    await engine.stop();
    expect(await identifyProcess(pid!)).toBeUndefined();
    expect(readdirSync(directory.path)).toEqual([]);
    expect(await codeOf(engine.restart(configOf()))).toEqual({ code: "engine-stopped" });

    const starting = await startClient();
    const restarted = codeOf(starting.restart(configOf()));
    await starting.stop();
    await restarted;
    expect(readdirSync(directory.path)).toEqual([]);
  });

  test("runs without a guard where none could be built", async () => {
    const engine = await startClient({}, { ...binaries!, guard: undefined });
    expect(await probe()).toMatchObject({ result: "ok" });
    const { pid } = engine;
    await engine.stop();
    expect(await identifyProcess(pid!)).toBeUndefined();
  });

  test("does not share a port, neither with a stranger nor with another engine", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    expect(await codeOf(startClient({ mixedPort: port }))).toEqual({ code: "port-in-use", port });
    server.close();
    expect(await codeOf(startClient({ mixedPort: mesh.exits[0]!.parameters.port }))).toEqual({
      code: "port-in-use",
      port: mesh.exits[0]!.parameters.port,
    });
  });

  test("says which part of an entry is damaged", async () => {
    const [exit] = mesh.exits;
    const damaged = (change: object) => startClient({ exits: [{ ...exit!, link: { ...exit!.link, ...change } }] });
    expect(await codeOf(damaged({ pbk: "short" }))).toEqual({ code: "bad-public-key" });
    expect(await codeOf(damaged({ sid: "123" }))).toEqual({ code: "bad-short-id" });
    expect(await codeOf(damaged({ flow: "xtls-rprx-direct" }))).toEqual({ code: "unsupported-flow" });
    expect(await codeOf(damaged({ fp: "netscape" }))).toEqual({ code: "unsupported-fingerprint" });
    const missing = { xray: join(mesh.folder, "no-engine"), guard: binaries!.guard };
    expect(await codeOf(startClient({}, missing))).toMatchObject({ code: "engine-missing" });
    expect(await codeOf(startClient({}, { ...missing, guard: undefined }))).toMatchObject({ code: "engine-missing" });
  });

  test("that cannot use an exit says why, and through which exit that happened", async () => {
    const [fra, fin] = mesh.exits;
    const trusted = join(mesh.folder, "decoy.pem");
    writeFileSync(trusted, mesh.decoy.certificate);
    vi.stubEnv("SSL_CERT_FILE", trusted);
    await startClient({ exits: [{ ...fra!, link: { ...fra!.link, pbk: fin!.link.pbk } }, fin!] });
    const position = client!.log.position();
    const outcome = await probe();
    expect(outcome.result).not.toBe("ok");
    expect(diagnoseRunning(client!.log.since(position), outcome)).toBe("exit-rejected-key");
    expect(await collector.next("failure")).toMatchObject({ code: "exit-rejected-key", outbound: "exit-fra" });
  });

  test("that an exit refuses the account of tells it by an empty answer", async () => {
    const [fra] = mesh.exits;
    const link = { ...fra!.link, uuid: "00000000-0000-4000-8000-000000000000" };
    await startClient({ exits: [{ ...fra!, link }] });
    const position = client!.log.position();
    const outcome = await probe();
    expect(outcome.result).toBe("empty");
    // How long it took says whose refusal it was, unless the machine is as loaded as one that runs tests.
    expect(diagnoseRunning(client!.log.since(position), { ...outcome, ms: 5 })).toBe("account-rejected");
  });

  test("keeps no secret on disk or in its command line, and no visited name in memory", async () => {
    await startClient();
    await seenFrom();
    const { uuid, pbk } = mesh.exits[0]!.link;
    const texts = readdirSync(directory.path)
      .filter((name) => !name.endsWith(".sock"))
      .map((name) => readFileSync(join(directory.path, name), "utf8"));
    if (process.platform === "linux") texts.push(readFileSync(`/proc/${client!.pid}/cmdline`, "utf8"));
    texts.push(...client!.log.recent());
    for (const secret of [uuid, pbk, SITE_NAME]) expect(texts.filter((text) => text.includes(secret))).toEqual([]);
    expect(client!.log.recent().length).toBeGreaterThan(0);
  });

  test.skipIf(process.platform === "win32")("opens its sockets to their owner alone", async () => {
    await startClient();
    const sockets = [directory.apiSocket.socket, directory.probeSocket];
    for (const socket of sockets) expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(statSync(directory.path).mode & 0o777).toBe(0o700);
  });

  test.runIf(process.platform === "linux" && process.getuid!() === 0)("lets no other user in", async () => {
    await startClient();
    // The folders would keep others out already.
    for (const path of [mesh.folder, directory.path]) chmodSync(path, 0o755);
    const tryIt = `require("node:net").connect(process.argv[1]).on("connect", () => console.log("in")).on("error", (e) => console.log(e.code))`;
    for (const socket of [directory.apiSocket.socket, directory.probeSocket]) {
      const args = ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, "-e", tryIt, socket];
      const { stdout } = spawnSync("setpriv", args, { encoding: "utf8", cwd: "/" });
      expect(stdout).toBe("EACCES\n");
    }
  });

  test("tells what it refuses over its interface", async () => {
    await startClient();
    const nothing = new EngineApi({ socket: join(directory.path, "none.sock") });
    expect(await codeOf(nothing.counters(""))).toEqual({ code: "api-unreachable" });
    const exit = new EngineApi(mesh.exits[0]!.parameters.api!);
    expect(await codeOf(exit.selectExit("fra"))).toMatchObject({ code: "api-refused" });
    expect([...(await exit.counters("inbound>>>reality-in"))].length).toBe(2);
    exit.close();
    nothing.close();
  });
});

describe("the folder of an engine", () => {
  test("is short enough for sockets, wherever it should have been", () => {
    const parent = `/tmp/${"deep/".repeat(30)}`;
    const { path, apiSocket } = openEngineDirectory(parent, "client");
    expect(path.startsWith(parent)).toBe(false);
    expect(apiSocket.socket.length).toBeLessThan(104);
    expect(openEngineDirectory(parent, "client").path).toBe(path);
    const other = openEngineDirectory(parent, "other").path;
    expect(other).not.toBe(path);
    for (const made of [path, other]) rmSync(made, { recursive: true });
  });

  test("is refused when others may enter it", () => {
    const { path } = openEngineDirectory("/tmp", `montana-open-${process.pid}`);
    chmodSync(path, 0o755);
    expect(() => openEngineDirectory("/tmp", `montana-open-${process.pid}`)).toThrow("engine-directory-unusable");
    rmSync(path, { recursive: true });
  });
});

test("a missing engine is named with the place where it was looked for", () => {
  expect(() => findBinaries("/nonexistent")).toThrow(
    expect.objectContaining({ code: "engine-missing", params: { path: expect.stringMatching(/xray/) as string } }),
  );
});
