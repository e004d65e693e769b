/**
 * What the last run of each job came to, kept for who watches over the mesh: a job under a timer is gone when it is asked.
 * Figures alone, neither names nor addresses.
 */
import { join } from "node:path";

import { count, flag, listOf, nullable, oneOf, record, text, type Shape } from "../cities/shape.ts";
import { readSealed, writeSealed } from "../files/sealedFile.ts";
import type { RunReport } from "./aggregator/aggregator.ts";
import type { ExplorerReport } from "./explorer/collector.ts";

export const JOBS = ["aggregate", "explore", "sync-keys"] as const;
export type Job = (typeof JOBS)[number];

const FILE_MAX = 65_536;
const COUNTS_MAX = 64;

const readFigures = record({
  version: oneOf(1),
  /** Of the last run, whatever came of it. */
  ended_unix: count,
  milliseconds: count,
  /** It ended, and nothing was held back. */
  success: flag,
  success_unix: nullable(count),
  /** Of the last run that ended. */
  counts: listOf(record({ what: text(32), label: text(32), value: count }), COUNTS_MAX),
});

export type RunFigures = Shape<typeof readFigures>;
export type Counts = RunFigures["counts"];

export interface Ran {
  readonly endedUnix: number;
  readonly milliseconds: number;
  readonly isSuccess: boolean;
  /** Undefined where the run ended with an error. */
  readonly counts?: Counts | undefined;
}

const fileOf = (stateDirectory: string, job: Job): string => join(stateDirectory, `${job}-figures.json`);

/** Throws `file-unwritable`. */
export function noteRun(stateDirectory: string, job: Job, { endedUnix, milliseconds, isSuccess, counts }: Ran): void {
  const before = readRun(stateDirectory, job);
  const figures: RunFigures = {
    ...{ version: 1, ended_unix: endedUnix, milliseconds: Math.round(milliseconds), success: isSuccess },
    success_unix: isSuccess ? endedUnix : (before?.success_unix ?? null),
    counts: counts ?? before?.counts ?? [],
  };
  writeSealed(fileOf(stateDirectory, job), figures);
}

/** Undefined before the first run. A file that cannot be read is none: nothing but what people see depends on it. */
export function readRun(stateDirectory: string, job: Job): RunFigures | undefined {
  try {
    const found = readSealed(fileOf(stateDirectory, job), FILE_MAX, readFigures);
    return found.kind === "value" ? found.value : undefined;
  } catch {
    return undefined;
  }
}

const HEALTH_STATES = ["up", "degraded", "down", "expired", "unknown"];

/** A node is ok when it was heard, stale while its last good entry stands in for it, failed when nothing of it is published. */
export function countsOfAggregation({ entries, sources, alarms, health, network }: RunReport): Counts {
  const told = health === undefined ? [] : HEALTH_STATES.map((state) => countOf("exits", state, health[state] ?? 0));
  return [
    countOf("nodes", "ok", sources.fresh),
    countOf("nodes", "stale", sources["last-good"]),
    countOf("nodes", "failed", sources.expired + sources.none),
    countOf("nodes", "no-vpn", sources["no-vpn"]),
    countOf("entries", "", entries),
    countOf("held_back", "", alarms.length),
    countOf("timechain_nodes", "active", network.active_nodes),
    countOf("timechain_nodes", "other", network.total_nodes - network.active_nodes),
    ...told,
  ];
}

export const countsOfExplorer = ({ nodes, discovered, alarms }: ExplorerReport): Counts => [
  countOf("explorer_nodes", "", nodes),
  countOf("explorer_discovered", "", discovered),
  countOf("explorer_held_back", "", alarms.length),
];

const countOf = (what: string, label: string, value: number): Counts[number] => ({ what, label, value });
