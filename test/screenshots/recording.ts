/** What a host said on a person's way through the practice network: `record.ts` made it, in the page's own API shape. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import type { Snapshot } from "../../main/api/contract.ts";

export const RECORDING = fileURLToPath(new URL("../fixtures/page/local.json", import.meta.url));

export const MOMENTS = ["newcomer", "connected", "candidate", "registered", "admitted", "active"] as const;
export type Moment = (typeof MOMENTS)[number];

/** Answers by the name of their query. */
export interface Answers {
  readonly atMs: number;
  readonly snapshot: Snapshot;
  [query: string]: unknown;
}

export interface Recording {
  readonly note: string;
  readonly moments: Readonly<Record<Moment, Answers>>;
}

export const readRecording = (): Recording => JSON.parse(readFileSync(RECORDING, "utf8")) as Recording;
