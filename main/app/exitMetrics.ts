/** Figures of the city that this machine runs. They name neither addresses nor clients. */
import { Gauge, type Registry } from "prom-client";

import type { ExitService } from "../api/services.ts";

type Status = Awaited<ReturnType<ExitService["status"]>>;

const STATES: readonly Status["state"][] = ["starting", "serving", "capped", "draining", "withdrawn", "failed"];

/** Gives what is to be called before each scrape. Without a city there are no lines. */
export function addExitMetrics(registry: Registry, readStatus: () => Promise<Status>): () => Promise<void> {
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
    new Gauge({ name: `montana_exit_${name}`, help, labelNames, registers: [registry] });

  const state = gauge("state", "1 for the state that the city is in", ["state"]);
  const published = gauge("published", "1 while my-vpn.json is there");
  const bytes = gauge("month_bytes", "Carried this month (UTC), as clients sent and got it", ["direction"]);
  const bytesMax = gauge("month_bytes_max", "Cap of that, both directions together");
  const connections = gauge("connections", "Open connections to the city's ports");
  const connectionsMax = gauge("connections_max", "Cap of those");
  const decoy = gauge("decoy_fit", "1 while the decoy passes its check");
  const notices = gauge("notices", "Things about the city that the operator should look at");
  return async () => {
    const status = await readStatus();
    const isThere = status.state !== "none";
    for (const name of STATES) {
      if (isThere) state.set({ state: name }, Number(name === status.state));
      else state.remove({ state: name });
    }
    const { usage, connections: open, decoy: seen } = status;
    setOrForget(published, isThere ? Number(status.isPublished) : null);
    for (const [direction, value] of [
      ["up", usage?.bytesUp],
      ["down", usage?.bytesDown],
    ] as const) {
      if (value === undefined) bytes.remove({ direction });
      else bytes.set({ direction }, value);
    }
    setOrForget(bytesMax, usage?.bytesMax);
    setOrForget(connections, open?.open);
    setOrForget(connectionsMax, open?.max);
    setOrForget(decoy, seen === null || seen.state === "unknown" ? null : Number(seen.state === "ok"));
    setOrForget(notices, isThere ? status.notices.length : null);
  };
}

/** What is not known has no line. */
export function setOrForget(gauge: Gauge, value: number | null | undefined): void {
  if (value == null) gauge.remove();
  else gauge.set(value);
}
