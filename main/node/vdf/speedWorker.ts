/** Entry of a thread of the speed test. */
import { parentPort, workerData } from "node:worker_threads";

import { loadCrypto } from "../../native/index.ts";
import { SlicePacer } from "./pacing.ts";

export interface SpeedJob {
  /** Counts the threads that are ready. */
  readonly gate: Int32Array;
  readonly chains: number;
  readonly durationMs: number;
  readonly addonPath: string | undefined;
}

/** Iterations a second. */
export type SpeedResult = number;

const { gate, chains, durationMs, addonPath } = workerData as SpeedJob;
const { crypto } = loadCrypto(addonPath === undefined ? {} : { addonPath });
const run = crypto.chainRun(new Uint8Array(32));
const pacer = new SlicePacer();

const ready = Atomics.add(gate, 0, 1) + 1;
if (ready === chains) Atomics.notify(gate, 0);
for (let seen = ready; seen < chains; seen = Atomics.load(gate, 0)) Atomics.wait(gate, 0, seen);

const startMs = performance.now();
let elapsedMs = 0;
while (elapsedMs < durationMs) {
  const sliceMs = performance.now();
  const { iterations } = pacer;
  run.advance(iterations);
  pacer.record(iterations, performance.now() - sliceMs);
  elapsedMs = performance.now() - startMs;
}
parentPort?.postMessage((run.done * 1000) / elapsedMs);
