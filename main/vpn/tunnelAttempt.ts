/** One attempt to connect: the routes in their order, until traffic gets through one (chapter 08 §4.9, §10.9). */
import type { Candidates } from "./tunnelCandidates.ts";
import type { RouteOutcome, TunnelEngine } from "./tunnelEngine.ts";
import type { TunnelFault } from "./tunnelErrors.ts";
import type { OrderedRoute } from "./tunnelRoutes.ts";
import { isAborted, PARALLEL_MAX, type TunnelTiming } from "./tunnelTiming.ts";

export interface Attempt {
  readonly engine: TunnelEngine;
  readonly candidates: Candidates;
  readonly timing: TunnelTiming;
  /** Ends the attempt; nothing is reported any more. */
  readonly signal: AbortSignal;
  /** Leads programs into the tunnel. */
  readonly lead: () => Promise<void>;
  /** One route less. */
  readonly onRouteFailed: () => void;
  readonly onFault: (fault: TunnelFault) => void;
}

/** The first of the routes, which the engine holds, that traffic gets through; it is the one in use then. */
export async function attemptRoutes(
  attempt: Attempt,
  routes: readonly OrderedRoute[],
): Promise<OrderedRoute | undefined> {
  const { engine, candidates, signal, onRouteFailed } = attempt;
  let waiting = routes;
  while (waiting.length > 0 && !isAborted(signal)) {
    const { ends } = engine;
    const route = await race(attempt, waiting);
    if (route === undefined || isAborted(signal)) return undefined;
    if (await takesTraffic(attempt, route)) return route;
    if (isAborted(signal)) return undefined;
    if (engine.ends !== ends) continue;
    waiting = waiting.filter((other) => other.code !== route.code && !candidates.isLost(other));
    onRouteFailed();
  }
  return undefined;
}

/** The first route that answers; the next one is asked when the one before failed or takes long. */
function race(attempt: Attempt, routes: readonly OrderedRoute[]): Promise<OrderedRoute | undefined> {
  const { candidates, timing, signal, onRouteFailed } = attempt;
  const waiting = [...routes];
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  const { promise, resolve } = Promise.withResolvers<OrderedRoute | undefined>();
  let running = 0;
  let timer: NodeJS.Timeout | undefined;
  const finish = (route?: OrderedRoute): void => {
    clearTimeout(timer);
    over.abort();
    resolve(route);
  };
  const startNext = (): void => {
    clearTimeout(timer);
    const route = waiting.shift();
    if (route === undefined) {
      if (running === 0) finish();
      return;
    }
    running++;
    void isAnswering(attempt, route, both).then((isOk) => {
      running--;
      if (isAborted(both)) return;
      if (isOk) return finish(route);
      candidates.lose(route);
      onRouteFailed();
      startNext();
    });
    if (running < PARALLEL_MAX && waiting.length > 0) timer = setTimeout(startNext, timing.headStart);
  };
  signal.addEventListener("abort", () => finish(), { once: true });
  if (isAborted(signal)) finish();
  else startNext();
  return promise;
}

async function isAnswering(attempt: Attempt, route: OrderedRoute, signal: AbortSignal): Promise<boolean> {
  const { engine, timing } = attempt;
  for (;;) {
    const { ends } = engine;
    try {
      await engine.whenUp();
    } catch {
      return false;
    }
    const outcome = await engine.probe(route.code, timing.connectDeadline, signal);
    if (isAborted(signal)) return false;
    // It is asked again by the next engine, if there is one: an engine that keeps ending is given up.
    if (outcome.result !== "ok" && engine.ends !== ends) continue;
    record(attempt, route, outcome);
    return outcome.result === "ok";
  }
}

/** Sends traffic through a route that answers, and sees it arrive. */
async function takesTraffic(attempt: Attempt, route: OrderedRoute): Promise<boolean> {
  const { engine, timing, signal, lead } = attempt;
  const { ends } = engine;
  try {
    await engine.select(route.code);
  } catch (error) {
    if (engine.ends === ends) throw error;
    return false;
  }
  const outcome = await engine.probeProxy(route.code, timing.connectDeadline, signal);
  if (isAborted(signal)) return false;
  if (outcome.result !== "ok") {
    if (engine.ends === ends) record(attempt, route, outcome);
    return false;
  }
  await lead();
  return !isAborted(signal);
}

function record({ candidates, onFault }: Attempt, route: OrderedRoute, outcome: RouteOutcome): void {
  const fault = candidates.record(route, outcome);
  if (fault !== undefined) onFault(fault);
}
