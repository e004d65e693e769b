/** Peer managers as processes of their own on loopback: killed and restarted, and under attack. */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { loadCrypto } from "../../main/native/index.ts";
import { MESSAGE } from "../../main/network/messages/registry.ts";
import { toHex } from "../../main/protocol/bytes.ts";
import type { ManifestPeer } from "../../main/protocol/genesis/manifest.ts";
import { nodeIdOf } from "../../main/protocol/identity/ids.ts";
import { formatPeerId, peerIdOf } from "../../main/protocol/identity/peerId.ts";
import {
  breakMuxer,
  floodConnections,
  floodHandshakes,
  holdConnections,
  makeAttacker,
  occupyPlaces,
  sendGarbage,
  sendOversized,
  sendUseless,
} from "./attacker.ts";
import type { PeerProcessConfig, PeerReport } from "./peerProcess.ts";

const PROCESS = fileURLToPath(new URL("peerProcess.ts", import.meta.url));
const RSS_MIB_MAX = 500;
const STOP_MS_MAX = 5000;

class PeerProcess {
  readonly config: PeerProcessConfig;
  readonly #process: ChildProcess;
  readonly ended: Promise<void>;
  report: PeerReport | undefined;
  rssMibMax = 0;

  constructor(config: PeerProcessConfig) {
    this.config = config;
    this.#process = fork(PROCESS, [JSON.stringify(config)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.ended = new Promise((resolve) => this.#process.once("exit", () => resolve()));
    this.#process.on("message", (report: PeerReport) => {
      this.report = report;
      this.rssMibMax = Math.max(this.rssMibMax, report.rssMib);
    });
  }

  async until(condition: (report: PeerReport) => boolean): Promise<PeerReport> {
    while (this.report === undefined || !condition(this.report)) await wait(50);
    return this.report;
  }

  /** A report of now, not of half a second ago. */
  async next(): Promise<PeerReport> {
    this.report = undefined;
    return this.until(() => true);
  }

  stop(): Promise<void> {
    this.#process.send("stop");
    return this.ended;
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.ended;
  }
}

let folder: string;
let processes: PeerProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "peer-processes-"));
});
afterEach(async () => {
  await Promise.all(processes.map((process) => process.kill()));
  processes = [];
  await rm(folder, { recursive: true });
});

const { crypto } = loadCrypto();
const publicKeyOf = (number: number) => crypto.mldsa65.generate(new Uint8Array(32).fill(number)).publicKey;
const peerIdOfNumber = (number: number): string => formatPeerId(peerIdOf(crypto, publicKeyOf(number)));

function entry(number: number, multiaddr: string): ManifestPeer {
  const nodeIdHex = toHex(nodeIdOf(crypto, publicKeyOf(number)));
  const accountIdHex = "00".repeat(32);
  return {
    label: `node${number}`,
    multiaddr,
    peerId: peerIdOfNumber(number),
    accountIdHex,
    nodeIdHex,
    isBootstrap: number === 1,
  };
}

function start(number: number, manifest: readonly ManifestPeer[], listen = "/ip4/127.0.0.1/tcp/0"): PeerProcess {
  const process = new PeerProcess({ number, listen, manifest, stateFile: join(folder, `${number}.state`) });
  processes.push(process);
  return process;
}

async function startThree(): Promise<PeerProcess[]> {
  const first = start(1, []);
  const { listening } = await first.until((report) => report.listening !== undefined);
  const manifest = [entry(1, listening!)];
  const others = [start(2, manifest), start(3, manifest)];
  await Promise.all(others.map((other) => other.until(({ peers }) => peers.length > 0)));
  return [first, ...others];
}

describe("three processes", () => {
  test("are connected again soon after one of them is killed and restarted, again and again", async () => {
    const [first, second, third] = await startThree();
    await first!.until(({ peers }) => peers.length === 2);
    const { listening } = third!.report!;
    let killed = third!;
    for (let round = 0; round < 3; round++) {
      await killed.kill();
      await first!.until(({ peers }) => peers.length === 1);
      killed = start(3, third!.config.manifest, listening);
      await killed.until(({ peers }) => peers.includes(peerIdOfNumber(1)));
      await first!.until(({ peers }) => peers.includes(peerIdOfNumber(3)));
    }
    const started = performance.now();
    await second!.stop();
    expect(performance.now() - started).toBeLessThan(STOP_MS_MAX);
    await first!.until(({ peers }) => !peers.includes(peerIdOfNumber(2)));
  });
});

describe("a process under attack", () => {
  test("goes on with its honest peers, stays small, and names the offenders", async () => {
    const [victim, ...honest] = await startThree();
    const before = await victim!.until(({ peers }) => peers.length === 2);
    const target = before.listening!;
    const honestIds = [peerIdOfNumber(2), peerIdOfNumber(3)];
    const [oversized, useless, breaker, ping] = [1, 2, 3, 4].map(makeAttacker);

    /** Runs one attack; meanwhile and after it both honest peers answer. */
    const during = async <T>(attack: () => Promise<T>): Promise<T> => {
      const start = await victim!.next();
      const figures = await attack();
      const end = await victim!.until(({ exchanged }) =>
        honestIds.every((id) => (exchanged[id] ?? 0) >= (start.exchanged[id] ?? 0) + 5),
      );
      expect(honestIds.filter((id) => end.peers.includes(id))).toEqual(honestIds);
      return figures;
    };

    await during(() => floodConnections(target, 3000));
    const unfinished = await during(() =>
      Promise.all([sendGarbage(target, 200), floodHandshakes(target, 200), holdConnections(target, 200)]),
    );
    expect(unfinished.map(({ refused }) => refused)).toEqual([200, 200, 200]);
    expect((await during(() => breakMuxer(target, 20, breaker!))).refused).toBe(20);
    await during(() => sendOversized(target, 60, oversized!));
    await during(() => sendUseless(target, 2000, useless!));
    await during(() => sendUseless(target, 500, ping!, MESSAGE.ping, 0));
    const crowd = Array.from({ length: 40 }, (_, i) => makeAttacker(100 + i));
    const places = await during(() => occupyPlaces(target, crowd));
    const { status } = await victim!.next();
    expect(status.inbound).toBeLessThanOrEqual(32);
    for (const connection of places) connection.close("attack over");

    const after = await victim!.until(({ peers, sockets }) => peers.length === 2 && sockets <= before.sockets + 2);
    expect(new Map(after.banned.map(({ peer, reason }) => [peer, reason]))).toEqual(
      new Map([
        [oversized!.peerId, "request-too-large"],
        [useless!.peerId, "too many messages"],
        [ping!.peerId, "too many messages"],
      ]),
    );
    expect(victim!.rssMibMax).toBeLessThan(RSS_MIB_MAX);
    for (const peer of honest) expect((await peer.next()).peers).toContain(peerIdOfNumber(1));
  });
});
