/** Probes of all entries, spread over the period, and what follows from them (chapter 08 §4.8). */
import { setMaxListeners } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

import type { Aggregation } from "../../cities/aggregation.ts";
import type { Cities } from "../../cities/cities.ts";
import { healthDocument, recordProbe, unprobed, type Health, type Probe } from "../../cities/health.ts";
import { parseShareLink } from "../../cities/shareLink.ts";
import { errnoOf, meshError } from "../aggregator/errors.ts";
import { forEachParallel } from "../aggregator/fetcher.ts";
import { PROBE_JITTER_SECONDS } from "../aggregator/limits.ts";
import type { Settings } from "../aggregator/settings.ts";
import { openStateFiles } from "../aggregator/stateFiles.ts";
import { probeEndpoint, PROBE_TIMEOUTS, type Endpoint } from "./probeEndpoint.ts";

export type ProbeEndpoint = (endpoint: Endpoint) => Promise<Probe>;

/** Probes with the roots that the settings name. Throws `file-unreadable`. */
export function createProbe({ trustedRootsFile }: Settings): ProbeEndpoint {
  let roots: string | undefined;
  try {
    roots = trustedRootsFile === undefined ? undefined : readFileSync(trustedRootsFile, "utf8");
  } catch (error) {
    throw meshError("file-unreadable", { file: trustedRootsFile ?? "", errno: errnoOf(error) });
  }
  return (endpoint) => probeEndpoint(endpoint, { ...PROBE_TIMEOUTS, roots });
}

export interface HealthPorts {
  readonly nowUnix: () => number;
  /** Ends the waiting between probes: what was not probed keeps its state. */
  readonly signal?: AbortSignal;
}

/** The document after one round; nodes in the order of the cities. A state never takes an entry out of the subscription. */
export async function runHealth(
  { stateDirectory, parallel, probeSpreadSeconds }: Settings,
  probe: ProbeEndpoint,
  { nowUnix, signal }: HealthPorts,
  { cities }: Cities,
  { entries }: Aggregation,
): Promise<Health> {
  const before = new Map(
    openStateFiles(stateDirectory)
      .readHealth()
      .map((node) => [node.node, node]),
  );
  const urls = new Map(entries.map(({ node, vless }) => [node, vless]));
  const nodes = cities
    .filter(({ node }) => urls.has(node))
    .map(({ node, code }) => ({ ...(before.get(node) ?? unprobed(node, code)), city: code }));
  const spread = (): number => Math.random() * probeSpreadSeconds * 1000 + jitterMs(probeSpreadSeconds);
  if (signal !== undefined) setMaxListeners(0, signal);
  const start = performance.now();
  const due = nodes.map((node, i) => ({ node, i, atMs: start + spread() })).sort((a, b) => a.atMs - b.atMs);
  await forEachParallel(due, parallel, async ({ node, i, atMs }) => {
    await wait(Math.max(0, atMs - performance.now()), undefined, signal === undefined ? {} : { signal }).catch(() => {
      // Stopped: the rest is left as it was.
    });
    if (signal?.aborted === true) return;
    const { host, port, sni } = parseShareLink(urls.get(node.node)!);
    nodes[i] = recordProbe(node, await probe({ host, port, sni }), nowUnix());
  });
  return healthDocument(nodes, nowUnix());
}

/** No two runs meet an exit at the same moment of the period. */
const jitterMs = (spreadSeconds: number): number =>
  Math.random() * Math.min(PROBE_JITTER_SECONDS, spreadSeconds) * 1000;
