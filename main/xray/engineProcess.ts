/** One run of the engine as a child of this program: configuration through standard input, output read to the end (§10.1). */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, type NetConnectOpts } from "node:net";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import { redactLine } from "../cities/redaction.ts";
import type { Binaries } from "./binaries.ts";
import type { EngineConfig } from "./config/engineConfig.ts";
import { engineError } from "./errors.ts";
import { diagnoseStart } from "./failures.ts";
import { endLeftover, noteEngine } from "./leftover.ts";
import { LineSplitter } from "./output.ts";
import { requireFreePorts } from "./ports.ts";
import { identifyProcess } from "./processes.ts";

/** One process of the engine, however it came to be. */
export interface EngineRun {
  /** The engine's own, not that of a program that watches over it; undefined when it did not get so far. */
  readonly pid: number | undefined;
  /** Its exit status, null when a signal ended it; comes when nothing of it is left. */
  readonly ended: Promise<number | null>;
  /** Ends it; {@link ended} tells when. */
  stop(): void;
}

export interface EngineLaunch {
  /** Goes to its standard input. */
  readonly config: string;
  /** Each line of its output. */
  readonly onLine: (line: string) => void;
}

/** Starts an engine that this program may not start itself (full-device mode). Throws {code, params}. */
export type EngineLauncher = (launch: EngineLaunch) => Promise<EngineRun>;

export interface ProcessOptions {
  readonly binaries: Binaries;
  /** The folder of `openEngineDirectory`. */
  readonly directory: string;
  readonly config: EngineConfig;
  /** Redacted. */
  readonly onLine: (line: string) => void;
  /** Without, the engine is a child of this program, under the guard. */
  readonly launcher?: EngineLauncher;
}

/** Milliseconds. */
const READY_DEADLINE = 20_000;
const READY_POLL = 10;
const STOP_DEADLINE = 5_000;
/** How long output may still come after the end; a grandchild could hold the pipes open for ever. */
const DRAIN_DEADLINE = 1_000;
/** Lines of the start that are kept to tell why it failed. */
const START_LINES_MAX = 200;
const LIFELINE = 3;
const STARTED = "core: Xray ";
const GUARD_CANNOT_START = 127;

export class EngineProcess {
  readonly #run: EngineRun;
  readonly pid: number;
  /** As of {@link EngineRun}. */
  readonly ended: Promise<number | null>;

  private constructor(run: EngineRun, pid: number, ended: Promise<number | null>) {
    this.#run = run;
    this.pid = pid;
    this.ended = ended;
  }

  /**
   * Gives the engine once it answers. Throws `engine-missing`, `engine-directory-unusable`, the codes of `StartFailure` with
   * `port` where one is known, `engine-not-ready`, `engine-stopped` when `signal` is aborted, or the launcher's own; then no
   * process is left.
   */
  static async start(options: ProcessOptions, signal?: AbortSignal): Promise<EngineProcess> {
    const { binaries, directory, config, onLine } = options;
    if ((await endLeftover(directory)) === "survives") {
      throw engineError("engine-directory-unusable", { path: directory, errno: "EBUSY" });
    }
    await requireFreePorts(config);
    const startLines: string[] = [];
    const seen = { start: false, end: false };
    const launcher = options.launcher ?? launchUnderGuard(binaries, directory);
    const run = await launcher({
      config: JSON.stringify(config),
      onLine: (raw) => {
        const line = redactLine(raw);
        seen.start ||= line.includes(STARTED);
        if (startLines.length < START_LINES_MAX) startLines.push(line);
        onLine(line);
      },
    });
    const end = run.ended.then(async (status) => {
      // A survivor of a killed guard, and the engine's sockets.
      await endLeftover(directory);
      seen.end = true;
      return status;
    });
    const failure = async (): Promise<Error> => {
      const status = await end;
      if (status === GUARD_CANNOT_START && startLines.some((line) => line.startsWith("guard: "))) {
        return engineError("engine-missing", { path: binaries.xray });
      }
      const { code, port } = diagnoseStart(status, startLines);
      return engineError(code, port === undefined ? {} : { port });
    };
    if (run.pid === undefined) throw await failure();
    const engine = new EngineProcess(run, run.pid, end);
    try {
      // An engine with rights of its own shows nobody what it is; who gave them ends it.
      const identity = await identifyProcess(run.pid);
      if (identity !== undefined) noteEngine(directory, identity);
    } catch (error) {
      await engine.stop();
      const errno = (error as NodeJS.ErrnoException).code ?? "unknown";
      throw engineError("engine-directory-unusable", { path: directory, errno });
    }
    const deadline = performance.now() + READY_DEADLINE;
    // At the level of a server the engine does not say that it has started.
    const isReady = async (): Promise<boolean> =>
      config.log.loglevel === "none" ? await listensEverywhere(config) : seen.start;
    while (!(await isReady())) {
      if (seen.end) throw await failure();
      if (performance.now() > deadline || signal?.aborted === true) {
        await engine.stop();
        throw engineError(signal?.aborted === true ? "engine-stopped" : "engine-not-ready");
      }
      await sleep(READY_POLL);
    }
    return engine;
  }

  /** Ends the engine and waits until nothing of it is left. */
  async stop(): Promise<void> {
    this.#run.stop();
    await this.ended;
  }
}

function launchUnderGuard(binaries: Binaries, directory: string): EngineLauncher {
  return async ({ config, onLine }) => {
    const child = spawnEngine(binaries, directory);
    const ended = collect(child, onLine);
    // An engine that ends before it has read all is told by its status.
    child.stdin!.on("error", () => undefined);
    child.stdin!.end(config);
    const pid = await pidOf(child, binaries);
    const stop = (): void => {
      const lifeline = child.stdio[LIFELINE];
      if (lifeline) lifeline.destroy();
      else child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE);
      void ended.finally(() => clearTimeout(late));
    };
    return { pid, ended, stop };
  };
}

function spawnEngine({ xray, guard }: Binaries, directory: string): ChildProcess {
  const args = ["run", "-c", "stdin:"];
  const hasLifeline = guard !== undefined && process.platform !== "win32";
  return spawn(guard ?? xray, guard === undefined ? args : [xray, ...args], {
    cwd: directory,
    env: environment(),
    stdio: ["pipe", "pipe", "pipe", ...(hasLifeline ? (["pipe"] as const) : [])],
    // Out of the terminal's process group: Ctrl-C is for this program, which ends the engine in its own order.
    detached: process.platform !== "win32",
    windowsHide: true,
  });
}

/** Nothing of this program's environment decides what the engine does, but where the system keeps its own things. */
function environment(): NodeJS.ProcessEnv {
  const names = ["SystemRoot", "SystemDrive", "TEMP", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

/** The exit status, once output has been read. */
function collect(child: ChildProcess, onLine: (line: string) => void): Promise<number | null> {
  for (const stream of [child.stdout!, child.stderr!]) {
    const lines = new LineSplitter(onLine);
    stream.on("data", (chunk: Buffer) => lines.push(chunk));
    stream.on("end", () => lines.end());
    stream.on("error", () => undefined);
  }
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) reject(engineError("engine-missing", { errno: error.code ?? "unknown" }));
    });
    child.once("exit", (status) => {
      const late = setTimeout(() => resolve(status), DRAIN_DEADLINE);
      child.once("close", () => {
        clearTimeout(late);
        resolve(status);
      });
    });
  });
}

/** The guard says whom it started; undefined when that failed. */
async function pidOf(child: ChildProcess, { guard }: Binaries): Promise<number | undefined> {
  const lifeline = child.stdio[LIFELINE] as Readable | undefined | null;
  if (guard === undefined || !lifeline) return child.pid;
  lifeline.on("error", () => undefined);
  const lines = new Promise<string>((resolve) => {
    const splitter = new LineSplitter(resolve);
    lifeline.on("data", (chunk: Buffer) => splitter.push(chunk));
  });
  const answer = await Promise.race([lines, once(lifeline, "close"), once(child, "error").then(() => undefined)]);
  return typeof answer === "string" ? Number(answer) : undefined;
}

/** The ports were free before. */
async function listensEverywhere({ inbounds }: EngineConfig): Promise<boolean> {
  for (const { listen, port } of inbounds) {
    if (listen === undefined) continue;
    const isUp = await accepts(port ? { port, host: WILDCARDS.get(listen) ?? listen } : { path: pathOf(listen) });
    if (!isUp) return false;
  }
  return true;
}

const WILDCARDS: ReadonlyMap<string, string> = new Map([
  ["0.0.0.0", "127.0.0.1"],
  ["::", "::1"],
]);

/** The engine's notation has the mode behind a comma. */
const pathOf = (listen: string): string => listen.slice(0, listen.lastIndexOf(","));

function accepts(endpoint: NetConnectOpts): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(endpoint);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
