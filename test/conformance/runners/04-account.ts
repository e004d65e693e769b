import type { Runner } from "../harness.ts";

export const accountRunners: Readonly<Record<string, Runner>> = {};
