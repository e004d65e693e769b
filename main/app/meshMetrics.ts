/** Figures of a mesh for Prometheus: what the jobs of the aggregator came to, and what its public server answered. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";

import { JOBS, readRun, type RunFigures } from "../mesh/runFigures.ts";
import type { ServerFigures } from "../mesh/subscriptions/server.ts";
import type { Metrics } from "./metrics.ts";

/** By what {@link RunFigures} calls them. */
const COUNTED = [
  { what: "nodes", label: "answer", help: "Nodes by what came of asking them in the last run" },
  { what: "entries", label: undefined, help: "Entries of the list" },
  { what: "held_back", label: undefined, help: "Documents that were held back in the last run" },
  { what: "timechain_nodes", label: "status", help: "Nodes by whether their peers.json is fresh" },
  { what: "exits", label: "state", help: "Exits by health" },
  { what: "explorer_nodes", label: undefined, help: "Nodes that told the explorer their status" },
  { what: "explorer_discovered", label: undefined, help: "Peers that no list of the network has" },
  { what: "explorer_held_back", label: undefined, help: "1 while the explorer's document is held back" },
] as const;

/** `readServer` is of the process that serves; jobs are read from what they left in `stateDirectory`. */
export function createMeshMetrics(stateDirectory: string, readServer?: () => Promise<ServerFigures>): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "montana_" });
  const updateJobs = addJobs(registry, stateDirectory);
  const updateServer = readServer && addServer(registry, readServer);
  return {
    contentType: registry.contentType,
    async scrape() {
      updateJobs();
      await updateServer?.();
      return registry.metrics();
    },
  };
}

const gauge = (registry: Registry, name: string, help: string, labelNames: string[]): Gauge =>
  new Gauge({ name: `montana_mesh_${name}`, help, labelNames, registers: [registry] });

function addJobs(registry: Registry, stateDirectory: string): () => void {
  const duration = gauge(registry, "run_duration_seconds", "How long the last run of a job took", ["job"]);
  const ended = gauge(registry, "run_timestamp_seconds", "When it ended", ["job"]);
  const isSuccess = gauge(registry, "run_success", "1 where it ended well and held nothing back", ["job"]);
  const success = gauge(registry, "run_success_timestamp_seconds", "When one last did", ["job"]);
  const counted = COUNTED.map(({ what, label, help }) => ({
    ...{ what, label },
    gauge: gauge(registry, what, help, label === undefined ? [] : [label]),
  }));
  return () => {
    const runs = JOBS.map((job) => [job, readRun(stateDirectory, job)] as const);
    for (const [job, run] of runs) {
      if (run === undefined) continue;
      duration.set({ job }, run.milliseconds / 1000);
      ended.set({ job }, run.ended_unix);
      isSuccess.set({ job }, Number(run.success));
      if (run.success_unix !== null) success.set({ job }, run.success_unix);
    }
    const counts = runs.flatMap(([, run]) => run?.counts ?? []);
    for (const { what, label, gauge: figure } of counted) setAll(figure, label, counts, what);
  };
}

function setAll(figure: Gauge, label: string | undefined, counts: RunFigures["counts"], what: string): void {
  figure.reset();
  const own = counts.filter((count) => count.what === what);
  for (const { label: name, value } of own) figure.set(label === undefined ? {} : { [label]: name }, value);
  // What is not known has no line; a gauge without a label would say 0.
  if (own.length === 0 && label === undefined) figure.remove();
}

function addServer(registry: Registry, readServer: () => Promise<ServerFigures>): () => Promise<void> {
  const counter = (name: string, help: string, labelNames: string[]): Counter =>
    new Counter({ name: `montana_mesh_${name}`, help, labelNames, registers: [registry] });
  const requests = counter("requests_total", "Requests; 429 where an address asked too often", ["route", "status"]);
  const refused = counter("connections_refused_total", "Connections closed at once: one address had too many", []);
  const open = gauge(registry, "connections", "Open connections", []);
  return async () => {
    const figures = await readServer();
    requests.reset();
    for (const { route, status, count } of figures.requests) requests.inc({ route, status: String(status) }, count);
    refused.reset();
    refused.inc(figures.connectionsRefused);
    open.set(figures.connectionsOpen);
  };
}
