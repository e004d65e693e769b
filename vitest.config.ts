import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["main/**/*.test.ts", "test/**/*.test.ts", "build/**/*.test.ts"],
    testTimeout: 120_000,
  },
});
