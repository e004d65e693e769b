/** The program's own tunnel beside a bare pair of engines with the same configurations, each with an exit of its own. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { Tunnel } from "../../main/vpn/tunnel.ts";
import type { TunnelWish } from "../../main/vpn/tunnelPorts.ts";
import { findBinaries } from "../../main/xray/binaries.ts";
import { clientConfig } from "../../main/xray/config/clientConfig.ts";
import type { EngineConfig } from "../../main/xray/config/engineConfig.ts";
import { exitConfig } from "../../main/xray/config/serverConfig.ts";
import { openEngineDirectory } from "../../main/xray/directory.ts";
import { binariesHere, freePort, startMesh, type TestExit, type TestMesh } from "../../main/xray/mesh.fixture.ts";
import { probeThrough } from "../../main/xray/probe.ts";
import type { Measurement, Result } from "./harness.ts";

const MEBI = 1_048_576;
/** Of one transfer. */
const SLICE = 16 * MEBI;
/** With a quarter of them one run in six told a ratio that was a quarter off. */
const SLICES = 128;
const ROUNDS = 7;
const PROBE_TIMEOUT_MS = 20_000;

const WISH: TunnelWish = {
  city: "fra",
  strict: true,
  mode: "local",
  killSwitch: false,
  bypass: { domains: [], cidrs: [] },
};

/** A mesh of `fra` and `fin` for the program, and the same two exits again for bare engines. */
class Course {
  readonly mesh: TestMesh;
  readonly tunnel: Tunnel;
  readonly #bareExits: readonly Bare[];
  #clients = 0;

  private constructor(mesh: TestMesh, bareExits: readonly Bare[]) {
    this.mesh = mesh;
    this.#bareExits = bareExits;
    this.tunnel = new Tunnel({
      binaries: findBinaries,
      directory: mesh.folder,
      probeUrls: [`${mesh.site.url}/204`],
      source: {
        read: () => ({
          routes: mesh.exits.map(({ code, link }) => ({ code: `${code}-direct`, city: code, link })),
          cities: [],
          health: new Map(),
        }),
        refresh: () => Promise.resolve(),
        onVerified: () => undefined,
      },
      systemProxy: undefined,
      clock: { now: () => performance.now(), unixMs: () => Date.now() },
      random: Math.random,
      network: () => "one",
    });
  }

  static async open(): Promise<Course | undefined> {
    if (binariesHere() === undefined) return undefined;
    const mesh = await startMesh(["fra", "fin"]);
    const bareExits = await Promise.all(
      mesh.exits.map(async ({ code, parameters }) => {
        const port = await freePort();
        const { apiSocket } = openEngineDirectory(mesh.folder, `bare-${code}`);
        return new Bare(exitConfig({ ...parameters, port, api: apiSocket }), port);
      }),
    );
    const course = new Course(mesh, bareExits);
    // The first connection through an exit waits until five seconds after its start (chapter 08 §11.2).
    for (const code of ["fra", "fin"]) {
      await course.tunnel.connect({ ...WISH, city: code });
      await (await course.startBareClient(code)).stop();
    }
    await course.tunnel.disconnect();
    return course;
  }

  /** Answers through its exit when this resolves. */
  async startBareClient(code: string): Promise<Bare> {
    const exits = this.mesh.exits.map((exit, i) => ({ code: exit.code, link: this.#bareLink(exit, i) }));
    const mixedPort = await freePort();
    // An engine that was ended may leave its sockets behind.
    const { apiSocket, probeSocket } = openEngineDirectory(this.mesh.folder, `bare-client-${this.#clients++}`);
    const probe = { socket: probeSocket, password: "probe" };
    const client = new Bare(clientConfig({ exits, selected: code, mixedPort, api: apiSocket, probe }), mixedPort);
    await client.started;
    const { result } = await probeThrough({
      via: client,
      url: `${this.mesh.site.url}/204`,
      timeoutMs: PROBE_TIMEOUT_MS,
    });
    if (result !== "ok") throw new Error(`a bare client's probe ended in ${result}`);
    return client;
  }

  async fetch(port: number): Promise<void> {
    const [proxy, url] = [`socks5h://127.0.0.1:${port}`, `${this.mesh.site.url}/bytes/${SLICE}`];
    await promisify(execFile)("curl", [
      "-sS",
      "-f",
      "-o",
      process.platform === "win32" ? "NUL" : "/dev/null",
      "-x",
      proxy,
      url,
    ]);
  }

  async close(): Promise<void> {
    await this.tunnel.disconnect();
    await Promise.all(this.#bareExits.map((exit) => exit.stop()));
    await this.mesh.close();
  }

  #bareLink({ link }: TestExit, index: number): TestExit["link"] {
    return { ...link, port: this.#bareExits[index]!.port };
  }
}

/** An engine and nothing else: its output is read and dropped. */
class Bare {
  readonly port: number;
  readonly process: ChildProcess;
  /** Of a client; a server at its level of log says nothing. */
  readonly started: Promise<void>;
  readonly #ended: Promise<unknown>;

  constructor(config: EngineConfig, port: number) {
    this.port = port;
    this.process = spawn(findBinaries().xray, ["run", "-c", "stdin:"], {
      stdio: ["pipe", "pipe", "ignore"],
      // In a session of its own as the program's engines are: Linux shares a busy machine out by session.
      detached: true,
    });
    const end = (): boolean => this.process.kill();
    process.once("exit", end);
    this.process.once("exit", () => process.off("exit", end));
    this.#ended = once(this.process, "exit");
    this.started = new Promise((resolve, reject) => {
      let last = "";
      this.process.stdout!.on("data", (chunk: Buffer) => {
        last = chunk.toString();
        if (last.includes(" started\n")) resolve();
      });
      this.process.once("exit", () => reject(new Error(`a bare engine ended: ${last}`)));
    });
    this.started.catch(() => undefined);
    this.process.stdin!.end(JSON.stringify(config));
  }

  async stop(): Promise<void> {
    this.process.kill("SIGTERM");
    await this.#ended;
  }
}

/** Some 4 GiB altogether, in turns; who begins changes. */
async function measureThroughput(): Promise<Result | undefined> {
  const course = await Course.open();
  if (course === undefined) return undefined;
  try {
    const { proxy } = await course.tunnel.connect(WISH);
    const bare = await course.startBareClient("fra");
    const [own, other]: [number[], number[]] = [[], []];
    const timed = async (port: number, seconds: number[]): Promise<void> => {
      const began = performance.now();
      await course.fetch(port);
      seconds.push((performance.now() - began) / 1000);
    };
    for (let slice = 0; slice < SLICES; slice++) {
      const sides = [() => timed(proxy!.port, own), () => timed(bare.port, other)];
      for (const side of slice % 2 === 0 ? sides : sides.toReversed()) await side();
    }
    await bare.stop();
    return {
      ...{ name: "tunnel/throughput", unit: "MiB/s", peer: "bare pair" },
      ...{ value: SLICE / MEBI / Math.min(...own), peerValue: SLICE / MEBI / Math.min(...other) },
      // Neighbours in time see the same load, which on a shared machine changes more than the two sides differ.
      ratio: medianOf(own.map((seconds, i) => other[i]! / seconds)),
    };
  } finally {
    await course.close();
  }
}

const medianOf = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

type Timed = () => Promise<() => Promise<void>>;

/** Alternates both; what disturbs one only ever makes it slower, so the shortest of each counts. */
async function compareTimes(
  name: string,
  peer: string,
  subject: (course: Course) => Timed,
  bare: (course: Course) => Timed,
) {
  const course = await Course.open();
  if (course === undefined) return undefined;
  try {
    const times = { subject: Infinity, bare: Infinity };
    const sides = { subject: subject(course), bare: bare(course) };
    for (let round = 0; round < ROUNDS; round++) {
      for (const side of ["subject", "bare"] as const) {
        const began = performance.now();
        const undo = await sides[side]();
        times[side] = Math.min(times[side], performance.now() - began);
        await undo();
      }
    }
    return resultOf(name, "ms", times.subject, peer, times.bare);
  } finally {
    await course.close();
  }
}

const measureConnect = (): Promise<Result | undefined> =>
  compareTimes(
    "tunnel/connect",
    "bare client until it answers",
    ({ tunnel }) =>
      async () => {
        await tunnel.connect(WISH);
        return () => tunnel.disconnect();
      },
    startBare,
  );

const measureSwitch = (): Promise<Result | undefined> =>
  compareTimes(
    "tunnel/switch",
    "bare client started anew",
    ({ tunnel }) => {
      let isSwitched = false;
      return async () => {
        // The first time connects, which never is the shortest.
        isSwitched = !isSwitched;
        await tunnel.connect({ ...WISH, city: isSwitched ? "fra" : "fin" });
        return () => Promise.resolve();
      };
    },
    startBare,
  );

const startBare =
  (course: Course): Timed =>
  async () => {
    const client = await course.startBareClient("fin");
    return () => client.stop();
  };

/** Of the client's engine after a transfer: the program adds nothing to it but a few routes. */
async function measureMemory(): Promise<Result | undefined> {
  if (process.platform !== "linux") return undefined;
  const course = await Course.open();
  if (course === undefined) return undefined;
  try {
    const { proxy } = await course.tunnel.connect(WISH);
    const bare = await course.startBareClient("fra");
    for (const port of [proxy!.port, bare.port]) await course.fetch(port);
    const [own, other] = [residentMebi(course.tunnel.pid!), residentMebi(bare.process.pid!)];
    await bare.stop();
    return resultOf("tunnel/memory", "MiB", own, "bare client", other);
  } finally {
    await course.close();
  }
}

const residentMebi = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(join("/proc", String(pid), "status"), "utf8"))![1]) / 1024;

/** Of two values of which the smaller is the better. */
const resultOf = (name: string, unit: string, value: number, peer: string, peerValue: number): Result => ({
  ...{ name, value, unit, peer, peerValue },
  ratio: peerValue / value,
});

export const benches: readonly Measurement[] = [
  { name: "tunnel/throughput", measure: measureThroughput },
  { name: "tunnel/connect", measure: measureConnect },
  { name: "tunnel/switch", measure: measureSwitch },
  { name: "tunnel/memory", measure: measureMemory },
];
