/**
 * `npm run simulate -- --seeds A..B [options]`: a line for each seed; on a failure the seed and the command that replays it.
 *
 *   --windows W       decided by every honest node (200)
 *   --nodes N..M      drawn from the seed (4..40)
 *   --jobs J          seeds at the same time (1)
 *   --calm            without faults
 *   --state FILE      finished seeds are written there, and not run again: an interrupted run goes on where it was
 *   --break RULE      with a rule broken on purpose (broken.ts); ends at the first seed that notices, or lists the rules
 *
 * Ends with 1 when a seed failed, or when no seed noticed a broken rule.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";

import { BREAKS, type Broken } from "./broken.ts";
import type { SeedDone, WorkerSettings } from "./worker.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1..10" },
    nodes: { type: "string", default: "4..40" },
    windows: { type: "string", default: "200" },
    jobs: { type: "string", default: "1" },
    calm: { type: "boolean", default: false },
    state: { type: "string" },
    break: { type: "string" },
  },
});
const windows = Number(values.windows);
const nodes = rangeOf(values.nodes);
const [first, last] = rangeOf(values.seeds);
const broken = brokenOf(values.break);
const settings: WorkerSettings = { broken, scenario: { windows, nodes, faults: !values.calm } };
const sameSettings = JSON.stringify(settings);

const finished = new Map<number, SeedDone>();
if (values.state !== undefined && existsSync(values.state)) {
  for (const line of readFileSync(values.state, "utf8").split("\n").slice(0, -1)) {
    const { settings: of, done } = JSON.parse(line) as { readonly settings: string; readonly done: SeedDone };
    const { seed } = done.result;
    if (of === sameSettings && seed >= first && seed <= last) finished.set(seed, done);
  }
  if (finished.size > 0) console.log(`${finished.size} seeds are finished already`);
}

const waiting = Array.from({ length: last - first + 1 }, (_, i) => first + i).filter((seed) => !finished.has(seed));
await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, work));
summarise();

async function work(): Promise<void> {
  if (waiting.length === 0) return;
  // Messages die young, and millions of them are on their way.
  const resourceLimits = { maxYoungGenerationSizeMb: 128 };
  const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: settings, resourceLimits });
  try {
    for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
      const done = await run(worker, seed);
      report(done);
      if (broken !== undefined && done.result.failure !== undefined) waiting.length = 0;
    }
  } finally {
    await worker.terminate();
  }
}

function run(worker: Worker, seed: number): Promise<SeedDone> {
  return new Promise((resolve, reject) => {
    const broke = (error: Error): void => {
      console.log(`seed ${seed}: the simulator itself failed\n  replay: ${replayOf(seed)}`);
      reject(error);
    };
    worker.once("error", broke);
    worker.once("message", (done: SeedDone) => {
      worker.off("error", broke);
      resolve(done);
    });
    worker.postMessage(seed);
  });
}

function report(done: SeedDone): void {
  const { result, seconds } = done;
  finished.set(result.seed, done);
  if (values.state !== undefined) {
    appendFileSync(values.state, `${JSON.stringify({ settings: sameSettings, done })}\n`);
  }
  const { seed, failure, messages, deepestRound, byzantine, digest } = result;
  const outcome = failure === undefined ? "ok" : "FAILED";
  console.log(
    `seed ${seed}: ${outcome}, ${result.nodes} nodes, ${result.windows} windows, faulty [${byzantine.join(" ")}], ` +
      `deepest round ${deepestRound}, ${messages} messages, ${seconds.toFixed(1)} s, ${digest.slice(0, 12)}`,
  );
  if (failure !== undefined) console.log(`  ${failure}\n  replay: ${replayOf(seed)}`);
}

function replayOf(seed: number): string {
  const extra = `${values.calm ? " --calm" : ""}${broken === undefined ? "" : ` --break "${broken}"`}`;
  return `npm run simulate -- --seeds ${seed}..${seed} --windows ${windows} --nodes ${nodes.join("..")}${extra}`;
}

function summarise(): void {
  const results = Array.from(finished.values(), ({ result }) => result);
  const failed = results.filter(({ failure }) => failure !== undefined).map(({ seed }) => seed);
  const shown = new Map<string, number>();
  for (const result of results) {
    for (const [what, count] of Object.entries(result.shown)) shown.set(what, (shown.get(what) ?? 0) + count);
  }
  const sum = (of: (result: SeedDone["result"]) => number): number =>
    results.reduce((total, each) => total + of(each), 0);
  const sizes = results.map((result) => result.nodes);
  console.log(
    `${results.length} seeds, ${Math.min(...sizes)} to ${Math.max(...sizes)} nodes, ` +
      `${sum((each) => each.windows)} windows at every honest node, ` +
      `${sum(({ byzantine }) => byzantine.length)} of ${sum((each) => each.nodes)} nodes faulty, ` +
      `${sum(({ messages }) => messages)} messages`,
  );
  for (const [what, count] of [...shown].sort()) console.log(`  ${what}: ${count}`);
  if (broken !== undefined) {
    console.log(failed.length > 0 ? `"${broken}" was noticed with seed ${failed[0]}` : `nobody noticed "${broken}"`);
    process.exitCode = failed.length > 0 ? 0 : 1;
    return;
  }
  console.log(failed.length === 0 ? "all held" : `failed: ${failed.join(" ")}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

function rangeOf(text: string): readonly [number, number] {
  const [low = NaN, high = low] = text.split("..").map(Number);
  if (!Number.isInteger(low) || !Number.isInteger(high) || low > high) throw new Error(`Not a range: ${text}`);
  return [low, high];
}

function brokenOf(name: string | undefined): Broken | undefined {
  if (name === undefined || Object.hasOwn(BREAKS, name)) return name as Broken | undefined;
  throw new Error(`Rules to break: ${Object.keys(BREAKS).join(", ")}`);
}
