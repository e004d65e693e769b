/** The thread in which `main.ts` lets decoders run. */
import { parentPort, workerData } from "node:worker_threads";

import { loadCrypto } from "../../main/native/index.ts";
import { makeDecoders } from "./decoders.ts";
import { Meter } from "./meter.ts";
import { fuzzDecoder, type Report } from "./run.ts";

export interface ToWorker {
  /** Of the decoders to run; all where none is given. */
  readonly names: readonly string[];
  readonly seed: number;
  readonly first: number;
  readonly cases: number;
  /** Shared: number of the decoder in work, of its case, and a count that moves on with every decoding. */
  readonly progress: Int32Array;
}

export type FromWorker =
  { readonly names: readonly string[] } | { readonly report: Report; readonly durationMs: number };

const { names, seed, first, cases, progress } = workerData as ToWorker;
const { decoders, hashed } = makeDecoders(loadCrypto().crypto);
const unknown = names.filter((name) => !decoders.some((decoder) => decoder.name === name));
if (unknown.length > 0) {
  const known = decoders.map(({ name }) => name).join(", ");
  throw new Error(`no decoder is called ${unknown.join(", ")}. There are: ${known}`);
}
const chosen = decoders.filter(({ name }) => names.length === 0 || names.includes(name));
const post = (message: FromWorker): void => {
  parentPort!.postMessage(message);
};

post({ names: chosen.map(({ name }) => name) });
const meter = Meter.install();
for (const [index, decoder] of chosen.entries()) {
  progress[0] = index;
  const started = Date.now();
  const onStep = (number: number): void => {
    progress[1] = number;
    progress[2]!++;
  };
  const report = fuzzDecoder(decoder, { meter, hashed }, { seed, first, cases, onStep });
  post({ report, durationMs: Date.now() - started });
}
meter.uninstall();
