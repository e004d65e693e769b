import { availableParallelism } from "node:os";

import { defineConfig } from "vitest/config";

/** On two cores, too: half of the tests wait for processes and sockets while the others compute. */
const WORKERS_MIN = 2;

export default defineConfig({
  test: {
    include: ["main/**/*.test.ts", "test/**/*.test.ts", "build/**/*.test.ts"],
    testTimeout: 120_000,
    maxWorkers: Math.max(WORKERS_MIN, availableParallelism() - 1),
  },
});
