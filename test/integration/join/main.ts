/**
 * A node joins a network by snapshot and catch-up from three peers, is killed and resumed twice, and one of the peers lies:
 * `npm run join`, or with `--small` in a minute. Prints what it took and whether it went right; `node --check` reads the rest.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { toHex } from "../../../main/protocol/bytes.ts";
import { nodeIdOf } from "../../../main/protocol/identity/ids.ts";
import { formatPeerId, peerIdOf } from "../../../main/protocol/identity/peerId.ts";
import type { ManifestPeer } from "../../../main/protocol/genesis/manifest.ts";
import { crypto, FULL, JoinedNetwork, SMALL, type Size } from "./network.ts";
import { keysOf, type ProcessConfig, type ProcessMessage, type ProcessReport, type Told } from "./process.ts";
import { freePort } from "../freePort.ts";
import { residentMib } from "../resident.ts";

const PROCESS = fileURLToPath(new URL("./process.ts", import.meta.url));
const MIB = 2 ** 20;
const MEMORY_MIB_MAX = 400;
const BYTES_SHARE_MAX = 1.1;
const SILENCE_MS_MAX = 240_000;
const POLL_MS = 50;
/** Of the accounts: when the joiner is killed. */
const KILLS = [0.3, 0.65];
const SERVERS = ["node of founder 0", "node of founder 1", "stranger"];
const LIAR = 2;

export interface JoinResult {
  readonly seconds: number;
  readonly snapshotMib: number;
  readonly receivedMib: number;
  /** Of the snapshot and the windows after it. */
  readonly bytesShare: number;
  readonly memoryMib: Readonly<Record<string, number>>;
  readonly kills: number;
  readonly isSameRoot: boolean;
  readonly liarsNamed: readonly string[];
  readonly isRight: boolean;
}

class Running {
  readonly #child: ChildProcess;
  report: ProcessReport | undefined;
  readonly told: Told[] = [];
  peakMib = 0;
  #heardMs = performance.now();

  constructor(config: ProcessConfig, onLie = (): void => undefined) {
    this.#child = fork(PROCESS, [JSON.stringify(config)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.on("message", (message: ProcessMessage) => {
      if (message.kind === "lied") return onLie();
      if (message.kind === "told") return void this.told.push(message.told);
      const before = this.#standing();
      this.report = message.report;
      this.peakMib = Math.max(this.peakMib, peakMibOf(this.#child.pid!));
      if (this.#standing() !== before) this.#heardMs = performance.now();
    });
  }

  async until(what: string, holds: (report: ProcessReport) => boolean): Promise<void> {
    this.#heardMs = performance.now();
    while (this.report === undefined || !holds(this.report)) {
      if (this.#child.exitCode !== null) throw new Error(`a process ended with ${this.#child.exitCode} before ${what}`);
      if (performance.now() - this.#heardMs > SILENCE_MS_MAX) {
        throw new Error(`no ${what}: ${JSON.stringify(this.report?.status)} ${JSON.stringify(this.told.slice(-10))}`);
      }
      await wait(POLL_MS);
    }
  }

  /** A patient one gives out accounts from now on. */
  hurry(): void {
    if (this.#child.connected) this.#child.send("hurry");
  }

  get liarsNamed(): string[] {
    const faults = this.told.filter(({ code, params }) => code === "notice" && params["notice"] === "sync-peer-fault");
    return faults.flatMap(({ params: { fault, peer } }) => (fault === "no-answer" ? [] : String(peer)));
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }

  #standing(): string {
    return JSON.stringify([this.report?.status.window, this.report?.status.progress, this.report?.bytesReceived]);
  }
}

export async function runJoin(size: Size, say: (line: string) => void): Promise<JoinResult> {
  const network = await JoinedNetwork.make(size, say);
  const work = mkdtempSync(join(tmpdir(), "montana-join-run-"));
  const running: Running[] = [];
  try {
    const ports = await Promise.all(SERVERS.map(() => freePort()));
    const manifest = SERVERS.map((name, i) => manifestEntry(name, ports[i]!, i === 0));
    const start = (name: string, port?: number, role?: ProcessConfig["role"]): Running => {
      const config = {
        ...{ size, folder: network.folder, directory: join(work, name), name, manifest },
        ...(role && { role }),
        listen: port === undefined ? undefined : `/ip4/127.0.0.1/tcp/${port}`,
        behindMax: Math.floor(size.windows / 4),
      };
      const process = new Running(config, () => servers.forEach((server) => server.hurry()));
      running.push(process);
      return process;
    };
    const servers: Running[] = [];
    for (const [i, name] of SERVERS.entries()) {
      await network.copyTo(join(work, name));
      servers.push(start(name, ports[i], i === LIAR ? "liar" : "patient"));
    }
    for (const server of servers) await server.until("server", ({ status }) => status.window === size.windows - 1);
    say("three peers serve");

    const startedMs = performance.now();
    let joiner = start("joiner");
    let receivedBytes = 0;
    let kills = 0;
    const told: Told[] = [];
    const named = new Set<string>();
    let joinerPeakMib = 0;
    const leave = async (): Promise<void> => {
      await joiner.kill();
      for (const bytes of Object.values(joiner.report?.bytesReceived ?? {})) receivedBytes += bytes;
      told.push(...joiner.told);
      joiner.liarsNamed.forEach((peer) => named.add(peer));
      joinerPeakMib = Math.max(joinerPeakMib, joiner.peakMib);
    };
    for (const share of KILLS) {
      await joiner.until(`${100 * share} % of the accounts`, ({ status: { progress, window } }) => {
        const isPast = window !== null && window + 1 > size.windows / 2;
        const isThere = progress?.unit === "accounts" && progress.done >= share * progress.total!;
        return isPast || (isThere && named.size + joiner.liarsNamed.length > 0);
      });
      await leave();
      kills++;
      say(
        `killed at ${JSON.stringify(joiner.report?.status.progress)}, ${Math.round(receivedBytes / MIB)} MiB received`,
      );
      joiner = start("joiner");
    }
    await joiner.until("the last window", ({ status }) => status.window === size.windows - 1);
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    const isSameRoot = joiner.report!.status.stateRoot === network.kept.stateRoot;
    await joiner.until("the history", ({ status: { notices } }) =>
      notices.every(({ code }) => code !== "history-verified"),
    );
    await leave();
    const liar = manifest[LIAR]!.peerId;
    const liarsNamed = [...named];
    const anchor = told.findLast(({ code }) => code === "snapshot")?.params["anchor"] as string;
    const stateBytes = network.kept.snapshotBytes[anchor] ?? Number.NaN;
    const bytesShare = receivedBytes / stateBytes;
    const memoryMib: Record<string, number> = { joiner: joinerPeakMib };
    for (const [i, server] of servers.entries()) memoryMib[`server ${i}`] = server.peakMib;
    const isRight =
      isSameRoot &&
      liarsNamed.length === 1 &&
      liarsNamed[0] === liar &&
      kills === KILLS.length &&
      (size !== FULL ||
        (bytesShare <= BYTES_SHARE_MAX && Object.values(memoryMib).every((mib) => mib <= MEMORY_MIB_MAX)));
    return {
      seconds,
      snapshotMib: rounded(stateBytes / MIB),
      receivedMib: rounded(receivedBytes / MIB),
      bytesShare: rounded(bytesShare, 1000),
      ...{ memoryMib, kills, isSameRoot, liarsNamed, isRight },
    };
  } finally {
    for (const process of running) await process.kill();
    rmSync(work, { recursive: true, force: true });
  }
}

const rounded = (value: number, unit = 10): number => Math.round(value * unit) / unit;

function manifestEntry(name: string, port: number, isBootstrap: boolean): ManifestPeer {
  const { publicKey } = keysOf(name);
  const nodeIdHex = toHex(nodeIdOf(crypto, publicKey));
  return {
    ...{ label: name, multiaddr: `/ip4/127.0.0.1/tcp/${port}`, peerId: formatPeerId(peerIdOf(crypto, publicKey)) },
    ...{ isBootstrap, accountIdHex: nodeIdHex, nodeIdHex },
  };
}

/** The most that a process ever had in memory; 0 for one that has ended since it reported. */
function peakMibOf(pid: number): number {
  try {
    return residentMib(pid, "peak");
  } catch {
    return 0;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = await runJoin(process.argv.includes("--small") ? SMALL : FULL, (line) => console.log(line));
  console.log(JSON.stringify(result, undefined, 2));
  process.exitCode = result.isRight ? 0 : 1;
}
