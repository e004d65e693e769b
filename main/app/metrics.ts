/** Figures for Prometheus and a health check, for programs on this machine. They hold no secrets, names or addresses. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";

import type { Status } from "../api/contract.ts";
import { apiError } from "../api/errors.ts";
import type { ExitService } from "../api/services.ts";
import { addExitMetrics, setOrForget } from "./exitMetrics.ts";

const LOOPBACK = "127.0.0.1";
const CONNECTIONS_MAX = 16;
const REQUEST_TIMEOUT_MS = 10_000;
const PHASES: readonly Status["phase"][] = ["stopped", "Bootstrap", "CandidateVdf", "Registered", "Active"];

export interface Metrics {
  readonly contentType: string;
  /** The figures of this moment. */
  scrape(): Promise<string>;
}

/** `readStatus` and the city are asked once for each scrape. */
export function createMetrics(readStatus: () => Promise<Status>, exit: Pick<ExitService, "status">): Metrics {
  const registry = new Registry();
  // Memory, event loop delay, garbage collection: as every Node service has them.
  collectDefaultMetrics({ register: registry, prefix: "montana_" });
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
    new Gauge({ name: `montana_${name}`, help, labelNames, registers: [registry] });

  const phase = gauge("phase", "1 for the phase that the node is in", ["phase"]);
  const window = gauge("window", "Last window that was decided and applied");
  const windowAt = gauge("window_applied_timestamp_seconds", "When that was");
  const supply = gauge("supply_moneta", "Supply in nɈ");
  const peers = gauge("peers", "Connected peers");
  const done = gauge("candidate_iterations_done", "Iterations of the own candidate chain");
  const total = gauge("candidate_iterations_total", "Iterations that it needs");
  const eta = gauge("candidate_eta_seconds", "Expected time until registration");
  const pausable = gauge("candidate_pausable_seconds", "How long the chain may stand before it is void");
  const position = gauge("queue_position", "Own place in the queue of candidates");
  const notices = gauge("notices", "Things that the operator should look at");
  const updateExit = addExitMetrics(registry, () => exit.status());
  return {
    contentType: registry.contentType,
    async scrape() {
      await updateExit();
      const status = await readStatus();
      for (const name of PHASES) phase.set({ phase: name }, Number(name === status.phase));
      setOrForget(window, status.window);
      setOrForget(windowAt, status.windowAtMs === null ? null : status.windowAtMs / 1000);
      setOrForget(supply, status.supply === null ? null : Number(status.supply));
      peers.set(status.peers);
      setOrForget(done, status.candidate?.done);
      setOrForget(total, status.candidate?.total);
      setOrForget(eta, status.candidate?.etaSeconds);
      setOrForget(pausable, status.candidate?.pausableSeconds);
      setOrForget(position, status.queue?.position);
      notices.set(status.notices.length);
      return registry.metrics();
    },
  };
}

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * `/metrics` and `/health` on loopback; `port` 0 takes any. `/health` is 200 while a node runs, else 503. Throws
 * `ProtocolError("port-in-use")`.
 */
export async function serveMetrics(port: number, metrics: Metrics, isHealthy: () => boolean): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    const answer = (status: number, type: string, body: string): void => {
      response.writeHead(status, { "content-type": type, connection: "close" }).end(body);
    };
    request.resume();
    // A page in a browser must not read this under a name that it made point here.
    if (!isOwnName(request.headers.host)) answer(403, "text/plain", "");
    else if (request.method !== "GET") answer(405, "text/plain", "");
    else if (request.url === "/health") {
      const isUp = isHealthy();
      answer(isUp ? 200 : 503, "application/json", JSON.stringify({ healthy: isUp }));
    } else if (request.url === "/metrics") {
      metrics.scrape().then(
        (text) => answer(200, metrics.contentType, text),
        () => answer(500, "text/plain", ""),
      );
    } else answer(404, "text/plain", "");
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(apiError("port-in-use", { port, errno: error.code ?? "unknown" })),
    );
    server.listen({ port, host: LOOPBACK }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isOwnName(host: string | undefined): boolean {
  return host !== undefined && /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host);
}
