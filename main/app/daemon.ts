/** The host as a process of its own, without a window: until a signal or somebody's `stop`. */
import { setTimeout as wait } from "node:timers/promises";

import { call } from "../api/client.ts";
import { apiError, noticeOf } from "../api/errors.ts";
import { claim, STOP_MS_MAX, type Claimed } from "./attach.ts";
import type { DataDirectory } from "./dataDirectory.ts";
import { startHost, type Host, type HostOptions } from "./host.ts";
import { createLog, type LogLevel } from "./log.ts";
import { isAlive } from "./published.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"] as const;
/** For the answer to whoever asked to stop. */
const ANSWER_MS = 20;

type Passed =
  | "network"
  | "isPatient"
  | "isWithoutNode"
  | "isBackground"
  | "local"
  | "listen"
  | "announce"
  | "asnMap"
  | "timeCpuShare"
  | "metricsPort"
  | "onProgress"
  | "startNode";

export interface DaemonOptions extends Pick<HostOptions, Passed> {
  readonly directory: DataDirectory;
  readonly logLevel: LogLevel;
  readonly onStarted: (host: Host) => void;
}

/**
 * Resolves when the host has stopped; the caller then ends the process. Throws what keeps it from starting:
 * `ProtocolError("host-running")` when another host has the data directory, and "stop-timeout" when a part had to be
 * abandoned.
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { directory, logLevel, onStarted, ...rest } = options;
  const log = createLog(logLevel);
  const { logger } = log;
  // Whatever it was, the store survives it; going on in an unknown state is what it might not.
  process.on("uncaughtException", (error) => {
    logger.fatal({ err: error }, "uncaught");
    log.flush();
    process.exit(EXIT_DEFECT);
  });
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve()));
  let signalledAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    // A terminal and whoever runs this for it send the same Ctrl-C twice; a later one the person means.
    if (signalledAt !== undefined && performance.now() - signalledAt > SAME_SIGNAL_MS) process.exit(EXIT_IMPATIENT);
    signalledAt ??= performance.now();
    if (stop.signal.aborted) return;
    logger.info({ signal }, "stopping");
    stop.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    const { claimed, tunnel } = await claimOrReplace(directory);
    const host = await startHost({
      ...rest,
      claimed,
      ...(tunnel === undefined ? {} : { tunnel }),
      logger,
      writeLine: log.writeLine,
      log,
      stopping: stop.signal,
      onStopRequest: () => {
        void wait(ANSWER_MS).then(() => stop.abort());
      },
    });
    if (!stop.signal.aborted) onStarted(host);
    await stopped;
    const late = await host.stop();
    if (late !== undefined) throw apiError("stop-timeout", { part: late, seconds: STOP_SECONDS });
    logger.info("host stopped");
  } catch (error) {
    const { notice, isDefect } = noticeOf(error);
    // What was asked to stop while it started has done so.
    if (stop.signal.aborted && notice.code === "cancelled") return;
    if (isDefect) logger.error({ err: error }, "host failed");
    else logger.info(notice, "host ended");
    throw error;
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    log.flush();
  }
}

/**
 * A host that a command started in the background for its tunnel makes room for one that a person starts, which takes the tunnel
 * over. Not with a kill switch: between the two traffic would go past it. Throws "host-running" and what `claim` throws.
 */
async function claimOrReplace(directory: DataDirectory): Promise<{ claimed: Claimed; tunnel?: HostOptions["tunnel"] }> {
  const found = await claim(directory);
  if (found.kind === "own") return { claimed: found.claimed };
  const { client, pong } = found.host;
  const refusal = apiError("host-running", { pid: pong.pid, directory: directory.root });
  const { isBackground } = await call(client.status.query());
  const { state, chosen, mode, strict, killSwitch } = await call(client.vpnStatus.query());
  const isUp = state !== "disconnected" && chosen !== null && mode !== null;
  if (!isBackground || (isUp && killSwitch)) throw refusal;
  await call(client.stop.mutate());
  const end = performance.now() + 2 * STOP_MS_MAX;
  while (isAlive(pong.pid) && performance.now() < end) await wait(ANSWER_MS);
  const again = await claim(directory);
  if (again.kind !== "own") throw refusal;
  return { claimed: again.claimed, ...(isUp ? { tunnel: { city: chosen, mode, strict } } : {}) };
}

const SAME_SIGNAL_MS = 500;
const EXIT_DEFECT = 70;
const EXIT_IMPATIENT = 130;
const STOP_SECONDS = 5;
