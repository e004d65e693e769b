/** The node's own TimeChain as the machine asks for it: from a value to the next one, each told once, in order. */
import { rm } from "node:fs/promises";

import type { RestartVdf, RunVdf } from "../../consensus/effects.ts";
import type { Native } from "../../native/index.ts";
import { equalBytes, type Hash32 } from "../../protocol/bytes.ts";
import type { ChainEvent } from "../vdf/chainThread.ts";
import type { ProgressNotice, SegmentEnd } from "../vdf/progressFile.ts";
import { TimeChain } from "../vdf/timeChain.ts";

export interface OwnTimeOptions {
  readonly crypto: Native;
  readonly genesisStateHash: Hash32;
  readonly progressPath: string;
  readonly addonPath?: string;
  readonly tau2Windows: bigint;
  /** The newest window whose value the store has, its value, and D of the step after it. */
  readonly base: SegmentEnd & { readonly d: bigint };
  /** Of one core, above 0 to 1: below 1 the chain rests between its slices, as in networks of one computer. */
  readonly cpuShare?: number | undefined;
  /** Begin without computing: T comes from others. */
  readonly isResting: boolean;
  readonly listener: OwnTimeListener;
}

export interface OwnTimeListener {
  /** T of `window` is computed. */
  ticked(window: bigint, value: Hash32): void;
  notice(notice: ProgressNotice | { readonly code: "timechain-not-saved"; readonly errno: string }): void;
  /** Nothing more will come; what is on disk is right. */
  failed(code: "timechain-failed" | "timechain-computed-wrong", error?: Error): void;
}

/** Timers run by it until the own speed is measured: a slow machine waits too short rather than for ever. */
const SPEED_SAMPLE_ITERATIONS = 20_000;

export class OwnTime {
  readonly #options: OwnTimeOptions;
  #chain: TimeChain | undefined;
  #newest: SegmentEnd;
  #through: bigint;
  #iterationsPerMs: number;
  #computed: SegmentEnd[] | undefined = [];
  /** One after the other: what is asked of the thread builds on what was asked before. */
  #work: Promise<void> = Promise.resolve();
  #isResting: boolean;
  #isStopped = false;
  /** Of the values that are told: events of threads before it count for nothing. */
  #generation = 0;

  /** Resolves when the thread works. */
  static async start(options: OwnTimeOptions): Promise<OwnTime> {
    const time = new OwnTime(options);
    await time.#open(options.base);
    return time;
  }

  private constructor(options: OwnTimeOptions) {
    this.#options = options;
    this.#newest = options.base;
    this.#isResting = options.isResting;
    this.#through = lastWithSameD(options.base.segment, options.tau2Windows);
    const startMs = performance.now();
    options.crypto.chainRun(options.base.value).advance(SPEED_SAMPLE_ITERATIONS);
    const ownSpeed = SPEED_SAMPLE_ITERATIONS / Math.max(0.01, performance.now() - startMs);
    this.#iterationsPerMs = ownSpeed * this.#cpuShare;
  }

  get #cpuShare(): number {
    return this.#options.cpuShare ?? 1;
  }

  /** Of the own chain, as measured last. */
  get iterationsPerMs(): number {
    return this.#iterationsPerMs;
  }

  /**
   * The values that the progress file had and the store has not, for a machine that starts. From now on values are told to the
   * listener.
   */
  takeComputed(): readonly SegmentEnd[] {
    const computed = this.#computed ?? [];
    this.#computed = undefined;
    return computed;
  }

  /** Leaves the hashing to others, or takes it up again with the next {@link run}. */
  rest(isResting: boolean): void {
    if (isResting === this.#isResting) return;
    this.#isResting = isResting;
    this.#queue(async () => {
      await this.#chain?.configure({ isPaused: isResting });
    });
  }

  /** For `run-vdf`. A value that is computed already has been told. */
  run({ window, from, iterations }: Pick<RunVdf, "window" | "from" | "iterations">): void {
    this.#queue(() => this.#run(window, from, iterations));
  }

  #queue(work: () => Promise<void>): void {
    this.#work = this.#work
      .then(() => (this.#isStopped ? undefined : work()))
      .catch((error: unknown) => {
        if (!this.#isStopped) this.#options.listener.failed("timechain-failed", asError(error));
      });
  }

  /** For `restart-vdf`. From this call on no value that was computed with other iterations is told. */
  restart({ window, value, iterations }: Pick<RestartVdf, "window" | "value" | "iterations">): void {
    this.#generation++;
    this.#queue(async () => {
      await this.#chain?.stop();
      // It holds ends of segments that are void.
      await rm(this.#options.progressPath, { force: true });
      await this.#open({ segment: window, value, d: iterations });
    });
  }

  /** Resolves when progress is on disk and the thread is gone. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#chain?.stop();
  }

  async #run(window: bigint, from: Hash32, iterations: bigint): Promise<void> {
    if (this.#isResting || this.#chain === undefined) return;
    const start = { segment: window - 1n, value: from };
    const isAhead = this.#newest.segment >= window;
    const isThere = this.#newest.segment === start.segment && equalBytes(this.#newest.value, from);
    if (!isAhead && !isThere && (await this.#chain.adopt(start.segment, from)).outcome === "disagrees") {
      // The machine has heard the own value and stopped signing; it follows the others' from here.
      await this.#chain.stop();
      this.#through = window - 1n;
      await this.#open({ ...start, d: iterations });
    }
    if (this.#newest.segment < start.segment) this.#newest = start;
    if (this.#through < window) {
      this.#through = lastWithSameD(start.segment, this.#options.tau2Windows);
      await this.#chain.allow(this.#through, iterations);
    }
  }

  async #open({ segment, value, d }: SegmentEnd & { readonly d: bigint }): Promise<void> {
    const { crypto, genesisStateHash, progressPath, addonPath, tau2Windows } = this.#options;
    const generation = this.#generation;
    this.#newest = { segment, value };
    this.#through = lastWithSameD(segment, tau2Windows);
    this.#chain = await TimeChain.start(crypto, {
      ...{ genesisStateHash, progressPath, window: segment, value, d, through: this.#through },
      ...(addonPath === undefined ? {} : { addonPath }),
      settings: { isPaused: this.#isResting, cpuShare: this.#cpuShare },
      listener: (event) => {
        if (generation === this.#generation) this.#hear(event);
      },
    });
  }

  #hear(event: ChainEvent): void {
    const { listener } = this.#options;
    if (this.#isStopped) return;
    switch (event.kind) {
      case "segment":
        this.#newest = event.end;
        if (this.#computed === undefined) listener.ticked(event.end.segment, event.end.value);
        else this.#computed.push(event.end);
        return;
      case "progress":
        if (event.progress.iterationsPerSecond !== undefined) {
          this.#iterationsPerMs = event.progress.iterationsPerSecond / 1000;
        }
        return;
      case "notice":
        listener.notice(event.notice);
        return;
      case "not-saved":
        listener.notice({ code: "timechain-not-saved", errno: event.code });
        return;
      case "went-back":
        listener.failed("timechain-computed-wrong");
        return;
      case "failed":
        listener.failed("timechain-failed", event.error);
        return;
      case "saved":
        return;
    }
  }
}

/** Segment s takes D(s − 1) iterations, and D changes with the first window of an epoch: the last one of the epoch of `segment` + 1. */
function lastWithSameD(segment: bigint, tau2Windows: bigint): bigint {
  return (segment / tau2Windows + 1n) * tau2Windows;
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
