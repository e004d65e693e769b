/** The engine with the routes of a network: which one traffic takes, and whether each of them works. */
import type { Binaries } from "../xray/binaries.ts";
import { clientConfig, exitTag, type Bypass } from "../xray/config/clientConfig.ts";
import type { EngineConfig } from "../xray/config/engineConfig.ts";
import { openEngineDirectory } from "../xray/directory.ts";
import { Engine, type EngineEvent } from "../xray/engine.ts";
import type { EngineLauncher } from "../xray/engineProcess.ts";
import { engineError, type EngineErrorCode, type RunningFailure } from "../xray/errors.ts";
import { diagnoseRunning } from "../xray/failures.ts";
import { choosePort, PREFERRED_PORTS } from "../xray/ports.ts";
import { probeThrough, type ProbeOutcome, type ProbeVia } from "../xray/probe.ts";
import type { DeviceEngine } from "./tunnelMachine.ts";
import type { Route } from "./tunnelPorts.ts";
import { isAborted, pause } from "./tunnelTiming.ts";

export interface TunnelEngineOptions {
  /** Throws `engine-missing`. */
  readonly binaries: () => Binaries;
  /** Where the engine's folder is made. */
  readonly directory: string;
  /** What probes ask for; the next one where the tunnel works and the site before does not. */
  readonly probeUrls: readonly string[];
  /** It ended unasked; without a code it is started again. */
  readonly onEnd: (code: EngineErrorCode | undefined) => void;
  /** A connection takes the route of this code. */
  readonly onOpened: (route: string) => void;
  /** A connection through the route of this code failed. */
  readonly onFailure: (route: string, code: RunningFailure) => void;
}

export interface EngineWish {
  readonly routes: readonly Route[];
  readonly selected: string;
  readonly bypass: Bypass;
  readonly port: number | undefined;
  /** Of mode `device`. */
  readonly device?: DeviceEngine | undefined;
}

export interface RouteOutcome extends ProbeOutcome {
  /** Why it failed. */
  readonly fault?: RunningFailure;
}

/** Routes that one engine holds. */
const ROUTES_MAX = 256;
/** Behind a socket of the owner's. */
const PASSWORD = "probe";
/** A refused target takes the exit a second (§11.2). Milliseconds. */
const TARGET_REFUSED_AFTER = 500;
/** How long after the end of a connection the engine's line about it may come, and how often it is looked for. Milliseconds. */
const LINE_AFTER = 1_000;
const LINE_POLL = 10;

interface Running {
  readonly engine: Engine;
  readonly configOf: (selected: string) => EngineConfig;
  /** From the code of a route to that of its exit in the engine. */
  readonly routes: ReadonlyMap<string, string>;
  /** From an outbound's tag to the route's code. */
  readonly routeOf: ReadonlyMap<string, string>;
  readonly key: string;
  readonly via: { readonly socket: string } | { readonly port: number };
}

export class TunnelEngine {
  readonly #options: TunnelEngineOptions;
  #engine: Engine | undefined;
  #running: Running | undefined;
  #launcher: EngineLauncher | undefined;
  #port: number | undefined;
  #up = unsettled();
  #ends = 0;
  /** By outbound: its last failure, and when. */
  readonly #failures = new Map<string, { readonly code: RunningFailure; readonly atMs: number }>();

  constructor(options: TunnelEngineOptions) {
    this.#options = options;
  }

  /** Of the local proxy, while the engine runs. */
  get port(): number | undefined {
    return this.#running === undefined ? undefined : this.#port;
  }

  /** Times that it ended unasked: what failed meanwhile says nothing about a route. */
  get ends(): number {
    return this.#ends;
  }

  get pid(): number | undefined {
    return this.#engine?.pid;
  }

  /** For diagnostics, redacted. */
  get log(): readonly string[] {
    return this.#engine?.log.recent() ?? [];
  }

  holds(route: string): boolean {
    return this.#running?.routes.has(route) ?? false;
  }

  /** Starts it, or starts it anew where its configuration is another one. Throws the engine's codes. */
  async run(wish: EngineWish): Promise<void> {
    const routes = wish.routes
      .slice(0, ROUTES_MAX)
      .map(({ code, link }) => ({ code, link }))
      .sort((a, b) => (a.code < b.code ? -1 : 1));
    const { tun, launcher } = wish.device ?? {};
    const key = JSON.stringify([routes, wish.bypass, wish.port, tun && { ...tun, resolved: [...tun.resolved] }]);
    if (this.#running?.key === key) return this.select(wish.selected);
    const binaries = this.#options.binaries();
    this.#running = undefined;
    // An engine that somebody else started is not this program's to start again, nor the other way round.
    if (this.#launcher !== launcher) await this.#end();
    this.#launcher = launcher;
    const directory = openEngineDirectory(this.#options.directory, "tunnel");
    const isWindows = process.platform === "win32";
    const api = isWindows ? { port: (await choosePort(PREFERRED_PORTS.api)).port } : directory.apiSocket;
    const via = isWindows ? { port: (await choosePort(0)).port } : { socket: directory.probeSocket };
    // The engine tells ways out apart by the beginning of their names: all are of one length.
    const codes = new Map(routes.map(({ code }, i) => [code, `r${String(i).padStart(3, "0")}`]));
    const routeOf = new Map([...codes].map(([route, exit]) => [exitTag(exit), route]));
    const start = async (port: number): Promise<void> => {
      const configOf = (selected: string): EngineConfig =>
        clientConfig({
          exits: routes.map(({ code, link }) => ({ code: codes.get(code)!, link })),
          selected: codes.get(selected)!,
          mixedPort: port,
          api,
          bypass: wish.bypass,
          probe: { ...via, password: PASSWORD },
          ...(tun && { tun }),
        });
      const config = configOf(wish.selected);
      this.#up = unsettled();
      const onEvent = (event: EngineEvent): void => this.#onEvent(event);
      const how = launcher === undefined ? {} : { launcher };
      this.#engine ??= new Engine({ binaries, directory: directory.path, config, onEvent, ...how });
      const engine = this.#engine;
      await engine.restart(config);
      this.#port = port;
      this.#running = { engine, configOf, routes: codes, routeOf, key, via };
    };
    if (wish.port !== undefined) return start(wish.port);
    try {
      await start(this.#port ?? (await choosePort()).port);
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      if (code !== "port-in-use" && code !== "port-forbidden") throw error;
      await start((await choosePort(0)).port);
    }
  }

  /**
   * Sends new connections through the route, without a restart where the system allows that; an engine that ends meanwhile
   * starts anew with it. Throws the code of an engine that is given up.
   */
  async select(route: string): Promise<void> {
    for (;;) {
      await this.#up.promise;
      const ends = this.#ends;
      const { engine, configOf, routes } = this.#require();
      const code = routes.get(route);
      if (code === undefined) throw engineError("unknown-exit", { code: route });
      const config = configOf(route);
      if (process.platform === "win32") return engine.restart(config);
      engine.prepare(config);
      try {
        await engine.api.selectExit(code);
        return;
      } catch (error) {
        if (!(await this.#endsAfter(ends))) throw error;
      }
    }
  }

  /** Whether the engine ended since, which is known only a while after its connections have ended. */
  async #endsAfter(ends: number): Promise<boolean> {
    const { signal } = new AbortController();
    for (const end = performance.now() + LINE_AFTER; performance.now() < end && this.#ends === ends;) {
      await pause(LINE_POLL, signal);
    }
    return this.#ends !== ends;
  }

  /** Whether the route works, whatever is selected. */
  async probe(route: string, timeoutMs: number, signal: AbortSignal): Promise<RouteOutcome> {
    const running = this.#running;
    const exit = running?.routes.get(route);
    if (running === undefined || exit === undefined) return { result: "reset", ms: 0, fault: "unknown" };
    return this.#ask({ ...running.via, account: { exit, password: PASSWORD } }, exit, timeoutMs, signal);
  }

  /** Whether traffic of programs gets through, on the way that programs take. */
  async probeProxy(route: string, timeoutMs: number, signal: AbortSignal): Promise<RouteOutcome> {
    const running = this.#running;
    if (running === undefined || this.#port === undefined) return { result: "reset", ms: 0, fault: "unknown" };
    return this.#ask({ port: this.#port }, running.routes.get(route) ?? "", timeoutMs, signal);
  }

  /** Bytes since the engine's start: of all routes, and of the given one. */
  async traffic(route: string): Promise<Record<"all" | "route", { readonly up: bigint; readonly down: bigint }>> {
    const { engine, routes } = this.#require();
    const counters = await engine.api.counters(`outbound>>>${exitTag("")}`);
    const sum = (prefix: string, direction: string): bigint =>
      [...counters]
        .filter(([name]) => name.startsWith(prefix) && name.endsWith(direction))
        .reduce((total, [, value]) => total + value, 0n);
    const both = (prefix: string) => ({ up: sum(prefix, ">uplink"), down: sum(prefix, ">downlink") });
    const code = routes.get(route) ?? "none";
    return { all: both("outbound>>>"), route: both(`outbound>>>${exitTag(code)}>>>`) };
  }

  /** Resolves when it answers again after an unasked end; rejects when it will not. */
  async whenUp(): Promise<void> {
    await this.#up.promise;
  }

  async stop(): Promise<void> {
    this.#running = undefined;
    this.#up.reject(engineError("engine-stopped"));
    await this.#end();
  }

  async #end(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    await engine?.stop();
  }

  async #ask(via: ProbeVia, exit: string, timeoutMs: number, signal: AbortSignal): Promise<RouteOutcome> {
    const began = performance.now();
    const end = began + timeoutMs;
    const log = this.#require().engine.log;
    let found: RouteOutcome = { result: "timeout", ms: 0, fault: "unknown" };
    for (const url of this.#options.probeUrls) {
      const position = log.position();
      const left = Math.max(1, Math.round(end - performance.now()));
      const outcome = await probeThrough({ via, url, timeoutMs: left, signal });
      if (outcome.result === "ok") return outcome;
      // Lines of other connections stand between: only what no line can be mistaken for is read from them.
      const guess = (): RunningFailure =>
        diagnoseRunning(
          log.since(position).filter((line) => line.includes("tunneling request to")),
          outcome,
        );
      const told = await this.#failureSince(began, exitTag(exit), guess() === "unknown" ? LINE_AFTER : 0, signal);
      found = { ...outcome, fault: told ?? guess() };
      if (outcome.result !== "empty" || outcome.ms < TARGET_REFUSED_AFTER || signal.aborted) break;
    }
    return found;
  }

  /** The engine's own word for why a connection failed, which may come after the connection's end. */
  async #failureSince(
    began: number,
    outbound: string,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<RunningFailure | undefined> {
    const end = performance.now() + waitMs;
    for (;;) {
      const failure = this.#failures.get(outbound);
      if (failure !== undefined && failure.atMs >= began) return failure.code;
      if (performance.now() >= end || isAborted(signal)) return undefined;
      await pause(LINE_POLL, signal);
    }
  }

  #onEvent(event: EngineEvent): void {
    switch (event.kind) {
      case "ready":
        this.#up.resolve(undefined);
        return;
      case "exited":
        this.#ends++;
        this.#up = unsettled();
        this.#options.onEnd(undefined);
        return;
      case "gave-up":
        this.#ends++;
        this.#running = undefined;
        this.#up.reject(engineError(event.code));
        this.#options.onEnd(event.code);
        return;
      case "failure": {
        const { outbound, code } = event;
        if (outbound === undefined) return;
        this.#failures.set(outbound, { code, atMs: performance.now() });
        const route = this.#routeOf(outbound);
        if (route !== undefined) this.#options.onFailure(route, code);
        return;
      }
      case "opened": {
        const route = this.#routeOf(event.outbound);
        if (route !== undefined) this.#options.onOpened(route);
        return;
      }
      case "started":
      case "interface-up":
        return;
    }
  }

  #routeOf(outbound: string): string | undefined {
    return this.#running?.routeOf.get(outbound);
  }

  #require(): Running {
    if (this.#running === undefined) throw engineError("api-unreachable");
    return this.#running;
  }
}

/** Nobody may be waiting for it when it is rejected. */
function unsettled() {
  const resolvers = Promise.withResolvers<undefined>();
  resolvers.promise.catch(() => undefined);
  return resolvers;
}
