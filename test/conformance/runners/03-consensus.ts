import type { Runner } from "../harness.ts";

export const consensusRunners: Readonly<Record<string, Runner>> = {};
