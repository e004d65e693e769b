/**
 * The tunnel: `tunnelState.ts` with a real engine. Traffic takes one of the network's routes; it is "connected" only after
 * something was answered through it, and stays so by watching, probing and changing routes (chapter 08 §4.9, §6, §10).
 */
import { ProtocolError, type ErrorParams } from "../protocol/errors.ts";
import type { EngineErrorCode, RunningFailure } from "../xray/errors.ts";
import { NetworkWatch } from "./networkWatch.ts";
import { TunnelEngine, type RouteOutcome, type TunnelEngineOptions } from "./tunnelEngine.ts";
import { tunnelError } from "./tunnelErrors.ts";
import { StallDetector, TunnelFigures, type TrafficSample } from "./tunnelFigures.ts";
import { RouteMeasures, type RouteMeasure } from "./tunnelMeasures.ts";
import type { SystemProxy, TunnelClock, TunnelMode, TunnelSource, TunnelWish } from "./tunnelPorts.ts";
import { orderRoutes, type OrderedRoute } from "./tunnelRoutes.ts";
import {
  DISCONNECTED,
  nextTunnel,
  type Tunnel as TunnelValue,
  type TunnelEvent,
  type TunnelState,
} from "./tunnelState.ts";

export interface TunnelOptions extends Pick<TunnelEngineOptions, "binaries" | "directory" | "probeUrls"> {
  readonly source: TunnelSource;
  /** Of mode `proxy`; undefined where the system has no such thing. */
  readonly systemProxy: SystemProxy | undefined;
  readonly clock: TunnelClock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** As `networkFingerprint`. */
  readonly network: () => string;
  readonly timing?: Partial<TunnelTiming>;
}

/** Milliseconds. */
export interface TunnelTiming {
  /** One route must be verified within this. */
  readonly connectDeadline: number;
  /** The next route is tried when the one before has not answered for so long. */
  readonly headStart: number;
  readonly checkDeadline: number;
  readonly probePeriod: number;
  readonly measurePeriod: number;
  readonly tick: number;
  readonly retryMin: number;
  readonly retryMax: number;
}

const TIMING: TunnelTiming = {
  connectDeadline: 10_000,
  headStart: 3_000,
  checkDeadline: 4_000,
  probePeriod: 30_000,
  measurePeriod: 300_000,
  tick: 1_000,
  retryMin: 5_000,
  retryMax: 60_000,
};

/** Probes at a time (§10.9). */
const PARALLEL_MAX = 8;
/** Routes measured in one round; the next round goes on behind them. */
const ROUND_MAX = 64;
/** Rounds in which a route must be the better one before traffic moves to it. */
const ROUNDS_UNTIL_MOVED = 2;
/** A neighbour has answered; how long the exit in use may take more, and when its address has refused. Milliseconds. */
const GRACE_MIN = 1_000;
const GRACE_REFUSED = 300;
/** Between checks that a suspicion calls for. Milliseconds. */
const CHECK_GAP = 2_000;

export interface TunnelFault {
  readonly code: string;
  readonly params: ErrorParams;
}

export interface TunnelStatus {
  readonly state: TunnelState;
  readonly cause: TunnelEvent | null;
  /** Why the last attempt failed, or the last change of routes was needed. */
  readonly fault: TunnelFault | null;
  /** `auto` or a city; null before the first connect. */
  readonly chosen: string | null;
  /** City where traffic leaves, which may be another than the chosen one; null while none does. */
  readonly city: string | null;
  readonly route: string | null;
  readonly mode: TunnelMode | null;
  readonly proxy: { readonly host: string; readonly port: number } | null;
  readonly bytesUp: bigint;
  readonly bytesDown: bigint;
  readonly rate: TrafficSample | null;
  /** Since the session became connected. */
  readonly sessionMs: number | null;
  readonly delayMs: number | null;
}

const HOST = "127.0.0.1";

export class Tunnel {
  readonly #options: TunnelOptions;
  readonly #timing: TunnelTiming;
  readonly #engine: TunnelEngine;
  readonly #measures = new RouteMeasures();
  readonly #listeners = new Set<(status: TunnelStatus) => void>();
  #value: TunnelValue = DISCONNECTED;
  #wish: TunnelWish | undefined;
  #route: OrderedRoute | undefined;
  #fault: TunnelFault | undefined;
  #attempt: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  #cleaning: Promise<void> = Promise.resolve();
  /** What is done to the system's settings, one after the other. */
  #settings: Promise<void> = Promise.resolve();
  #isApplied = false;
  #monitor: AbortController | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retries = 0;
  #figures = new TunnelFigures();
  #stall = new StallDetector();
  #connectedAtMs: number | undefined;
  /** Codes of routes that were lost in use; tried last. */
  #lost = new Set<string>();
  /** The engine ended too often to be started again in the same attempt. */
  #endedBy: ProtocolError | undefined;
  #isChecking = false;
  #checkedMs = 0;
  #wasAlive = false;

  constructor(options: TunnelOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
    this.#engine = new TunnelEngine({
      binaries: options.binaries,
      directory: options.directory,
      probeUrls: options.probeUrls,
      onEnd: (code) => this.#onEngineEnd(code),
      onOpened: (route) => {
        if (route === this.#route?.code) this.#stall.onOpened(options.clock.now());
      },
      onFailure: (route, code) => this.#onRouteFailure(route, code),
    });
  }

  get status(): TunnelStatus {
    const { state, cause } = this.#value;
    const route = state === "connected" ? this.#route : undefined;
    const { up, down } = this.#figures.total;
    const port = this.#engine.port;
    return {
      state,
      cause: cause ?? null,
      fault: this.#fault ?? null,
      chosen: this.#wish?.city ?? null,
      city: route?.exit ?? null,
      route: route?.code ?? null,
      mode: this.#wish?.mode ?? null,
      proxy: port === undefined ? null : { host: HOST, port },
      bytesUp: up,
      bytesDown: down,
      rate: this.#figures.latest ?? null,
      sessionMs: this.#connectedAtMs === undefined ? null : this.#options.clock.now() - this.#connectedAtMs,
      delayMs: (route && this.#measures.of(route.code)?.delayMs) ?? null,
    };
  }

  /** Rates of the session, oldest first. */
  get history(): readonly TrafficSample[] {
    return this.#figures.history;
  }

  /** Of the engine, while one runs. */
  get pid(): number | undefined {
    return this.#engine.pid;
  }

  /** The engine's last lines, redacted. */
  get log(): readonly string[] {
    return this.#engine.log;
  }

  /** Calls `listener` at each change of state or route; it must not throw. Gives the end of that. */
  onChange(listener: (status: TunnelStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Connects, or changes what is connected to. Throws why not, as {code, params}: a wrong choice leaves everything as it is,
   * `tunnel-cancelled` when another call came before the end.
   */
  async connect(wish: TunnelWish): Promise<TunnelStatus> {
    this.#order(wish);
    if (wish.mode === "proxy" && this.#options.systemProxy === undefined) {
      throw tunnelError("mode-unavailable", { mode: wish.mode });
    }
    if (this.#value.state === "disconnecting") await this.#cleaning;
    this.#wish = wish;
    this.#fault = undefined;
    this.#lost.clear();
    if (this.#isTrying) for (const event of ["disconnect", "cleaned"] as const) this.#move(event);
    this.#move(this.#value.state === "connected" ? "city-selected" : "connect");
    const attempt = this.#begin();
    await attempt.done;
    if (this.#attempt !== attempt) throw tunnelError("tunnel-cancelled");
    const { state, fault } = this.status;
    if (state !== "connected") throw new ProtocolError(fault?.code ?? "unknown", fault?.params);
    return this.status;
  }

  /** Also cancels an attempt. At the end the machine is as it was before. */
  disconnect(): Promise<void> {
    if (this.#value.state === "disconnected" || this.#value.state === "disconnecting") return this.#cleaning;
    this.#move("disconnect");
    this.#cleaning = this.#cleanUp().then(() => this.#move("cleaned"));
    return this.#cleaning;
  }

  /** Measures every route now, through the tunnel. Only while the engine runs; by the routes' codes. */
  async measure(): Promise<ReadonlyMap<string, RouteMeasure>> {
    if (this.#wish !== undefined) {
      const routes = this.#order({ ...this.#wish, strict: false });
      await this.#measureAll(routes.slice(0, ROUND_MAX), new AbortController().signal);
    }
    return this.measures;
  }

  /** What is known of the routes, by their codes. */
  get measures(): ReadonlyMap<string, RouteMeasure> {
    return new Map(
      this.#options.source.read().routes.flatMap(({ code }) => {
        const measure = this.#measures.of(code);
        return measure === undefined ? [] : [[code, measure]];
      }),
    );
  }

  get #isTrying(): boolean {
    return this.#value.state === "connecting" || this.#value.state === "reconnecting";
  }

  /** The routes of an attempt, in its order. */
  #order(wish: TunnelWish): readonly OrderedRoute[] {
    const network = this.#options.source.read();
    const { city: chosen, strict } = wish;
    const routes = orderRoutes({ network, measures: this.#measures, chosen, strict, current: this.#route?.code });
    return [
      ...routes.filter(({ code }) => !this.#lost.has(code)),
      ...routes.filter(({ code }) => this.#lost.has(code)),
    ];
  }

  #move(event: TunnelEvent): void {
    const before = this.#value;
    const wish = this.#wish;
    const starts = event === "connect" || !this.#isTrying;
    const candidates = wish === undefined || !starts ? 1 : this.#countRoutes(wish);
    this.#value = nextTunnel(before, event, { killSwitch: wish?.killSwitch ?? false, candidates });
    if (this.#value === before) return;
    const { state } = this.#value;
    if (state === before.state) return;
    if (before.state === "connected") this.#endMonitor();
    if (state === "blocked") this.#scheduleRetry();
    else clearTimeout(this.#retry);
    if (state === "connected") {
      this.#retries = 0;
      this.#startMonitor();
    }
    this.#tell();
  }

  #countRoutes(wish: TunnelWish): number {
    try {
      return this.#order(wish).length;
    } catch {
      // The entries have gone meanwhile: the attempt will say so.
      return 1;
    }
  }

  #tell(): void {
    const { status } = this;
    for (const listener of this.#listeners) listener(status);
  }

  /** An event that ends the connection or the block begins the next attempt. */
  #react(event: TunnelEvent): void {
    this.#move(event);
    if (this.#value.state === "reconnecting" && this.#value.cause === event && !this.#isAttemptUnderWay) this.#begin();
  }

  get #isAttemptUnderWay(): boolean {
    return this.#attempt !== undefined && !this.#attempt.abort.signal.aborted;
  }

  #begin(): { readonly abort: AbortController; readonly done: Promise<void> } {
    const before = this.#attempt;
    before?.abort.abort();
    const abort = new AbortController();
    const done = (before?.done ?? Promise.resolve())
      .then(() => this.#try(abort.signal))
      .catch(async (error: unknown) => {
        if (!abort.signal.aborted) await this.#failAll(faultOf(error));
      })
      .finally(() => abort.abort());
    this.#attempt = { abort, done };
    return this.#attempt;
  }

  async #try(signal: AbortSignal): Promise<void> {
    const wish = this.#wish!;
    const endedBy = this.#endedBy;
    this.#endedBy = undefined;
    if (endedBy !== undefined && this.#value.cause === "child-exited") throw endedBy;
    if (this.#value.state === "reconnecting") await this.#untilNetwork(signal);
    let waiting: readonly OrderedRoute[] = this.#order(wish);
    if (isAborted(signal)) return;
    const others = this.#order({ ...wish, strict: false }).filter(({ code }) => waiting.every((w) => w.code !== code));
    const selected = this.#route !== undefined && this.#value.state === "reconnecting" ? this.#route : waiting[0]!;
    const isStillThere = waiting.some(({ code }) => code === selected.code);
    await this.#engine.run({
      routes: [...waiting, ...others],
      selected: (isStillThere ? selected : waiting[0]!).code,
      bypass: wish.bypass,
      port: wish.port,
    });
    this.#measures.keepOnly(new Set(this.#options.source.read().routes.map(({ code }) => code)));
    while (!isAborted(signal)) {
      const route = await this.#race(waiting, signal);
      if (isAborted(signal)) return;
      if (route === undefined) return this.#failAll(this.#fault);
      if (await this.#take(route, wish, signal)) return;
      if (isAborted(signal)) return;
      waiting = waiting.filter(({ code }) => code !== route.code && !this.#lost.has(code));
      this.#failOne();
      if (waiting.length === 0) return this.#failAll(this.#fault);
    }
  }

  /** The first route that answers; the next one is asked when the one before failed or takes long. */
  #race(routes: readonly OrderedRoute[], signal: AbortSignal): Promise<OrderedRoute | undefined> {
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
      void this.#isAnswering(route, both).then((isOk) => {
        running--;
        if (isAborted(both)) return;
        if (isOk) return finish(route);
        this.#lost.add(route.code);
        this.#failOne();
        startNext();
      });
      if (running < PARALLEL_MAX && waiting.length > 0) timer = setTimeout(startNext, this.#timing.headStart);
    };
    signal.addEventListener("abort", () => finish(), { once: true });
    if (isAborted(signal)) finish();
    else startNext();
    return promise;
  }

  async #isAnswering(route: OrderedRoute, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#engine.whenUp();
    } catch {
      return false;
    }
    const outcome = await this.#engine.probe(route.code, this.#timing.connectDeadline, signal);
    if (isAborted(signal)) return false;
    this.#record(route, outcome);
    return outcome.result === "ok";
  }

  /** Sends traffic through a route that answers, and sees it arrive. */
  async #take(route: OrderedRoute, wish: TunnelWish, signal: AbortSignal): Promise<boolean> {
    await this.#engine.select(route.code);
    const outcome = await this.#engine.probeProxy(route.code, this.#timing.connectDeadline, signal);
    if (isAborted(signal)) return false;
    if (outcome.result !== "ok") {
      this.#record(route, outcome);
      return false;
    }
    await this.#setSystem(wish.mode === "proxy");
    if (isAborted(signal)) return false;
    this.#route = route;
    this.#lost.delete(route.code);
    if (this.#value.state === "connecting") this.#fault = undefined;
    this.#options.source.onVerified(route);
    this.#move("verified");
    return true;
  }

  #record(route: OrderedRoute, outcome: RouteOutcome): void {
    this.#measures.record(route.code, outcome, outcome.fault, Math.floor(this.#options.clock.unixMs() / 1_000));
    if (outcome.fault !== undefined) this.#fault ??= { code: outcome.fault, params: { city: route.city } };
  }

  /** One candidate less, but for the last: with it ends the attempt. */
  #failOne(): void {
    if (this.#isTrying && this.#value.candidatesLeft > 1) this.#move("attempt-failed");
  }

  async #failAll(fault: TunnelFault | undefined): Promise<void> {
    this.#fault = fault ?? { code: "unknown", params: {} };
    const wish = this.#wish!;
    this.#lost.clear();
    void this.#options.source.refresh().catch(() => undefined);
    // With the kill switch all stays as it is: programs are led to an engine that lets nothing out.
    if (!wish.killSwitch) await this.#cleanUpMachine();
    while (this.#isTrying) this.#move("attempt-failed");
  }

  async #cleanUp(): Promise<void> {
    const attempt = this.#attempt;
    attempt?.abort.abort();
    this.#attempt = undefined;
    await this.#cleanUpMachine();
    await attempt?.done;
    // It may have got past its last look at the signal.
    await this.#cleanUpMachine();
    this.#fault = undefined;
    this.#lost.clear();
  }

  async #cleanUpMachine(): Promise<void> {
    await this.#setSystem(false).catch((error: unknown) => (this.#fault = faultOf(error)));
    await this.#engine.stop();
    this.#route = undefined;
    this.#connectedAtMs = undefined;
  }

  #setSystem(isWanted: boolean): Promise<void> {
    const work = this.#settings.then(async () => {
      const { systemProxy } = this.#options;
      const port = this.#engine.port;
      if (isWanted && port !== undefined) {
        this.#isApplied = true;
        await systemProxy!.apply({ host: HOST, port });
      } else if (this.#isApplied) {
        await systemProxy!.restore();
        this.#isApplied = false;
      }
    });
    this.#settings = work.catch(() => undefined);
    return work;
  }

  /** A machine that just woke has no network for a while; its attempts would all be wasted. */
  async #untilNetwork(signal: AbortSignal): Promise<void> {
    while (!isAborted(signal) && this.#options.network() === "") {
      this.#fault = { code: "no-network", params: {} };
      await pause(this.#timing.tick, signal);
    }
  }

  #scheduleRetry(): void {
    const { retryMin, retryMax } = this.#timing;
    const delay = Math.min(retryMax, retryMin * 2 ** this.#retries++) * (0.75 + this.#options.random() / 2);
    const look = new NetworkWatch(this.#options.clock.unixMs(), this.#options.network());
    const end = this.#options.clock.now() + delay;
    const again = (): void => {
      const event = look.look(this.#options.clock.unixMs(), this.#options.network(), this.#timing.tick);
      if (event !== undefined) this.#react(event);
      else if (this.#options.clock.now() >= end) {
        this.#fault = undefined;
        this.#react("retry-timer");
      } else this.#retry = setTimeout(again, this.#timing.tick);
    };
    this.#retry = setTimeout(again, this.#timing.tick);
  }

  #onEngineEnd(code: EngineErrorCode | undefined): void {
    this.#figures.onEngineStart();
    if (code !== undefined) this.#endedBy = new ProtocolError(code);
    if (this.#value.state === "connected") this.#react("child-exited");
  }

  #onRouteFailure(route: string, code: RunningFailure): void {
    if (this.#value.state !== "connected" || this.#route?.code !== route) return;
    this.#check({ code, params: { city: this.#route.city } });
  }

  #startMonitor(): void {
    this.#endMonitor();
    const { clock, network } = this.#options;
    if (this.#connectedAtMs === undefined) {
      this.#connectedAtMs = clock.now();
      this.#figures = new TunnelFigures();
    }
    this.#stall = new StallDetector();
    const monitor = new AbortController();
    this.#monitor = monitor;
    void this.#watch(monitor.signal, new NetworkWatch(clock.unixMs(), network()));
    void this.#keepMeasuring(monitor.signal);
  }

  #endMonitor(): void {
    this.#monitor?.abort();
    this.#monitor = undefined;
  }

  async #watch(signal: AbortSignal, network: NetworkWatch): Promise<void> {
    const { clock } = this.#options;
    const { tick, probePeriod } = this.#timing;
    this.#checkedMs = clock.now();
    this.#wasAlive = false;
    await this.#settleStall();
    while (!isAborted(signal)) {
      await pause(tick, signal);
      if (isAborted(signal)) return;
      const change = network.look(clock.unixMs(), this.#options.network(), tick);
      if (change !== undefined) {
        this.#measures.clear();
        this.#react(change);
        return;
      }
      if (await this.#isStalled()) this.#check({ code: "exit-timeout", params: { city: this.#route?.city ?? "" } });
      else if (clock.now() - this.#checkedMs >= probePeriod) this.#check(undefined);
    }
  }

  async #isStalled(): Promise<boolean> {
    const now = this.#options.clock.now();
    try {
      const { all, route } = await this.#engine.traffic(this.#route?.code ?? "");
      this.#figures.sample(all, now);
      return this.#stall.sample(route, now);
    } catch {
      // An engine that ended says so itself.
      return false;
    }
  }

  async #settleStall(): Promise<void> {
    try {
      const { route } = await this.#engine.traffic(this.#route?.code ?? "");
      this.#stall.settle(route, this.#options.clock.now());
    } catch {
      // As above.
    }
  }

  /** Asks whether the exit in use still works; at most one such question at a time. `suspicion` says why it may not. */
  #check(suspicion: TunnelFault | undefined): void {
    const now = this.#options.clock.now();
    const signal = this.#monitor?.signal;
    const route = this.#route;
    if (this.#isChecking || signal === undefined || route === undefined) return;
    if (suspicion !== undefined && this.#wasAlive && now - this.#checkedMs < CHECK_GAP) return;
    this.#isChecking = true;
    void this.#isAlive(route, suspicion?.code === "exit-refused", signal)
      .then(async (isAlive) => {
        if (isAborted(signal)) return;
        this.#checkedMs = this.#options.clock.now();
        this.#wasAlive = isAlive;
        if (isAlive) {
          this.#react("probe-ok");
          await this.#settleStall();
          return;
        }
        this.#fault = suspicion ?? { code: "exit-timeout", params: { city: route.city } };
        this.#lost.add(route.code);
        // Both of its two probes were lost.
        for (let i = 0; i < 2; i++) this.#react("probe-failed");
      })
      .finally(() => (this.#isChecking = false));
  }

  /** Two probes on the way of programs' traffic, against a neighbour: when that answers, the exit in use has little time left. */
  async #isAlive(route: OrderedRoute, isRefused: boolean, signal: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    const both = AbortSignal.any([signal, over.signal]);
    const { checkDeadline } = this.#timing;
    const probe = async (): Promise<boolean> => {
      const outcome = await this.#engine.probeProxy(route.code, checkDeadline, both);
      if (outcome.result === "ok") this.#record(route, outcome);
      return outcome.result === "ok";
    };
    const asked = [probe(), probe()];
    const own = Promise.all(asked).then((answers) => answers.includes(true));
    const first = Promise.race(asked).then((isOk) => isOk || own);
    const neighbour = this.#orderOrNone().find(({ code }) => code !== route.code);
    const usual = this.#measures.of(route.code)?.connectMs ?? 0;
    const overtaken = async (): Promise<boolean> => {
      // With nowhere to go there is no hurry.
      if (neighbour === undefined) return own;
      const { result } = await this.#engine.probe(neighbour.code, checkDeadline, both);
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
  async #keepMeasuring(signal: AbortSignal): Promise<void> {
    const { measurePeriod, tick } = this.#timing;
    let position = 0;
    let better: { readonly code: string; readonly rounds: number } | undefined;
    await pause(tick, signal);
    while (!isAborted(signal)) {
      const routes = this.#orderOrNone();
      const round = [...routes.slice(position), ...routes.slice(0, position)].slice(0, ROUND_MAX);
      position = routes.length <= ROUND_MAX ? 0 : (position + ROUND_MAX) % routes.length;
      await this.#measureAll(round, signal);
      if (isAborted(signal)) return;
      for (const { code } of routes) if (this.#measures.of(code)?.rank === 0) this.#lost.delete(code);
      const [best] = this.#orderOrNone();
      if (best === undefined || best.code === this.#route?.code || !this.#engine.holds(best.code)) better = undefined;
      else better = { code: best.code, rounds: better?.code === best.code ? better.rounds + 1 : 1 };
      if (better !== undefined && better.rounds >= ROUNDS_UNTIL_MOVED) {
        better = undefined;
        await this.#moveTo(best!, signal);
      }
      await pause(measurePeriod * (0.9 + this.#options.random() / 5), signal);
    }
  }

  #orderOrNone(): readonly OrderedRoute[] {
    try {
      return this.#order(this.#wish!);
    } catch {
      return [];
    }
  }

  /** To a route that was just measured and is the better one; the connection does not end for that. */
  async #moveTo(route: OrderedRoute, signal: AbortSignal): Promise<void> {
    try {
      await this.#engine.select(route.code);
    } catch {
      return;
    }
    if (isAborted(signal)) return;
    this.#route = route;
    this.#options.source.onVerified(route);
    await this.#settleStall();
    this.#tell();
    this.#check(undefined);
  }

  async #measureAll(routes: readonly OrderedRoute[], signal: AbortSignal): Promise<void> {
    const waiting = routes.filter(({ code }) => this.#engine.holds(code));
    const work = async (): Promise<void> => {
      for (let route = waiting.shift(); route !== undefined && !isAborted(signal); route = waiting.shift()) {
        const outcome = await this.#engine.probe(route.code, this.#timing.connectDeadline, signal);
        const nowUnix = Math.floor(this.#options.clock.unixMs() / 1_000);
        if (!isAborted(signal)) this.#measures.record(route.code, outcome, outcome.fault, nowUnix);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_MAX }, work));
    if (!isAborted(signal)) await this.#settleStall();
  }
}

function faultOf(error: unknown): TunnelFault {
  const { code, params } = error as { readonly code?: unknown; readonly params?: TunnelFault["params"] };
  if (typeof code !== "string" || params === undefined) throw error;
  return { code, params };
}

/** Asked anew each time: it changes while others work. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

/** Resolves after so many milliseconds, or at once when aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (isAborted(signal)) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
