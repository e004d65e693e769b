/** How fast this computer computes its chains: a second or two of the real loop, on as many threads as will run later. */
import { Worker } from "node:worker_threads";

import type { SpeedJob, SpeedResult } from "./speedWorker.ts";

const DURATION_MS = 1_500;

/**
 * Iterations a second of the slowest of `chains` that run at the same time: two where the TimeChain is still to be started,
 * one beside a TimeChain that runs. Does not block the event loop.
 */
export async function measureSpeed(
  chains: number,
  { durationMs = DURATION_MS, addonPath }: { readonly durationMs?: number; readonly addonPath?: string } = {},
): Promise<number> {
  // All begin together once all are ready: starting a thread costs time of its own.
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const job: SpeedJob = { gate, chains, durationMs, addonPath };
  const speeds = await Promise.all(Array.from({ length: chains }, () => runWorker(job)));
  return Math.min(...speeds);
}

function runWorker(workerData: SpeedJob): Promise<SpeedResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./speedWorker.ts", import.meta.url), { workerData, name: "vdf-speed" });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => {
      reject(new Error(`the speed test ended (${code})`));
    });
  });
}
