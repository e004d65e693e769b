/**
 * The city that this machine runs: an exit, or a relay in front of one. Every command writes first what is wanted
 * (`record.ts`); `#converge` then makes engine, publication and shaper match it, now, every few seconds, and after a crash.
 */
import { join } from "node:path";

import type { X25519 } from "../../native/interface.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { Binaries } from "../../xray/binaries.ts";
import { createExitKeys } from "../../xray/exitKeys.ts";
import type { Gazetteer } from "../cities/gazetteer.ts";
import { CityEngine } from "./cityEngine.ts";
import { countConnections } from "./connections.ts";
import { checkDecoy, type DecoyReport } from "./decoyCheck.ts";
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
import { asText, rateCommands } from "./rateCap.ts";
import { readExitRecord, removeExitRecord, writeExitRecord, type Decoy, type ExitRecord } from "./record.ts";
import { Shaper } from "./shaper.ts";
import { NO_EXIT, type ExitNotice, type ExitState, type ExitStatus } from "./status.ts";
import { expired, nextExpiry, portsOf, publishedLink, rotated } from "./transitions.ts";
import { changedRecord, createdRecord, type ExitWish } from "./wish.ts";

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

export interface RotateHow {
  readonly overlapSeconds?: number | undefined;
  /** A new X25519 key, too: on this port beside the old one, or at once in its place. */
  readonly newKey?: { readonly port: number } | "cut-over" | undefined;
}

export class ExitService {
  readonly #options: ExitOptions;
  readonly #timing: ExitTiming;
  #record: ExitRecord | undefined;
  /** The record is there and cannot be read: nothing is done until somebody has seen to it. */
  #damage: ProtocolError | undefined;
  #figures: Figures;
  readonly #engine: CityEngine;
  readonly #shaper: Shaper;
  #isHosted = false;
  #isRefusing = false;
  #cutAt: number | undefined;
  #open: number | undefined;
  #decoyAt = -Infinity;
  /** Of the last try to make things match the record. */
  #fault: ExitNotice | undefined;
  #lostFigures: boolean;
  #timer: NodeJS.Timeout | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  /** Reads what is kept and starts nothing. What cannot be read the status tells, and every command. */
  constructor(options: ExitOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
    const { directory, binaries } = options;
    const { retryMs } = this.#timing;
    this.#shaper = new Shaper(retryMs);
    this.#engine = new CityEngine({ directory, binaries, retryMs, onChange: () => this.#onEngine() });
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
      if (this.#record === undefined) return;
      await this.#meter();
      await this.#engine.end();
      await this.#shaper.end(null);
    });
  }

  /** Makes this machine a city, or brings it back, or changes what is given. Throws `ProtocolError`; then nothing has changed. */
  init(wish: ExitWish): Promise<{ readonly status: ExitStatus; readonly decoy: DecoyReport | null }> {
    return this.#inOrder(async () => {
      if (this.#damage !== undefined) throw this.#damage;
      if (this.#record?.stage === "removing") throw exitError("exit-removing");
      const wanted = this.#wantedBy(wish);
      publicationOf(wanted);
      const isDecoyNew = JSON.stringify(wanted.decoy) !== JSON.stringify(this.#record?.decoy);
      const decoy = wanted.decoy !== null && isDecoyNew ? await checkDecoy(wanted.decoy) : null;
      const before = this.#record;
      this.#write(wanted);
      if (decoy !== null) {
        this.#remember({ ...this.#figures, decoy: decoySeen(freshFigures(this.#now()).decoy, null, this.#now()) });
        this.#decoyAt = performance.now();
      }
      if (before !== undefined && before.rate?.device !== wanted.rate?.device) await this.#shaper.end(before.rate);
      this.#engine.retry();
      this.#shaper.retry();
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
        isInForce: this.#shaper.isInForce,
        commands: asText(rateCommands(rate, portsOf(record))),
      },
      notices: this.#notices(record),
    };
  }

  #state(record: ExitRecord): ExitState {
    if (record.stage === "withdrawn" || record.stage === "removing") return "withdrawn";
    if (!this.#isHosted) return "stopped";
    if (this.#engine.fault !== undefined) return "failed";
    if (record.stage === "draining") return "draining";
    if (this.#isUsedUp(record)) return "capped";
    return this.#isSettled() ? "serving" : "starting";
  }

  #notices(record: ExitRecord): readonly ExitNotice[] {
    const { decoy } = this.#figures;
    const { limits } = record;
    const notices: ExitNotice[] = [];
    for (const fault of [this.#fault, this.#engine.fault, this.#shaper.fault])
      if (fault !== undefined) notices.push(fault);
    if (record.decoy !== null && (decoy.state === "failing" || decoy.state === "unfit")) {
      const code = decoy.state === "unfit" ? "decoy-unfit" : "decoy-failing";
      notices.push({ code, params: { name: record.decoy.name, reason: decoy.reason ?? "" } });
    }
    if (this.#isUsedUp(record)) notices.push({ code: "exit-volume-used-up", params: { month: this.#current().month } });
    if (this.#isRefusing) notices.push({ code: "exit-full", params: { max: limits.connections ?? 0 } });
    if (limits.connections !== null && this.#isHosted && this.#engine.upMs !== undefined && this.#open === undefined) {
      notices.push({ code: "exit-connections-unknown", params: {} });
    }
    if (this.#lostFigures) notices.push({ code: "exit-figures-lost", params: {} });
    return notices;
  }

  #isSettled(): boolean {
    const { upMs } = this.#engine;
    return upMs !== undefined && upMs >= this.#timing.settleMs;
  }

  #onEngine(): void {
    this.#schedule();
    this.#options.onChange?.();
  }

  #wantedBy(wish: ExitWish): ExitRecord {
    const { gazetteer, x25519, directory } = this.#options;
    if (this.#record !== undefined) return changedRecord(this.#record, wish, gazetteer);
    return createdRecord(wish, { gazetteer, fresh: createExitKeys(x25519), publishTo: join(directory, "public") });
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
      await this.#engine.end();
      return this.#shaper.end(record.rate);
    }
    const isCut = this.#cutAt !== undefined && performance.now() >= this.#cutAt;
    await this.#engine.run(record, { isShut: isCapped || this.#isRefusing, isCut });
    await this.#shaper.keep(record);
    this.#watchDecoy(record).catch((error: unknown) => this.#options.onDefect?.(error));
    if (record.stage === "serving" && !isCapped && this.#isSettled() && publish(record)) this.#step("published");
  }

  async #finishRemoval(record: ExitRecord): Promise<void> {
    if (unpublish(record)) this.#step("unpublished");
    await this.#engine.end();
    await this.#shaper.end(record.rate);
    removeFigures(this.#options.directory);
    this.#step("figures removed");
    // Last of all: as long as it is there, a start goes on with this.
    removeExitRecord(this.#options.directory);
    this.#step("record removed");
    this.#record = undefined;
    this.#figures = freshFigures(this.#now());
    this.#lostFigures = false;
  }

  // Figures and caps

  async #meter(): Promise<void> {
    const carried = await this.#engine.measure();
    if (carried !== undefined) this.#remember(metered(this.#figures, this.#now(), carried.up, carried.down));
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
    const { upMs } = this.#engine;
    const untilSettled = upMs === undefined || upMs >= settleMs ? Infinity : settleMs - upMs;
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
