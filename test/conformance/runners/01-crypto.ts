import type { Runner } from "../harness.ts";

export const identityRunners: Readonly<Record<string, Runner>> = {};
