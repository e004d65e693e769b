/** Whether each route works, asked through an engine of its own while no tunnel is up. */
import type { Binaries } from "../xray/binaries.ts";
import { choosePort } from "../xray/ports.ts";
import { TunnelEngine, type RouteOutcome } from "./tunnelEngine.ts";
import type { Route } from "./tunnelPorts.ts";
import { isAborted } from "./tunnelTiming.ts";

export interface RouteTestOptions {
  readonly binaries: () => Binaries;
  /** Of the person alone; the engine's folder is made in it. */
  readonly directory: string;
  readonly probeUrls: readonly string[];
  readonly routes: readonly Route[];
  readonly signal: AbortSignal;
}

/** Routes of one test, and how many of them are asked at a time (chapter 08 §10.9). */
export const TESTED_MAX = 64;
const PARALLEL_MAX = 8;
/** Milliseconds. */
const ROUTE_DEADLINE = 10_000;

/** By the routes' codes; those that were not reached before `signal` are missing. Throws the engine's codes. */
export async function testRoutes(options: RouteTestOptions): Promise<ReadonlyMap<string, RouteOutcome>> {
  const { binaries, directory, probeUrls, signal } = options;
  const routes = options.routes.slice(0, TESTED_MAX);
  const outcomes = new Map<string, RouteOutcome>();
  const [first] = routes;
  if (first === undefined) return outcomes;
  const nothing = (): void => undefined;
  const engine = new TunnelEngine({
    ...{ binaries, directory, probeUrls },
    ...{ onEnd: nothing, onOpened: nothing, onFailure: nothing },
  });
  try {
    const { port } = await choosePort(0);
    await engine.run({ routes, selected: first.code, bypass: { domains: [], cidrs: [] }, port });
    const waiting = [...routes];
    const work = async (): Promise<void> => {
      for (let route = waiting.shift(); route !== undefined && !isAborted(signal); route = waiting.shift()) {
        const outcome = await engine.probe(route.code, ROUTE_DEADLINE, signal);
        if (!isAborted(signal)) outcomes.set(route.code, outcome);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_MAX }, work));
    return outcomes;
  } finally {
    await engine.stop();
  }
}
