/** Runs the seeds that it is given, one after the other, perhaps with a broken rule. */
import { parentPort, workerData } from "node:worker_threads";

import { breakRule, type Broken } from "./broken.ts";
import type { ScenarioOptions, ScenarioResult } from "./scenario.ts";

export interface WorkerSettings {
  readonly broken: Broken | undefined;
  readonly scenario: Omit<ScenarioOptions, "seed">;
}

export interface SeedDone {
  readonly result: ScenarioResult;
  readonly seconds: number;
}

const { broken, scenario } = workerData as WorkerSettings;
if (broken !== undefined) breakRule(broken);
const { runScenario } = await import("./scenario.ts");
parentPort!.on("message", (seed: number) => {
  const start = performance.now();
  const result = runScenario({ ...scenario, seed });
  const done: SeedDone = { result, seconds: (performance.now() - start) / 1000 };
  parentPort!.postMessage(done);
});
