/** Watches a connected route: does it still work, is another one better, did the machine sleep or move (chapter 08 §10.9, §10.12). */
import { NetworkWatch } from "./networkWatch.ts";
import type { Candidates } from "./tunnelCandidates.ts";
import type { TunnelEngine } from "./tunnelEngine.ts";
import type { TunnelFault } from "./tunnelErrors.ts";
import { StallDetector, type TunnelFigures } from "./tunnelFigures.ts";
import type { TunnelClock, TunnelWish } from "./tunnelPorts.ts";
import type { OrderedRoute } from "./tunnelRoutes.ts";
import type { TunnelEvent } from "./tunnelState.ts";
import { isAborted, PARALLEL_MAX, pause, type TunnelTiming } from "./tunnelTiming.ts";

/** Routes measured in one round; the next round goes on behind them. */
const ROUND_MAX = 64;
/** Rounds in which a route must be the better one before traffic moves to it. */
const ROUNDS_UNTIL_MOVED = 2;
/** A neighbour has answered; how long the exit in use may take more, and when its address has refused. Milliseconds. */
const GRACE_MIN = 1_000;
const GRACE_REFUSED = 300;
/** Between checks that a suspicion calls for. Milliseconds. */
const CHECK_GAP = 2_000;

export interface Monitored {
  readonly engine: TunnelEngine;
  readonly candidates: Candidates;
  readonly timing: TunnelTiming;
  readonly clock: TunnelClock;
  readonly random: () => number;
  readonly network: () => string;
  readonly figures: TunnelFigures;
  readonly wish: TunnelWish;
  readonly onEvent: (event: TunnelEvent) => void;
  /** Why the route in use is given up. */
  readonly onFault: (fault: TunnelFault) => void;
  /** Traffic takes a better route. */
  readonly onMoved: () => void;
  readonly onMeasured: () => void;
}

export class TunnelMonitor {
  readonly #monitored: Monitored;
  readonly #signal: AbortSignal;
  readonly #stall = new StallDetector();
  #isChecking = false;
  #checkedMs = 0;
  #wasAlive = false;

  /** Works until `signal` is aborted. */
  constructor(monitored: Monitored, signal: AbortSignal) {
    this.#monitored = monitored;
    this.#signal = signal;
    const { clock, network } = monitored;
    void this.#watch(new NetworkWatch(clock.unixMs(), network()));
    void this.#keepMeasuring();
  }

  /** A connection takes the route in use. */
  onOpened(): void {
    this.#stall.onOpened(this.#monitored.clock.now());
  }

  /** Asks whether the exit in use still works; at most one such question at a time. `suspicion` says why it may not. */
  check(suspicion: TunnelFault | undefined): void {
    const { clock, candidates, onEvent, onFault } = this.#monitored;
    const route = candidates.current;
    if (this.#isChecking || isAborted(this.#signal) || route === undefined) return;
    if (suspicion !== undefined && this.#wasAlive && clock.now() - this.#checkedMs < CHECK_GAP) return;
    this.#isChecking = true;
    void this.#isAlive(route, suspicion?.code === "exit-refused")
      .then(async (isAlive) => {
        if (isAborted(this.#signal)) return;
        this.#checkedMs = clock.now();
        this.#wasAlive = isAlive;
        if (isAlive) {
          onEvent("probe-ok");
          await this.#settleStall();
          return;
        }
        onFault(suspicion ?? { code: "exit-timeout", params: { city: route.city } });
        candidates.lose(route);
        // Both of its two probes were lost.
        for (let i = 0; i < 2; i++) onEvent("probe-failed");
      })
      .finally(() => (this.#isChecking = false));
  }

  /** Traffic has just been seen, or made, for reasons of its own: it raises no suspicion. */
  async settle(): Promise<void> {
    if (!isAborted(this.#signal)) await this.#settleStall();
  }

  async #watch(watch: NetworkWatch): Promise<void> {
    const { clock, candidates, network, onEvent } = this.#monitored;
    const { tick, probePeriod } = this.#monitored.timing;
    this.#checkedMs = clock.now();
    await this.#settleStall();
    while (!isAborted(this.#signal)) {
      await pause(tick, this.#signal);
      if (isAborted(this.#signal)) return;
      const change = watch.look(clock.unixMs(), network(), tick);
      if (change !== undefined) {
        candidates.forgetMeasures();
        onEvent(change);
        return;
      }
      if (await this.#isStalled()) {
        this.check({ code: "exit-timeout", params: { city: candidates.current?.city ?? "" } });
      } else if (clock.now() - this.#checkedMs >= probePeriod) this.check(undefined);
    }
  }

  async #isStalled(): Promise<boolean> {
    const { engine, candidates, clock, figures } = this.#monitored;
    const now = clock.now();
    try {
      const { all, route } = await engine.traffic(candidates.current?.code ?? "");
      figures.sample(all, now);
      return this.#stall.sample(route, now);
    } catch {
      // An engine that ended says so itself.
      return false;
    }
  }

  async #settleStall(): Promise<void> {
    const { engine, candidates, clock } = this.#monitored;
    try {
      const { route } = await engine.traffic(candidates.current?.code ?? "");
      this.#stall.settle(route, clock.now());
    } catch {
      // As above.
    }
  }

  /** Two probes on the way of programs' traffic, against a neighbour: when that answers, the exit in use has little time left. */
  async #isAlive(route: OrderedRoute, isRefused: boolean): Promise<boolean> {
    const { engine, candidates, wish } = this.#monitored;
    const { checkDeadline } = this.#monitored.timing;
    const over = new AbortController();
    const both = AbortSignal.any([this.#signal, over.signal]);
    const probe = async (): Promise<boolean> => {
      const outcome = await engine.probeProxy(route.code, checkDeadline, both);
      if (outcome.result === "ok") candidates.record(route, outcome);
      return outcome.result === "ok";
    };
    const asked = [probe(), probe()];
    const own = Promise.all(asked).then((answers) => answers.includes(true));
    const first = Promise.race(asked).then((isOk) => isOk || own);
    const neighbour = candidates.orderOrNone(wish).find(({ code }) => code !== route.code);
    const usual = candidates.measureOf(route.code)?.connectMs ?? 0;
    const overtaken = async (): Promise<boolean> => {
      // With nowhere to go there is no hurry.
      if (neighbour === undefined) return own;
      const { result } = await engine.probe(neighbour.code, checkDeadline, both);
      if (result !== "ok") return own;
      const grace = isRefused ? GRACE_REFUSED : Math.max(GRACE_MIN, 3 * usual);
      await pause(Math.min(checkDeadline, grace), both);
      return false;
    };
    const isAlive = await Promise.race([first, overtaken()]);
    over.abort();
    return isAlive;
  }

  /** Rounds over all routes in the background. */
  async #keepMeasuring(): Promise<void> {
    const { engine, candidates, random, wish, onMeasured } = this.#monitored;
    const { measurePeriod, tick } = this.#monitored.timing;
    let position = 0;
    let better: { readonly code: string; readonly rounds: number } | undefined;
    await pause(tick, this.#signal);
    while (!isAborted(this.#signal)) {
      const routes = candidates.orderOrNone(wish);
      const round = [...routes.slice(position), ...routes.slice(0, position)];
      position = routes.length <= ROUND_MAX ? 0 : (position + ROUND_MAX) % routes.length;
      await measureRoutes(this.#monitored, round, this.#signal);
      await this.settle();
      if (isAborted(this.#signal)) return;
      onMeasured();
      candidates.forgiveHealthy(routes);
      const [best] = candidates.orderOrNone(wish);
      if (best === undefined || best.code === candidates.current?.code || !engine.holds(best.code)) better = undefined;
      else better = { code: best.code, rounds: better?.code === best.code ? better.rounds + 1 : 1 };
      if (better !== undefined && better.rounds >= ROUNDS_UNTIL_MOVED) {
        better = undefined;
        await this.#moveTo(best!);
      }
      await pause(measurePeriod * (0.9 + random() / 5), this.#signal);
    }
  }

  /** To a route that was just measured and is the better one; the connection does not end for that. */
  async #moveTo(route: OrderedRoute): Promise<void> {
    const { engine, candidates, onMoved } = this.#monitored;
    try {
      await engine.select(route.code);
    } catch {
      return;
    }
    if (isAborted(this.#signal)) return;
    candidates.take(route);
    await this.#settleStall();
    onMoved();
    this.check(undefined);
  }
}

/** Measures the first routes through the tunnel, as many as one round takes. */
export async function measureRoutes(
  { engine, candidates, timing }: Pick<Monitored, "engine" | "candidates" | "timing">,
  routes: readonly OrderedRoute[],
  signal: AbortSignal,
): Promise<void> {
  const waiting = routes.slice(0, ROUND_MAX).filter(({ code }) => engine.holds(code));
  const work = async (): Promise<void> => {
    for (let route = waiting.shift(); route !== undefined && !isAborted(signal); route = waiting.shift()) {
      const outcome = await engine.probe(route.code, timing.connectDeadline, signal);
      if (!isAborted(signal)) candidates.record(route, outcome);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_MAX }, work));
}
