/** The host's wiring, with a node that a test plays. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { call, follow, type Client } from "../api/client.ts";
import { API_VERSION, type HostEvent } from "../api/contract.ts";
import type { NodeChange, NodeService, NodeStatus, WalletService } from "../api/services.ts";
import { keystoreContext } from "../keystore/context.ts";
import { createIdentity } from "../keystore/create.ts";
import { loadCrypto } from "../native/index.ts";
import { attach, claim, claimForCommand, reach, STOP_MS_MAX, type Claimed } from "./attach.ts";
import { locateData, prepareSocketPath, type DataDirectory } from "./dataDirectory.ts";
import { startHost, type Host, type HostOptions, type RunningNode } from "./host.ts";
import { takeLock } from "./lock.ts";
import { createLog } from "./log.ts";
import { publish } from "./published.ts";

const { crypto } = loadCrypto();
const PASSPHRASE = new TextEncoder().encode("correct horse battery");
/** The least that a key file may ask for. */
const argon2 = { memoryKib: 19_456, passes: 2, lanes: 1 };

let folder: string;
let directory: DataDirectory;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "montana-host-"));
  directory = locateData(join(folder, "data"));
  const context = keystoreContext({ directory: directory.identity, crypto, argon2 });
  await createIdentity(context, { mode: "recoverable", passphrase: PASSPHRASE, nowMs: 0, machineKey: "file" });
});
afterAll(() => rm(folder, { recursive: true }));

describe("the lock", () => {
  it("is had by one at a time, also within a process, and can be had again", () => {
    const path = join(folder, "one.lock");
    const first = takeLock(path);
    expect(takeLock(path)).toBeUndefined();
    expect(takeLock(path)).toBeUndefined();
    first?.release();
    const second = takeLock(path);
    expect(second).toBeDefined();
    second?.release();
  });

  it("says where it cannot be", () => {
    expect(() => takeLock(join(folder, "none", "one.lock"))).toThrow("directory-unusable");
  });
});

describe("where things lie", () => {
  it("is chosen by the option, then the variable, then the platform", () => {
    expect(locateData("/a", { MONTANA_DATA_DIR: "/b" }).root).toBe("/a");
    expect(locateData(undefined, { MONTANA_DATA_DIR: "/b" }).root).toBe("/b");
    expect(locateData(undefined, { XDG_DATA_HOME: "/x" }).root).toBe("/x/montana");
    expect(locateData(undefined, { XDG_DATA_HOME: "relative" }).root).toMatch(/\/\.local\/share\/montana$/);
  });

  it("is elsewhere for a socket whose path the system would not take, and nobody else can reach it", async () => {
    const deep = locateData(join(folder, "d".repeat(100)));
    const socket = await prepareSocketPath(deep);
    const name = createHash("sha256").update(deep.root).digest("hex").slice(0, 16);
    expect(socket.endsWith(`${name}.sock`)).toBe(true);
    expect(socket.length).toBeLessThan(100);
    expect((await stat(join(socket, ".."))).mode & 0o777).toBe(0o700);
  });
});

describe("a host with a node", () => {
  let host: Host;
  let client: Client;
  let change: (change: NodeChange) => void;
  let status: NodeStatus;
  let stopNode: () => Promise<void>;
  let stopRequests: number;

  const unexpected = (): Promise<never> => Promise.reject(new Error("this test did not expect the call"));
  const startNode = (): Promise<RunningNode> => {
    const node: NodeService = {
      status: () => Promise.resolve(status),
      time: unexpected,
      join: unexpected,
      leave: unexpected,
      pause: unexpected,
      resume: unexpected,
      settings: unexpected,
      setSettings: unexpected,
      check: (task) =>
        new Promise((_, reject) => {
          task.signal.addEventListener("abort", () => reject(new Error("aborted")));
        }),
      backup: unexpected,
      onChange: (listener) => {
        change = listener;
        return () => undefined;
      },
    };
    const wallet: WalletService = {
      balance: () => Promise.resolve({ total: "13000000000", available: "0", accounts: [], window: status.window }),
      history: unexpected,
      send: unexpected,
      cancelOperation: unexpected,
      sendAgain: unexpected,
      planKeyChange: unexpected,
      changeKey: unexpected,
      proveKey: unexpected,
      bonusOffer: unexpected,
      moveBonus: unexpected,
      createRequest: unexpected,
      openRequest: unexpected,
      writeAnchor: unexpected,
      readAnchors: unexpected,
      verifyAnchor: unexpected,
      onChange: () => () => undefined,
    };
    return Promise.resolve({ node, wallet, stop: () => stopNode() });
  };
  const options = (claimed: Claimed): HostOptions => ({
    claimed,
    network: "solo",
    logger: pino({ level: "silent" }),
    startNode,
    stopping: new AbortController().signal,
    onStopRequest: () => stopRequests++,
  });

  beforeEach(async () => {
    stopRequests = 0;
    stopNode = () => Promise.resolve();
    status = {
      phase: "Active",
      window: 1,
      windowAtMs: 1,
      stateRoot: "00".repeat(32),
      supply: "26000000000",
      peers: 0,
      candidate: null,
      candidacy: null,
      queue: null,
      progress: null,
      unverifiedCandidates: [],
      notices: [],
    };
    host = await startHost(options(await claimForCommand(directory)));
    ({ client } = await attach(directory));
  });
  afterEach(async () => {
    await host.stop();
  });

  it("shows node, wallet and network in one status", async () => {
    expect(await client.status.query()).toMatchObject({
      network: "solo",
      profile: "spec",
      window: 1,
      balance: "13000000000",
      supply: "26000000000",
    });
  });

  it("turns the node's changes into events with the status of that moment", async () => {
    const events: HostEvent[] = [];
    const seen = new Promise<void>((resolve) => {
      const following = follow(
        client,
        (event) => {
          events.push(event);
          if (event.kind === "snapshot") {
            status = { ...status, window: 2 };
            change({ kind: "window-closed" });
            change({ kind: "notice", notice: { code: "deadline-near", params: { hours: 3 } } });
          }
          if (events.length < 3) return;
          following.stop();
          resolve();
        },
        () => undefined,
      );
    });
    await seen;
    const windows = events.flatMap((event) => (event.kind === "window-closed" ? [event.payload.window] : []));
    expect(windows).toEqual([2]);
    expect(events.map(({ kind }) => kind).toSorted()).toEqual(["notice", "snapshot", "window-closed"]);
  });

  it("locks the account by itself after the time", async () => {
    await call(client.unlock.mutate({ passphrase: "correct horse battery", seconds: 1 }));
    expect((await client.status.query()).isAccountUnlocked).toBe(true);
    await expect.poll(async () => (await client.status.query()).isAccountUnlocked, { timeout: 5000 }).toBe(false);
  });

  it("stops when asked over the wire, after it has answered", async () => {
    expect(await client.stop.mutate()).toEqual({});
    expect(stopRequests).toBe(1);
  });

  it("ends its streams and cancels its tasks when it stops", async () => {
    const ended = new Promise((resolve) => follow(client, () => undefined, resolve));
    await client.check.mutate();
    expect(await host.stop()).toBeUndefined();
    expect(await ended).toBeUndefined();
    expect(await reach(directory)).toBeUndefined();
  });

  it("that does not stop in time is named, and keeps the data directory", async () => {
    let release: () => void = () => undefined;
    stopNode = () => new Promise((resolve) => (release = resolve));
    const start = performance.now();
    expect(await host.stop()).toBe("node");
    expect(performance.now() - start).toBeLessThan(STOP_MS_MAX + 500);
    expect(takeLock(directory.lock)).toBeUndefined();
    release();
    await freeAfterwards();
  });

  /** As the end of the process would. */
  async function freeAfterwards(): Promise<void> {
    directory = await freshCopy();
  }

  it("attaches a second start to itself", async () => {
    const second = await claim(directory);
    expect(second).toMatchObject({ kind: "attached", host: { pong: { apiVersion: API_VERSION, pid: process.pid } } });
  });

  it("leaves nothing behind when its node does not start", async () => {
    await host.stop();
    const failing = { ...options(await claimForCommand(directory)), startNode: () => Promise.reject(new Error("no")) };
    await expect(startHost(failing)).rejects.toThrow("no");
    const free = await claimForCommand(directory);
    await free.release();
  });
});

/** The identity in a data directory that nobody holds. */
async function freshCopy(): Promise<DataDirectory> {
  const { cp } = await import("node:fs/promises");
  const copy = locateData(await mkdtemp(join(folder, "data-")));
  await cp(directory.identity, copy.identity, { recursive: true });
  return copy;
}

describe("a host of another version", () => {
  let server: Server;
  let held: DataDirectory;

  /** Holds the data directory and answers `ping` and `stop` as every version does. */
  const hostOf = async (apiVersion: number, pid = process.pid): Promise<void> => {
    const root = await mkdtemp(join(folder, "other-"));
    held = locateData(root);
    const lock = takeLock(held.lock);
    const socket = join(root, "host.sock");
    server = createServer((request, response) => {
      const isStop = request.url?.startsWith("/api/stop") === true;
      const data = isStop ? {} : { apiVersion, version: "0", pid, startedAtMs: 0 };
      response.writeHead(200, { "content-type": "application/json", connection: "close" });
      response.end(JSON.stringify({ result: { data } }));
      if (isStop) setTimeout(() => lock?.release(), 300);
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    await publish(held.published, { pid, startedAtMs: 0, apiVersion, socket });
  };
  afterEach(() => {
    server.close();
  });

  it("that is older is asked to stop, and waited for", async () => {
    await hostOf(API_VERSION - 1);
    await expect(attach(held)).rejects.toMatchObject({ code: "host-older" });
    const claimed = await claim(held);
    expect(claimed.kind).toBe("own");
    if (claimed.kind === "own") await claimed.claimed.release();
  });

  it("that is newer is left alone and named", async () => {
    await hostOf(API_VERSION + 1);
    await expect(claim(held)).rejects.toMatchObject({ code: "host-newer", params: { pid: process.pid } });
  });

  it("that does not answer is named by its pid", async () => {
    await hostOf(API_VERSION);
    server.close();
    await rm(join(held.root, "host.sock"), { force: true });
    await expect(claim(held)).rejects.toMatchObject({ code: "host-not-answering", params: { pid: process.pid } });
  });
});

describe("what a stopped host left", () => {
  it("is not taken for a running one, whatever lies in its file", async () => {
    const root = locateData(await mkdtemp(join(folder, "stale-")));
    await writeFile(root.published, "garbage");
    await expect(attach(root)).rejects.toMatchObject({ code: "host-not-running" });
    await publish(root.published, {
      pid: process.pid,
      startedAtMs: 0,
      apiVersion: 1,
      socket: join(root.root, "no.sock"),
    });
    await expect(attach(root)).rejects.toMatchObject({ code: "host-not-running" });
    await mkdir(join(root.root, "identity"));
    await (await claimForCommand(root)).release();
  });
});

it("the log hides secrets always, and addresses unless the person asked for them", () => {
  const linesOf = (level: "info" | "debug"): string => {
    const lines: string[] = [];
    const { logger } = createLog(level, { write: (line) => void lines.push(line) });
    const peer = { multiaddr: "/ip4/192.0.2.7/tcp/1", id: "Qm" };
    logger.info({ passphrase: "hunter22", identity: { words: ["abandon"], deep: { secretKey: "k-e-y" } }, peer });
    return lines.join("");
  };
  for (const level of ["info", "debug"] as const) expect(linesOf(level)).not.toMatch(/hunter22|abandon|k-e-y/);
  expect(linesOf("info")).not.toContain("192.0.2.7");
  expect(linesOf("debug")).toContain("192.0.2.7");
});
