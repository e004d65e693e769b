/**
 * `npm run fuzz -- [NAME…] [--cases N] [--seed N] [--only CASE] [--json]`: N random and mutated byte strings (1,000,000
 * unless told otherwise) into every decoder, or into those whose name is given. The work is done by a worker, so that an
 * input on which a decoder never ends is found too: no decoding takes a minute.
 */
import { inspect, parseArgs } from "node:util";
import { Worker } from "node:worker_threads";

import { toHex } from "../../main/protocol/bytes.ts";
import type { Report } from "./run.ts";
import type { FromWorker, ToWorker } from "./worker.ts";

const { values, positionals } = parseArgs({
  options: {
    cases: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
  allowPositionals: true,
});

const SILENCE_MAX_MS = 60_000;
const SHOWN_BYTES_MAX = 4096;

const seed = integer("seed");
const only = values.only === undefined ? undefined : integer("only");
const cases = only === undefined ? integer("cases") : 1;

function integer(name: "seed" | "cases" | "only"): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} takes a number from 0 on`);
  return value;
}

const progress = new Int32Array(new SharedArrayBuffer(12));
const started = Date.now();
const reports: Report[] = [];
let names: readonly string[] = [];
let failures = 0;

const workerData: ToWorker = { names: positionals, seed, first: only ?? 0, cases, progress };
const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData });
worker.on("message", (message: FromWorker) => {
  if ("names" in message) names = message.names;
  else show(message.report, message.durationMs);
});
worker.on("error", (error) => {
  failures++;
  console.error(error);
});
worker.on("exit", finish);

let lastSteps: number | undefined;
const watch = setInterval(() => {
  const [decoder, number, steps] = progress as Iterable<number> as [number, number, number];
  const name = names[decoder];
  if (steps === lastSteps && name !== undefined) {
    failures++;
    console.log(`FAILED ${name}: case ${number} does not end\n  ${replay(name, number)}`);
    void worker.terminate();
  }
  lastSteps = steps;
}, SILENCE_MAX_MS);

function show(report: Report, durationMs: number): void {
  reports.push(report);
  const { failure } = report;
  if (failure !== undefined) failures++;
  if (values.json) return;
  const rate = Math.round((1000 * report.cases) / Math.max(1, durationMs));
  const refused = Object.values(report.refused).reduce((sum, count) => sum + count, 0);
  console.log(
    `${report.decoder.padEnd(26)} ${report.cases} cases: ${report.accepted} accepted, ${refused} refused for ` +
      `${Object.keys(report.refused).length} reasons; ${report.values} values; longest ${report.longestInput} bytes, ` +
      `${Math.round(100 * report.allocationShare)} % of the allocation bound; ${rate} cases/s`,
  );
  if (failure === undefined) return;
  console.log(`FAILED ${report.decoder} (seed ${seed}, case ${failure.case}): ${failure.kind}\n  ${failure.detail}`);
  if (failure.stack !== undefined) console.log(failure.stack.replace(/^/gm, "  "));
  if (failure.input !== undefined) {
    const { length } = failure.input;
    const cut = length > SHOWN_BYTES_MAX ? `, the first ${SHOWN_BYTES_MAX}` : "";
    console.log(`  input (${length} bytes${cut}): ${toHex(failure.input.subarray(0, SHOWN_BYTES_MAX))}`);
  }
  if ("value" in failure) console.log(`  value: ${inspect(failure.value)}`);
  console.log(`  ${replay(report.decoder, failure.case)}`);
}

function plain(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  return typeof value === "bigint" ? String(value) : value;
}

const replay = (name: string, number: number): string =>
  `again: npm run fuzz -- ${name} --seed ${seed} --only ${number}`;

function finish(): void {
  clearInterval(watch);
  const total = reports.reduce((sum, report) => sum + report.cases, 0);
  const seconds = (Date.now() - started) / 1000;
  if (values.json) {
    console.log(JSON.stringify({ seed, seconds, cases: total, failures, reports }, plain, 2));
  } else {
    console.log(
      `${total} cases in ${reports.length} decoders, seed ${seed}, ${failures} failed, ` +
        `${Math.round(seconds)} s, ${Math.round(total / seconds)} cases/s`,
    );
  }
  process.exitCode = failures > 0 || reports.length === 0 ? 1 : 0;
}
