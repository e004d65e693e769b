import type { Runner } from "../harness.ts";

export const entryRunners: Readonly<Record<string, Runner>> = {};
