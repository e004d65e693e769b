import type { Runner } from "../harness.ts";

export const stateRunners: Readonly<Record<string, Runner>> = {};
