import { availableParallelism } from "node:os";

import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** On two cores, too: half of the tests wait for processes and sockets while the others compute. */
const WORKERS_MIN = 3;

/** Whole programs, for minutes: begun last, one of them would run alone in the end. */
const LONG = /\/test\/(?:integration|conformance|e2e)\/|\.slow\.test\.ts$/;

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { long = [], short = [] } = Object.groupBy(await super.sort(files), ({ moduleId }) =>
      LONG.test(moduleId) ? "long" : "short",
    );
    return [...long, ...short];
  }
}

export default defineConfig({
  test: {
    include: ["main/**/*.test.ts", "renderer/**/*.test.ts", "test/**/*.test.ts", "build/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: Math.max(WORKERS_MIN, availableParallelism() - 1),
    sequence: { sequencer: LongFirst },
  },
});
