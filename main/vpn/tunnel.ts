/**
 * The tunnel: `tunnelState.ts` with a real engine. Traffic takes one of the network's routes; it is "connected" only after
 * something was answered through it (`tunnelAttempt.ts`), and stays so by watching, probing and changing routes
 * (`tunnelMonitor.ts`; chapter 08 §4.9, §6, §10).
 */
import { ProtocolError } from "../protocol/errors.ts";
import type { EngineErrorCode, RunningFailure } from "../xray/errors.ts";
import { attemptRoutes } from "./tunnelAttempt.ts";
import { Candidates } from "./tunnelCandidates.ts";
import { TunnelEngine, type EngineWish, type TunnelEngineOptions } from "./tunnelEngine.ts";
import { faultOf, tunnelError, type TunnelFault } from "./tunnelErrors.ts";
import { TunnelFigures, type TrafficSample } from "./tunnelFigures.ts";
import type { RouteMeasure } from "./tunnelMeasures.ts";
import { measureRoutes, TunnelMonitor } from "./tunnelMonitor.ts";
import type { TunnelClock, TunnelMode, TunnelSource, TunnelWish } from "./tunnelPorts.ts";
import { TunnelMachine, type MachineOptions } from "./tunnelMachine.ts";
import { TunnelRetry } from "./tunnelRetry.ts";
import type { OrderedRoute } from "./tunnelRoutes.ts";
import {
  DISCONNECTED,
  nextTunnel,
  type Tunnel as TunnelValue,
  type TunnelEvent,
  type TunnelState,
} from "./tunnelState.ts";
import { findSignInPage } from "./wholeDevice/signInPage.ts";
import { isAborted, pause, TIMING, type TunnelTiming } from "./tunnelTiming.ts";

export interface TunnelOptions
  extends Pick<TunnelEngineOptions, "binaries" | "directory" | "probeUrls">, MachineOptions {
  readonly source: TunnelSource;
  readonly clock: TunnelClock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** As `networkFingerprint`. */
  readonly network: () => string;
  readonly timing?: Partial<TunnelTiming>;
  /** While connected, a round over the routes has measured what `measures` gives. */
  readonly onMeasured?: () => void;
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
  /** City that traffic enters on its way there: the same, or one that forwards it. */
  readonly entry: string | null;
  readonly route: string | null;
  readonly mode: TunnelMode | null;
  readonly proxy: { readonly host: string; readonly port: number } | null;
  readonly bytesUp: bigint;
  readonly bytesDown: bigint;
  readonly rate: TrafficSample | null;
  /** Since the session became connected. */
  readonly sessionMs: number | null;
  readonly delayMs: number | null;
  /** All traffic of the machine is led into the tunnel, or kept from leaving. */
  readonly isWholeDevice: boolean;
  /** Unix time in milliseconds until which the kill switch lets everything past, for a network's sign-in page. */
  readonly pausedUntilMs: number | null;
  /** Meanwhile: that page, as far as the network could be seen to lead there. */
  readonly signInUrl: string | null;
}

const HOST = "127.0.0.1";

export class Tunnel {
  readonly #options: TunnelOptions;
  readonly #timing: TunnelTiming;
  readonly #engine: TunnelEngine;
  readonly #candidates: Candidates;
  readonly #listeners = new Set<(status: TunnelStatus) => void>();
  #value: TunnelValue = DISCONNECTED;
  #wish: TunnelWish | undefined;
  #fault: TunnelFault | undefined;
  #attempt: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  #cleaning: Promise<void> = Promise.resolve();
  readonly #machine: TunnelMachine;
  /** Connects and disconnects that were asked for. */
  #turn = 0;
  #pause: { readonly untilMs: number; readonly signInUrl: string | null } | undefined;
  #monitor: { readonly work: TunnelMonitor; readonly abort: AbortController } | undefined;
  readonly #retry: TunnelRetry;
  #figures = new TunnelFigures();
  #connectedAtMs: number | undefined;
  /** The engine ended too often to be started again in the same attempt. */
  #endedBy: ProtocolError | undefined;

  constructor(options: TunnelOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
    this.#candidates = new Candidates(options.source, options.clock);
    this.#machine = new TunnelMachine(options);
    this.#retry = new TunnelRetry({ ...options, timing: this.#timing, onDue: (event) => this.#onRetry(event) });
    this.#engine = new TunnelEngine({
      binaries: options.binaries,
      directory: options.directory,
      probeUrls: options.probeUrls,
      onEnd: (code) => this.#onEngineEnd(code),
      onOpened: (route) => {
        if (route === this.#candidates.current?.code) this.#monitor?.work.onOpened();
      },
      onFailure: (route, code) => this.#onRouteFailure(route, code),
    });
  }

  get status(): TunnelStatus {
    const { state, cause } = this.#value;
    const route = state === "connected" ? this.#candidates.current : undefined;
    const { up, down } = this.#figures.total;
    const port = this.#engine.port;
    return {
      state,
      cause: cause ?? null,
      fault: this.#fault ?? null,
      chosen: this.#wish?.city ?? null,
      city: route?.exit ?? null,
      entry: route?.city ?? null,
      route: route?.code ?? null,
      mode: this.#wish?.mode ?? null,
      proxy: port === undefined ? null : { host: HOST, port },
      bytesUp: up,
      bytesDown: down,
      rate: this.#figures.latest ?? null,
      sessionMs: this.#connectedAtMs === undefined ? null : this.#options.clock.now() - this.#connectedAtMs,
      delayMs: (route && this.#candidates.measureOf(route.code)?.delayMs) ?? null,
      isWholeDevice: this.#machine.isDeviceLed,
      pausedUntilMs: this.#pause?.untilMs ?? null,
      signInUrl: this.#pause?.signInUrl ?? null,
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
    this.#candidates.order(wish);
    if (!this.#machine.offers(wish.mode)) throw tunnelError("mode-unavailable", { mode: wish.mode });
    const turn = ++this.#turn;
    if (this.#value.state === "disconnecting") await this.#cleaning;
    if (wish.mode === "device") await this.#machine.openDevice(wish);
    if (turn !== this.#turn) throw tunnelError("tunnel-cancelled");
    this.#wish = wish;
    this.#fault = undefined;
    this.#candidates.forgiveAll();
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
    this.#turn++;
    if (this.#value.state === "disconnected" || this.#value.state === "disconnecting") return this.#cleaning;
    this.#move("disconnect");
    this.#cleaning = this.#cleanUp().then(() => this.#move("cleaned"));
    return this.#cleaning;
  }

  /** Measures every route now, or those into these cities, through the tunnel. Only while the engine runs; by the routes' codes. */
  async measure(
    cities?: ReadonlySet<string>,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<ReadonlyMap<string, RouteMeasure>> {
    if (this.#wish !== undefined) {
      const all = this.#candidates.order({ ...this.#wish, strict: false });
      const routes = cities === undefined ? all : all.filter(({ city }) => cities.has(city));
      await measureRoutes(this.#parts, routes, signal);
      await this.#monitor?.work.settle();
    }
    return this.measures;
  }

  /** What is known of the routes, by their codes. */
  get measures(): ReadonlyMap<string, RouteMeasure> {
    return this.#candidates.measures;
  }

  /** Somebody has seen that the exit in use does not answer. */
  suspect(): void {
    const { current } = this.#candidates;
    if (current !== undefined) this.#monitor?.work.check({ code: "exit-timeout", params: { city: current.city } });
  }

  get #parts() {
    return { engine: this.#engine, candidates: this.#candidates, timing: this.#timing };
  }

  /**
   * Lets everything past a kill switch that holds, so that a network's sign-in page can be opened; at most five minutes, then
   * the tunnel is tried again. Throws `not-blocked` and the helper's codes.
   */
  async pauseBlock(seconds: number): Promise<TunnelStatus> {
    const holds = this.#wish?.mode === "device" && this.#wish.killSwitch;
    if (holds && this.#isTrying) await this.#giveUp();
    if (!holds || this.#value.state !== "blocked") throw tunnelError("not-blocked");
    const untilMs = await this.#machine.pause(seconds);
    const pause = { untilMs, signInUrl: null };
    const isOn = (): boolean => this.#pause === pause;
    this.#pause = pause;
    this.#retry.startAt(untilMs);
    this.#tell();
    const [probeUrl] = this.#options.probeUrls;
    const signInUrl = probeUrl === undefined ? null : await findSignInPage(probeUrl);
    if (isOn()) this.#pause = { untilMs, signInUrl };
    this.#tell();
    return this.status;
  }

  /** Ends that before its time, and tries at once. */
  async endPause(): Promise<void> {
    if (this.#pause === undefined) return;
    await this.#machine.unpause();
    this.#react("retry-timer");
  }

  get #isTrying(): boolean {
    return this.#value.state === "connecting" || this.#value.state === "reconnecting";
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
    this.#pause = undefined;
    if (state === "blocked") this.#retry.start();
    else this.#retry.stop();
    if (state === "connected") {
      this.#retry.reset();
      this.#startMonitor();
    }
    this.#tell();
  }

  #countRoutes(wish: TunnelWish): number {
    try {
      return this.#candidates.order(wish).length;
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

  #onRetry(event: TunnelEvent): void {
    if (event === "retry-timer") this.#fault = undefined;
    this.#react(event);
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
    const routes = this.#candidates.order(wish);
    if (isAborted(signal)) return;
    const lead = async (): Promise<void> => {
      const { port } = this.#engine;
      if (port !== undefined && !isAborted(signal)) await this.#machine.lead(wish, { host: HOST, port });
    };
    if (wish.mode !== "device" && this.#machine.isDeviceOpen) await this.#leaveDevice();
    const engineWish = await this.#engineWish(wish, routes);
    if (isAborted(signal)) return;
    // From the beginning on, but for the question where the exits are.
    if (wish.mode === "device" && wish.killSwitch) await this.#machine.block();
    await this.#engine.run(engineWish);
    this.#candidates.dropGone();
    // The interface is a new one.
    if (wish.mode === "device" && (wish.killSwitch || this.#machine.isDeviceLed)) await lead();
    const held = routes.filter(({ code }) => this.#engine.holds(code));
    if (held.length === 0) throw tunnelError("exits-not-resolved");
    const route = await attemptRoutes(
      {
        ...this.#parts,
        signal,
        lead,
        onRouteFailed: () => this.#failOne(),
        onFault: (fault) => (this.#fault ??= fault),
      },
      held,
    );
    if (isAborted(signal)) return;
    if (route === undefined) return this.#failAll(this.#reason);
    this.#candidates.take(route);
    if (this.#value.state === "connecting") this.#fault = undefined;
    this.#move("verified");
  }

  async #engineWish(wish: TunnelWish, chosen: readonly OrderedRoute[]): Promise<EngineWish> {
    const others = this.#candidates.order({ ...wish, strict: false });
    const all = [...chosen, ...others.filter(({ code }) => chosen.every((route) => route.code !== code))];
    const found = wish.mode === "device" ? await this.#machine.engineOf(wish, all) : { routes: all };
    const { current } = this.#candidates;
    const isKept = this.#value.state === "reconnecting" && chosen.some(({ code }) => code === current?.code);
    const selected = found.routes.find(({ code }) => isKept && code === current?.code) ?? found.routes[0]!;
    return { ...found, selected: selected.code, bypass: wish.bypass, port: wish.port };
  }

  /** Why every route has failed. */
  get #reason(): TunnelFault | undefined {
    return this.#endedBy === undefined ? this.#fault : faultOf(this.#endedBy);
  }

  /** The attempt that would put back what is to be lifted. */
  async #giveUp(): Promise<void> {
    const { abort, done } = this.#attempt ?? {};
    abort?.abort();
    await done;
    this.#fault ??= { code: "tunnel-cancelled", params: {} };
    while (this.#isTrying) this.#move("attempt-failed");
  }

  /** One candidate less, but for the last: with it ends the attempt. */
  #failOne(): void {
    if (this.#isTrying && this.#value.candidatesLeft > 1) this.#move("attempt-failed");
  }

  async #failAll(fault: TunnelFault | undefined): Promise<void> {
    this.#fault = fault ?? { code: "unknown", params: {} };
    const wish = this.#wish!;
    this.#candidates.forgiveAll();
    void this.#options.source.refresh().catch(() => undefined);
    // With the kill switch all stays as it is: programs are led to an engine that lets nothing out.
    if (!wish.killSwitch) await this.#cleanUpMachine();
    else if (wish.mode === "device")
      await this.#machine.block().catch((error: unknown) => (this.#fault = faultOf(error)));
    while (this.#isTrying) this.#move("attempt-failed");
  }

  async #cleanUp(): Promise<void> {
    const attempt = this.#attempt;
    attempt?.abort.abort();
    this.#attempt = undefined;
    await this.#cleanUpMachine();
    await attempt?.done;
    this.#fault = undefined;
    // It may have got past its last look at the signal. What cannot be given back now is said.
    await this.#cleanUpMachine();
    this.#candidates.forgiveAll();
  }

  async #cleanUpMachine(): Promise<void> {
    const note = (error: unknown): void => void (this.#fault = faultOf(error));
    await this.#machine.restore().catch(note);
    await this.#engine.stop();
    await this.#machine.close().catch(note);
    this.#candidates.current = undefined;
    this.#connectedAtMs = undefined;
  }

  /** In the same order: no program is led into an engine that has ended. */
  async #leaveDevice(): Promise<void> {
    await this.#machine.restore();
    await this.#engine.stop();
    await this.#machine.close();
  }

  /** A machine that just woke has no network for a while; its attempts would all be wasted. */
  async #untilNetwork(signal: AbortSignal): Promise<void> {
    while (!isAborted(signal) && this.#options.network() === "") {
      if (this.#fault?.code !== "no-network") {
        this.#fault = { code: "no-network", params: {} };
        this.#tell();
      }
      await pause(this.#timing.tick, signal);
    }
  }

  #onEngineEnd(code: EngineErrorCode | undefined): void {
    this.#figures.onEngineStart();
    if (code !== undefined) this.#endedBy = new ProtocolError(code);
    if (this.#value.state === "connected") this.#react("child-exited");
  }

  #onRouteFailure(route: string, code: RunningFailure): void {
    const { current } = this.#candidates;
    if (current?.code !== route) return;
    this.#monitor?.work.check({ code, params: { city: current.city } });
  }

  #startMonitor(): void {
    this.#endMonitor();
    const { clock, network, random } = this.#options;
    if (this.#connectedAtMs === undefined) {
      this.#connectedAtMs = clock.now();
      this.#figures = new TunnelFigures();
    }
    const abort = new AbortController();
    const work = new TunnelMonitor(
      {
        ...this.#parts,
        clock,
        network,
        random,
        figures: this.#figures,
        wish: this.#wish!,
        onEvent: (event) => this.#react(event),
        onFault: (fault) => (this.#fault = fault),
        onMoved: () => this.#tell(),
        onMeasured: () => this.#options.onMeasured?.(),
      },
      abort.signal,
    );
    this.#monitor = { work, abort };
  }

  #endMonitor(): void {
    this.#monitor?.abort.abort();
    this.#monitor = undefined;
  }
}
