import type { Runner } from "../harness.ts";

export const merkleRunners: Readonly<Record<string, Runner>> = {};
