/** Jobs of an aggregator, `montana mesh aggregate|explore|sync-keys`: each under its lock, once or again and again. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { apiError, explain, noticeOf } from "../../api/errors.ts";
import { readSettings, type Settings } from "../../mesh/aggregator/settings.ts";
import { noteRun, readRun, type Counts, type Job } from "../../mesh/runFigures.ts";
import { parseListen } from "../../mesh/subscriptions/server.ts";
import { takeLock } from "../lock.ts";
import { createMeshMetrics } from "../meshMetrics.ts";
import { serveMetrics, type MetricsServer } from "../metrics.ts";
import type { Call, Result } from "./command.ts";
import { EXIT } from "./exitCodes.ts";

export type Action = (called: Call, settings: Settings) => Promise<Result | undefined>;

/** A run, and what of it is counted. */
type Run = (called: Call, settings: Settings, signal: AbortSignal) => Promise<Result & { readonly counts: Counts }>;

const EVERY_SECONDS_MAX = 86_400;

export const nowUnix = (): number => Math.floor(Date.now() / 1000);

/** A run under its lock; with `--every` one after the other until a signal, whatever comes of each. */
export function repeated(job: Job, lockName: string, run: Run): Action {
  return async (called, settings) => {
    const { options, print, say } = called;
    const everySeconds = readEvery(options.text("every"));
    const metricsPort = readMetricsPort(options);
    if (metricsPort !== undefined && everySeconds === undefined) {
      throw apiError("usage", { reason: "--metrics-port needs --every, or mesh serve", command: "mesh" });
    }
    // Web servers read the public files as other users; what is private has a mode of its own.
    process.umask(0o022);
    mkdirSync(settings.stateDirectory, { recursive: true, mode: 0o700 });
    const lock = takeLock(join(settings.stateDirectory, `${lockName}.lock`));
    if (lock === undefined) throw apiError("mesh-running", { directory: settings.stateDirectory });
    const stopping = stopOnSignals();
    let metrics: MetricsServer | undefined;
    try {
      if (everySeconds === undefined) return await noted(job, run, called, settings, stopping.signal);
      if (metricsPort !== undefined) {
        const isHealthy = (): boolean => readRun(settings.stateDirectory, job)?.success === true;
        metrics = await serveMetrics(metricsPort, createMeshMetrics(settings.stateDirectory), isHealthy);
      }
      while (!stopping.signal.aborted) {
        const start = performance.now();
        try {
          print(await noted(job, run, called, readSettings(settings.file), stopping.signal));
        } catch (error) {
          const { notice, isDefect } = noticeOf(error);
          if (isDefect) throw error;
          say(explain(notice).sentence);
        }
        const leftMs = everySeconds * 1000 - (performance.now() - start);
        await wait(Math.max(0, leftMs), undefined, { signal: stopping.signal }).catch(() => undefined);
      }
      return undefined;
    } finally {
      await metrics?.close();
      stopping.end();
      lock.release();
    }
  };
}

/** One run, of which the figures are kept whatever comes of it. */
async function noted(job: Job, run: Run, called: Call, settings: Settings, signal: AbortSignal): Promise<Result> {
  const start = performance.now();
  const note = (isSuccess: boolean, counts?: Counts): void => {
    const ran = { endedUnix: nowUnix(), milliseconds: performance.now() - start, isSuccess, counts };
    noteRun(settings.stateDirectory, job, ran);
  };
  try {
    const { counts, ...result } = await run(called, settings, signal);
    note((result.exitCode ?? EXIT.ok) === EXIT.ok, counts);
    return result;
  } catch (error) {
    try {
      note(false);
    } catch {
      // What stopped the run is said, not what followed from it.
    }
    throw error;
  }
}

export function readMetricsPort(options: Call["options"]): number | undefined {
  const text = options.text("metrics-port");
  if (text === undefined) return undefined;
  const listen = /^\d{1,5}$/.test(text) ? parseListen(text) : undefined;
  if (listen === undefined) throw apiError("usage", { reason: `${text} is no port`, command: "mesh" });
  return listen.port;
}

function readEvery(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > EVERY_SECONDS_MAX) {
    throw apiError("usage", { reason: `--every takes 1 to ${EVERY_SECONDS_MAX} seconds`, command: "mesh" });
  }
  return seconds;
}

export function stopOnSignals(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  return { signal: controller.signal, end: () => void process.off("SIGINT", stop).off("SIGTERM", stop) };
}
