/**
 * The city that this machine runs: an exit, or a relay in front of one. Every command writes first what is wanted
 * (`record.ts`); `#converge` then makes engine, publication and shaper match it, now, every few seconds, and after a crash.
 */
import { join } from "node:path";

import { isAddress, isDnsName } from "../../cities/addresses.ts";
import { parseShareLink } from "../../cities/shareLink.ts";
import type { X25519 } from "../../native/interface.ts";
import { ProtocolError, type ErrorParams } from "../../protocol/errors.ts";
import type { Binaries } from "../../xray/binaries.ts";
import { openEngineDirectory } from "../../xray/directory.ts";
import { startEngine, type Engine, type EngineEvent } from "../../xray/engine.ts";
import { createExitKeys } from "../../xray/exitKeys.ts";
import { endLeftover } from "../../xray/leftover.ts";
import { findPlace, type Gazetteer } from "../cities/gazetteer.ts";
import { countConnections } from "./connections.ts";
import { checkDecoy, type DecoyReport } from "./decoyCheck.ts";
import { cityTraffic, engineConfigOf, GATE, OPEN, SHUT } from "./engineSetup.ts";
import { exitError } from "./errors.ts";
import {
  decoySeen,
  freshFigures,
  metered,
  monthOf,
  readFiguresOf,
  removeFigures,
  writeFigures,
  type Figures,
} from "./meter.ts";
import { isPublished, publicationOf, publicationPath, publish, unpublish } from "./publication.ts";
import { asText, capRate, rateCommands, uncapRate } from "./rateCap.ts";
import {
  readExitRecord,
  removeExitRecord,
  writeExitRecord,
  type Decoy,
  type ExitRecord,
  type Place,
} from "./record.ts";
import { doorOf, expired, nextExpiry, portsOf, publishedLink, rotated } from "./transitions.ts";

export interface ExitTiming {
  /** An exit first learns its decoy's habits: it is published no earlier than this after its start (chapter 08 §2). */
  readonly settleMs: number;
  readonly pollMs: number;
  readonly decoyPeriodMs: number;
  /** How long connections may go on at the cap of the month. */
  readonly cutMs: number;
  /** Before an engine that gave up is tried again. */
  readonly retryMs: number;
}

const TIMING: ExitTiming = {
  ...{ settleMs: 6000, pollMs: 5000, decoyPeriodMs: 600_000, cutMs: 600_000, retryMs: 60_000 },
};
/** Below this part of the cap new connections are taken again. */
const REOPEN = 0.9;
export const OVERLAP_SECONDS = 172_800;
export const DRAIN_SECONDS = 86_400;
const CLOCK_MS_MAX = 3_600_000;

export interface ExitOptions {
  /** Folder of its own in the data directory. */
  readonly directory: string;
  readonly x25519: X25519;
  readonly binaries: () => Binaries;
  readonly gazetteer: () => Gazetteer;
  readonly onChange?: () => void;
  readonly onDefect?: (error: unknown) => void;
  readonly timing?: Partial<ExitTiming>;
  readonly nowUnix?: () => number;
  /** Told after each thing that is on the disk. */
  readonly onStep?: (step: string) => void;
}

/** What is left out keeps its value, or its default where the city is new. */
export interface ExitWish {
  /** A name of the gazetteer; needed for a new city. */
  readonly city?: string | undefined;
  readonly country?: string | undefined;
  readonly code?: string | undefined;
  readonly node?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly listen?: string | undefined;
  readonly primary?: boolean | undefined;
  readonly decoy?:
    | { readonly name: string; readonly port: number; readonly host: string; readonly certificate: string | null }
    | undefined;
  /** Share URL of the exit that a relay forwards to. */
  readonly relayOf?: string | undefined;
  /** Null ends a cap. */
  readonly monthlyBytes?: number | null | undefined;
  readonly connections?: number | null | undefined;
  readonly rate?: { readonly device: string; readonly mbit: number } | null | undefined;
  readonly practice?: NonNullable<ExitRecord["practice"]> | undefined;
  readonly publishTo?: string | undefined;
}

export interface RotateHow {
  readonly overlapSeconds?: number | undefined;
  /** A new X25519 key, too: on this port beside the old one, or at once in its place. */
  readonly newKey?: { readonly port: number } | "cut-over" | undefined;
}

/** Something to be known, as {code, params}. */
export interface ExitNotice {
  readonly code: string;
  readonly params: ErrorParams;
}

export type ExitState =
  /** There is none. */
  | "none"
  /** No host runs it. */
  | "stopped"
  | "starting"
  | "serving"
  /** The month's volume is used up: not published, no new connections. */
  | "capped"
  /** Not published any more; those who hold a link are still served. */
  | "draining"
  | "withdrawn"
  /** Its engine does not run. */
  | "failed";

export interface ExitStatus {
  readonly state: ExitState;
  readonly kind: "exit" | "relay" | null;
  readonly city: Place | null;
  /** What is published; it has the address. */
  readonly link: string | null;
  readonly isPublished: boolean;
  readonly publication: string | null;
  readonly ports: readonly number[];
  /** Accounts that are accepted, the published one first. */
  readonly accounts: readonly { readonly port: number; readonly shortId: string; readonly untilMs: number | null }[];
  readonly drainUntilMs: number | null;
  readonly decoy: {
    readonly name: string;
    readonly state: Figures["decoy"]["state"];
    readonly sinceMs: number | null;
    readonly lastOkMs: number | null;
  } | null;
  readonly usage: {
    readonly month: string;
    readonly bytesUp: number;
    readonly bytesDown: number;
    readonly bytesMax: number | null;
  } | null;
  readonly connections: {
    readonly open: number | null;
    readonly max: number | null;
    readonly isRefusing: boolean;
  } | null;
  readonly rate: {
    readonly device: string;
    readonly mbit: number;
    readonly isInForce: boolean;
    readonly commands: readonly string[];
  } | null;
  readonly notices: readonly ExitNotice[];
}

export class ExitService {
  readonly #options: ExitOptions;
  readonly #timing: ExitTiming;
  #record: ExitRecord | undefined;
  /** The record is there and cannot be read: nothing is done until somebody has seen to it. */
  #damage: ProtocolError | undefined;
  #figures: Figures;
  #engine: Engine | undefined;
  /** The configuration that the engine runs with. */
  #running: string | undefined;
  #readyAt: number | undefined;
  #retryAt = 0;
  #engineFault: ExitNotice | undefined;
  #isHosted = false;
  #isRefusing = false;
  #isShut = false;
  #cutAt: number | undefined;
  #counted = { up: 0n, down: 0n };
  #open: number | undefined;
  #decoyAt = -Infinity;
  /** The cap in force; null for none; undefined before anybody looked, for a killed program may have left one. */
  #rated: ExitRecord["rate"] | undefined;
  #ratedAs: string | undefined;
  #rateFault: ExitNotice | undefined;
  #rateRetryAt = 0;
  /** Of the last try to make things match the record. */
  #fault: ExitNotice | undefined;
  #lostFigures: boolean;
  #timer: NodeJS.Timeout | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  /** Reads what is kept and starts nothing. What cannot be read the status tells, and every command. */
  constructor(options: ExitOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
    try {
      this.#record = readExitRecord(options.directory);
    } catch (error) {
      this.#damage = asProtocolError(error);
    }
    const { figures, isLost } = readFiguresOf(options.directory, this.#now());
    this.#figures = figures;
    this.#lostFigures = isLost;
  }

  /** Runs the city from now on, where there is one. Never throws for what is wrong with it: the status says so. */
  async start(): Promise<void> {
    this.#isHosted = true;
    await this.#inOrder(() => this.#converge());
    this.#schedule();
  }

  /** Ends engine and shaper; what is published stays, for a machine that starts anew is not a city that has left. */
  async stop(): Promise<void> {
    this.#isHosted = false;
    clearTimeout(this.#timer);
    await this.#inOrder(async () => {
      await this.#meter();
      await this.#endEngine();
      await this.#endRate(this.#rated ?? null);
    });
  }

  /** Makes this machine a city, or brings it back, or changes what is given. Throws `ProtocolError`; then nothing has changed. */
  init(wish: ExitWish): Promise<{ readonly status: ExitStatus; readonly decoy: DecoyReport | null }> {
    return this.#inOrder(async () => {
      if (this.#damage !== undefined) throw this.#damage;
      if (this.#record?.stage === "removing") throw exitError("exit-removing");
      const wanted = this.#record === undefined ? this.#created(wish) : this.#changed(this.#record, wish);
      publicationOf(wanted);
      const isDecoyNew = JSON.stringify(wanted.decoy) !== JSON.stringify(this.#record?.decoy);
      const decoy = wanted.decoy !== null && isDecoyNew ? await checkDecoy(wanted.decoy) : null;
      const oldRate = this.#record?.rate ?? null;
      this.#write(wanted);
      if (decoy !== null) {
        this.#remember({ ...this.#figures, decoy: decoySeen(freshFigures(this.#now()).decoy, null, this.#now()) });
        this.#decoyAt = performance.now();
      }
      if (oldRate !== null && oldRate.device !== wanted.rate?.device) await this.#endRate(oldRate);
      [this.#retryAt, this.#rateRetryAt] = [0, 0];
      await this.#converge();
      return { status: await this.status(), decoy };
    });
  }

  /** New UUID and short id; the old ones go on working for the overlap. Throws "exit-absent" and what `rotated` throws. */
  rotate({ overlapSeconds = OVERLAP_SECONDS, newKey }: RotateHow): Promise<ExitStatus> {
    return this.#inOrder(async () => {
      const fresh = createExitKeys(this.#options.x25519);
      const nowUnix = this.#now();
      this.#write(rotated(this.#wanted(), { nowUnix, overlapSeconds, fresh, ...(newKey !== undefined && { newKey }) }));
      await this.#converge();
      return this.status();
    });
  }

  /** Ends publication at once and the engine after `drainSeconds`. Throws "exit-absent". */
  withdraw({ drainSeconds = DRAIN_SECONDS }: { readonly drainSeconds?: number | undefined }): Promise<ExitStatus> {
    return this.#inOrder(async () => {
      const record = this.#wanted();
      const stageUntilUnix = this.#now() + drainSeconds;
      this.#write({ ...record, stage: "draining", stageUntilUnix });
      await this.#converge();
      return this.status();
    });
  }

  /** Undoes all: publication, engine, shaper, keys, figures. Throws "exit-absent". */
  remove(): Promise<ExitStatus> {
    return this.#inOrder(async () => {
      this.#write({ ...this.#wanted(), stage: "removing", stageUntilUnix: null });
      await this.#converge();
      return this.status();
    });
  }

  async status(): Promise<ExitStatus> {
    const record = this.#record;
    if (this.#damage !== undefined) {
      const { code, params } = this.#damage;
      return { ...NO_EXIT, state: "failed", notices: [{ code, params }] };
    }
    if (record === undefined) return NO_EXIT;
    const { city, doors, relay, limits, decoy, rate } = record;
    const { month, bytesUp, bytesDown, decoy: seen } = this.#current();
    const open = (await countConnections(portsOf(record))) ?? null;
    return {
      state: this.#state(record),
      kind: relay === null ? "exit" : "relay",
      city,
      link: publishedLink(record),
      isPublished: isPublished(record),
      publication: publicationPath(record),
      ports: portsOf(record),
      accounts: doors.flatMap(({ port, accounts }) =>
        accounts.map(({ shortId, untilUnix }) => ({ port, shortId, untilMs: inMs(untilUnix) })),
      ),
      drainUntilMs: inMs(record.stageUntilUnix),
      decoy: decoy && {
        name: decoy.name,
        state: seen.state,
        sinceMs: inMs(seen.sinceUnix),
        lastOkMs: inMs(seen.lastOkUnix),
      },
      usage: { month, bytesUp, bytesDown, bytesMax: limits.monthlyBytes },
      connections: { open, max: limits.connections, isRefusing: this.#isRefusing },
      rate: rate && {
        ...rate,
        isInForce: this.#ratedAs !== undefined,
        commands: asText(rateCommands(rate, portsOf(record))),
      },
      notices: this.#notices(record),
    };
  }

  #state(record: ExitRecord): ExitState {
    if (record.stage === "withdrawn" || record.stage === "removing") return "withdrawn";
    if (!this.#isHosted) return "stopped";
    if (this.#engineFault !== undefined) return "failed";
    if (record.stage === "draining") return "draining";
    if (this.#isUsedUp(record)) return "capped";
    return this.#isSettled() ? "serving" : "starting";
  }

  #notices(record: ExitRecord): readonly ExitNotice[] {
    const { decoy } = this.#figures;
    const { limits } = record;
    const notices: ExitNotice[] = [];
    for (const fault of [this.#fault, this.#engineFault, this.#rateFault]) if (fault !== undefined) notices.push(fault);
    if (record.decoy !== null && (decoy.state === "failing" || decoy.state === "unfit")) {
      notices.push({ code: decoy.reason ?? "decoy-unreachable", params: { name: record.decoy.name, reason: "" } });
    }
    if (this.#isUsedUp(record)) notices.push({ code: "exit-volume-used-up", params: { month: this.#current().month } });
    if (this.#isRefusing) notices.push({ code: "exit-full", params: { max: limits.connections ?? 0 } });
    if (limits.connections !== null && this.#isHosted && this.#engine !== undefined && this.#open === undefined) {
      notices.push({ code: "exit-connections-unknown", params: {} });
    }
    if (this.#lostFigures) notices.push({ code: "exit-figures-lost", params: {} });
    return notices;
  }

  // What is wanted

  #created(wish: ExitWish): ExitRecord {
    const { country, node, host, primary = false, relayOf, practice = null } = wish;
    if (wish.city === undefined) throw exitError("exit-value-missing", { what: "--city" });
    if (host === undefined) throw exitError("exit-value-missing", { what: "--host" });
    const place = findPlace(this.#options.gazetteer(), wish.city, country);
    const code = wish.code ?? place.code;
    const city: Place = { ...place, code, node: node ?? place.node };
    const port = wish.port ?? 443;
    const fresh = createExitKeys(this.#options.x25519);
    if (relayOf === undefined && wish.decoy === undefined) throw exitError("exit-value-missing", { what: "--decoy" });
    const record: ExitRecord = {
      version: 1,
      city,
      primary,
      host: host.toLowerCase(),
      listen: wish.listen ?? "0.0.0.0",
      decoy: relayOf === undefined ? (wish.decoy ?? null) : null,
      doors: relayOf === undefined ? [doorOf(fresh, port)] : [],
      relay: relayOf === undefined ? null : { link: relayOf, port },
      limits: { monthlyBytes: wish.monthlyBytes ?? null, connections: wish.connections ?? null },
      rate: wish.rate ?? null,
      practice,
      publishTo: wish.publishTo ?? join(this.#options.directory, "public"),
      ...{ stage: "serving", stageUntilUnix: null },
    };
    return checked(record);
  }

  #changed(record: ExitRecord, wish: ExitWish): ExitRecord {
    const { city, decoy, relay } = record;
    const isOther =
      (wish.city !== undefined && !isSameCity(city, findPlace(this.#options.gazetteer(), wish.city, wish.country))) ||
      (wish.code !== undefined && wish.code !== city.code) ||
      (wish.node !== undefined && wish.node !== city.node) ||
      (wish.port !== undefined && wish.port !== portsOf(record)[0]) ||
      (wish.relayOf === undefined ? false : relay === null) ||
      (wish.publishTo !== undefined && wish.publishTo !== record.publishTo);
    if (isOther) throw exitError("exit-exists", { city: city.name.en });
    return checked({
      ...record,
      primary: wish.primary ?? record.primary,
      host: wish.host?.toLowerCase() ?? record.host,
      listen: wish.listen ?? record.listen,
      decoy: relay === null ? (wish.decoy ?? decoy) : null,
      relay: relay && { ...relay, link: wish.relayOf ?? relay.link },
      limits: {
        monthlyBytes: wish.monthlyBytes === undefined ? record.limits.monthlyBytes : wish.monthlyBytes,
        connections: wish.connections === undefined ? record.limits.connections : wish.connections,
      },
      rate: wish.rate === undefined ? record.rate : wish.rate,
      practice: wish.practice ?? record.practice,
      ...{ stage: "serving", stageUntilUnix: null },
    });
  }

  #wanted(): ExitRecord {
    const record = this.#record;
    if (this.#damage !== undefined) throw this.#damage;
    if (record === undefined) throw exitError("exit-absent");
    if (record.stage === "removing") throw exitError("exit-removing");
    return record;
  }

  #write(record: ExitRecord): void {
    writeExitRecord(this.#options.directory, record);
    this.#record = record;
    this.#step(`record ${record.stage}`);
  }

  // Making it so

  async #converge(): Promise<void> {
    try {
      await this.#convergeNow();
      this.#fault = undefined;
    } catch (error) {
      const { code, params } = asProtocolError(error);
      this.#fault = { code, params };
    }
    this.#options.onChange?.();
  }

  async #convergeNow(): Promise<void> {
    if (this.#record === undefined) return;
    const record = expired(this.#record, this.#now());
    if (record !== this.#record) this.#write(record);
    if (record.stage === "removing") return this.#finishRemoval(record);
    await this.#meter();
    await this.#judgeGate(record);
    const isCapped = this.#isUsedUp(record);
    // First of all: a link that no longer works must not be given to anybody else.
    if ((record.stage !== "serving" || isCapped) && unpublish(record)) this.#step("unpublished");
    if (!this.#isHosted) return;
    if (record.stage === "withdrawn") {
      if (this.#engine === undefined) await endLeftover(openEngineDirectory(this.#options.directory, "engine").path);
      await this.#endEngine();
      if (this.#rated !== null) await this.#endRate(this.#rated ?? record.rate);
      return;
    }
    await this.#runEngine(record);
    await this.#steer(record);
    await this.#rate(record);
    this.#watchDecoy(record).catch((error: unknown) => this.#options.onDefect?.(error));
    if (record.stage === "serving" && !isCapped && this.#isSettled() && publish(record)) this.#step("published");
  }

  async #finishRemoval(record: ExitRecord): Promise<void> {
    if (unpublish(record)) this.#step("unpublished");
    await this.#endEngine();
    // Of a program that was killed; where one runs, its own end has done this.
    await endLeftover(openEngineDirectory(this.#options.directory, "engine").path);
    await this.#endRate(record.rate);
    removeFigures(this.#options.directory);
    this.#step("figures removed");
    // Last of all: as long as it is there, a start goes on with this.
    removeExitRecord(this.#options.directory);
    this.#step("record removed");
    this.#record = undefined;
    this.#figures = freshFigures(this.#now());
    [this.#engineFault, this.#rateFault] = [undefined, undefined];
    this.#lostFigures = false;
  }

  async #runEngine(record: ExitRecord): Promise<void> {
    const { binaries } = this.#options;
    const directory = openEngineDirectory(this.#options.directory, "engine");
    const isCut = this.#cutAt !== undefined && performance.now() >= this.#cutAt;
    const key = JSON.stringify([record.doors, record.relay, record.decoy, record.listen, record.practice, isCut]);
    const isWaiting = this.#engineFault === undefined || performance.now() < this.#retryAt;
    if (this.#running === key && isWaiting) return;
    const config = engineConfigOf(record, directory.apiSocket, this.#isShut);
    try {
      this.#readyAt = undefined;
      this.#running = key;
      if (this.#engine === undefined) {
        this.#engine = await startEngine({
          ...{ binaries: binaries(), directory: directory.path, config },
          onEvent: (event) => this.#onEngine(event),
        });
      } else {
        await this.#engine.restart(config);
      }
      this.#engineFault = undefined;
    } catch (error) {
      const { code, params } = asProtocolError(error);
      this.#engineFault = { code, params };
      this.#retryAt = performance.now() + this.#timing.retryMs;
    }
  }

  #onEngine(event: EngineEvent): void {
    if (event.kind === "ready") {
      this.#readyAt = performance.now();
      this.#counted = { up: 0n, down: 0n };
      this.#schedule();
    } else if (event.kind === "exited") {
      this.#readyAt = undefined;
    } else if (event.kind === "gave-up") {
      this.#readyAt = undefined;
      this.#engineFault = { code: event.code, params: event.port === undefined ? {} : { port: event.port } };
      this.#retryAt = performance.now() + this.#timing.retryMs;
      this.#options.onChange?.();
    }
  }

  async #endEngine(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    this.#running = undefined;
    this.#readyAt = undefined;
    this.#engineFault = undefined;
    await engine?.stop();
  }

  #isSettled(): boolean {
    return this.#readyAt !== undefined && performance.now() - this.#readyAt >= this.#timing.settleMs;
  }

  // Figures and caps

  async #meter(): Promise<void> {
    const engine = this.#engine;
    if (engine === undefined || this.#readyAt === undefined) return;
    let now;
    try {
      now = cityTraffic(await engine.api.counters("inbound>>>"));
    } catch (error) {
      // An engine that has just ended; its next one counts from 0.
      asProtocolError(error);
      return;
    }
    const isNew = now.up < this.#counted.up || now.down < this.#counted.down;
    const [up, down] = isNew ? [now.up, now.down] : [now.up - this.#counted.up, now.down - this.#counted.down];
    this.#counted = now;
    if (up > 0n || down > 0n) this.#remember(metered(this.#figures, this.#now(), Number(up), Number(down)));
  }

  /** The month that has begun meanwhile has nothing in it yet. */
  #current(): Figures {
    return monthOf(this.#now()) === this.#figures.month ? this.#figures : metered(this.#figures, this.#now(), 0, 0);
  }

  #remember(figures: Figures): void {
    this.#figures = figures;
    writeFigures(this.#options.directory, figures);
    this.#step("figures");
  }

  #isUsedUp({ limits }: ExitRecord): boolean {
    const { bytesUp, bytesDown } = this.#current();
    return limits.monthlyBytes !== null && bytesUp + bytesDown >= limits.monthlyBytes;
  }

  async #judgeGate(record: ExitRecord): Promise<void> {
    const { connections } = record.limits;
    this.#open = connections === null ? undefined : await countConnections(portsOf(record));
    if (connections === null || this.#open === undefined) this.#isRefusing = false;
    else this.#isRefusing = this.#open >= (this.#isRefusing ? Math.floor(connections * REOPEN) : connections);
    const isUsedUp = this.#isUsedUp(record);
    if (!isUsedUp) this.#cutAt = undefined;
    else this.#cutAt ??= performance.now() + this.#timing.cutMs;
    this.#isShut = isUsedUp || this.#isRefusing;
  }

  /** New connections meet the gate; those under way go on. */
  async #steer(record: ExitRecord): Promise<void> {
    const engine = this.#engine;
    if (engine === undefined || this.#readyAt === undefined) return;
    engine.prepare(
      engineConfigOf(record, openEngineDirectory(this.#options.directory, "engine").apiSocket, this.#isShut),
    );
    try {
      await engine.api.overrideBalancer(GATE, this.#isShut ? SHUT : OPEN);
    } catch (error) {
      // Its next start takes what is prepared.
      asProtocolError(error);
    }
  }

  async #rate(record: ExitRecord): Promise<void> {
    const { rate } = record;
    if (rate === null) {
      if (this.#rated !== null) await this.#endRate(this.#rated ?? null);
      return;
    }
    const key = JSON.stringify([rate, portsOf(record)]);
    if (this.#ratedAs === key || performance.now() < this.#rateRetryAt) return;
    try {
      await capRate(rate, portsOf(record));
      [this.#rated, this.#ratedAs, this.#rateFault] = [rate, key, undefined];
    } catch (error) {
      const { code, params } = asProtocolError(error);
      [this.#rated, this.#ratedAs, this.#rateFault] = [null, undefined, { code, params }];
      this.#rateRetryAt = performance.now() + this.#timing.retryMs;
    }
  }

  async #endRate(cap: ExitRecord["rate"]): Promise<void> {
    [this.#rated, this.#ratedAs, this.#rateFault] = [null, undefined, undefined];
    // Without the right to undo it, it was not this program that did it.
    if (cap !== null) await uncapRate(cap).catch(() => undefined);
  }

  /** Beside everything else: a site that does not answer must not hold up a command. */
  async #watchDecoy({ decoy }: ExitRecord): Promise<void> {
    if (decoy === null || performance.now() - this.#decoyAt < this.#timing.decoyPeriodMs) return;
    this.#decoyAt = performance.now();
    const reason = await faultOf(decoy);
    await this.#inOrder(async () => {
      if (!this.#isHosted || this.#record?.decoy?.name !== decoy.name) return;
      this.#remember({ ...this.#current(), decoy: decoySeen(this.#figures.decoy, reason, this.#now()) });
      this.#options.onChange?.();
      return Promise.resolve();
    });
  }

  // Order

  #schedule(): void {
    clearTimeout(this.#timer);
    if (!this.#isHosted) return;
    this.#timer = setTimeout(() => {
      this.#inOrder(() => this.#converge()).then(
        () => this.#schedule(),
        (error: unknown) => {
          this.#options.onDefect?.(error);
          this.#schedule();
        },
      );
    }, this.#nextMs());
  }

  #nextMs(): number {
    const { pollMs, settleMs } = this.#timing;
    const expiry = this.#record === undefined ? undefined : nextExpiry(this.#record);
    const untilExpiry = expiry === undefined ? Infinity : (expiry - this.#now()) * 1000;
    const untilSettled =
      this.#readyAt === undefined || this.#isSettled() ? Infinity : this.#readyAt + settleMs - performance.now();
    return Math.min(Math.max(Math.min(pollMs, untilExpiry, untilSettled), 0), CLOCK_MS_MAX);
  }

  #now(): number {
    return this.#options.nowUnix?.() ?? Math.floor(Date.now() / 1000);
  }

  #step(step: string): void {
    this.#options.onStep?.(step);
  }

  #inOrder<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

const NO_EXIT: ExitStatus = {
  ...{
    state: "none",
    kind: null,
    city: null,
    link: null,
    isPublished: false,
    publication: null,
    ports: [],
    accounts: [],
  },
  ...{ drainUntilMs: null, decoy: null, usage: null, connections: null, rate: null, notices: [] },
};

const inMs = (unix: number | null): number | null => (unix === null ? null : unix * 1000);

async function faultOf(decoy: Decoy): Promise<string | null> {
  try {
    await checkDecoy(decoy);
    return null;
  } catch (error) {
    return asProtocolError(error).code;
  }
}

/** Anything else is a defect. */
function asProtocolError(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error as ProtocolError;
  throw error;
}

const isSameCity = (a: Place, b: Place): boolean => a.name.en === b.name.en && a.country === b.country;

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;

/** Throws "exit-bad-value" with `what`. */
function checked(record: ExitRecord): ExitRecord {
  const bad = (what: string, value: string): Error => exitError("exit-bad-value", { what, value });
  const { city, host, listen, decoy, relay } = record;
  if (!/^[a-z]{3}$/.test(city.code)) throw bad("--code", city.code);
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(city.node)) throw bad("--node", city.node);
  if (!isAddress(host) && !isDnsName(host)) throw bad("--host", host);
  if (!isAddress(listen)) throw bad("--listen", listen);
  const wrongPort = portsOf(record).find((port) => !isPort(port));
  if (wrongPort !== undefined) throw bad("--port", String(wrongPort));
  if (decoy !== null && !isDnsName(decoy.name)) throw bad("--decoy", decoy.name);
  if (relay !== null) {
    try {
      parseShareLink(relay.link);
    } catch {
      throw bad("--relay-of", "the link");
    }
  }
  return record;
}
