/**
 * `node test/simulation/main.ts --seeds A..B [--nodes N] [--windows W] [--calm]`: a line for each seed; on a failure the seed and
 * the command that replays it. Ends with 1 when a seed failed.
 */
import { parseArgs } from "node:util";

import { runScenario } from "./scenario.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1..10" },
    nodes: { type: "string" },
    windows: { type: "string", default: "30" },
    calm: { type: "boolean", default: false },
  },
});
const [first, last = first] = values.seeds.split("..").map(Number);
const windows = Number(values.windows);
let failures = 0;
for (let seed = first!; seed <= last!; seed++) {
  const start = performance.now();
  const nodes = values.nodes === undefined ? {} : { nodes: Number(values.nodes) };
  const result = runScenario({ seed, windows, faults: !values.calm, ...nodes });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `seed ${seed}: ${result.failure === undefined ? "ok" : "FAILED"}, ${result.nodes} nodes, ${result.windows} windows, ` +
      `${result.crashes} crashes, ${result.partitions} partitions, faulty [${result.byzantine.join(" ")}], ` +
      `deepest round ${result.deepestRound}, ${result.messages} messages, ${seconds} s, ${result.digest.slice(0, 12)}`,
  );
  if (result.failure === undefined) continue;
  failures++;
  console.log(`  ${result.failure}`);
  const extra = `${values.nodes === undefined ? "" : ` --nodes ${values.nodes}`}${values.calm ? " --calm" : ""}`;
  console.log(`  replay: node test/simulation/main.ts --seeds ${seed}..${seed} --windows ${windows}${extra}`);
}
console.log(`${last! - first! + 1 - failures} of ${last! - first! + 1} seeds held`);
process.exitCode = failures === 0 ? 0 : 1;
