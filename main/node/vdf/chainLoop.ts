/** The loop of one chain: a slice of hashes, then what was said meanwhile, then the next slice. Runs in a thread of its own. */
import { setImmediate as nextTurn } from "node:timers/promises";

import type { ChainRun, Native } from "../../native/index.ts";
import { equalBytes, type Hash32 } from "../../protocol/bytes.ts";
import {
  GRANTS_MAX,
  PROGRESS_INTERVAL_MS,
  SEGMENTS_MAX,
  type AdoptOutcome,
  type Answer,
  type ChainActivity,
  type ChainJob,
  type ChainProgress,
  type ChainSettings,
  type Command,
  type FromThread,
  type Grant,
  type ToThread,
  type UnverifiedSpan,
} from "./messages.ts";
import { restMs, SaveClock, SLICE_MS_MAX, SlicePacer } from "./pacing.ts";
import { ProgressFile, RECENT_ENDS_MAX, type Position, type ProgressNotice, type SegmentEnd } from "./progressFile.ts";

type Post = (message: FromThread) => void;

export class ChainLoop {
  readonly #crypto: Native;
  readonly #job: ChainJob;
  readonly #post: Post;
  readonly #file: ProgressFile;
  readonly #pacer = new SlicePacer();
  readonly #saveClock: SaveClock;
  readonly #speed = new SpeedMeter();

  #settings: ChainSettings;
  #grants: Grant[];
  #segment: bigint;
  #run: ChainRun;
  /** Newest last; the last is that of `#segment`. */
  #ends: Hash32[];
  #saved: Position;
  #unverified: (UnverifiedSpan & { readonly endsBefore: readonly Hash32[] }) | undefined;
  #iterationsSinceSave = 0n;
  #isSaved = false;
  #lastSaveError: string | undefined;
  #reportDueMs = 0;
  #reported: Omit<ChainProgress, "iterationsPerSecond"> | undefined;
  #unseenSegments = 0;
  #isStopped = false;
  #wake: (() => void) | undefined;

  constructor(crypto: Native, job: ChainJob, post: Post, note: string) {
    this.#crypto = crypto;
    this.#job = job;
    this.#post = post;
    this.#settings = job.settings;
    this.#grants = [...job.grants];
    this.#saveClock = new SaveClock(performance.now(), job.saveIntervalMs);
    this.#file = new ProgressFile(crypto, job.progressPath, job.purpose, job.identity);

    const { checkpoint, notices } = this.#file.resume(job.base, (segment) => this.#dOf(segment));
    const position = checkpoint?.position ?? { ...job.base, iterations: 0n };
    this.#segment = position.segment;
    this.#run = crypto.chainRun(position.value, Number(position.iterations));
    this.#ends = [...(checkpoint?.recentEnds ?? [job.base.value])];
    this.#saved = position;
    this.#isSaved = checkpoint !== undefined;
    if (checkpoint !== undefined && checkpoint.spanIterations > 0n) {
      const { previous, spanIterations } = checkpoint;
      const endsBefore = this.#ends.slice(0, this.#ends.length - Number(position.segment - previous.segment));
      this.#unverified = { from: previous, to: position, iterations: spanIterations, endsBefore };
    }
    this.#postReady(position, notices, note);
  }

  /** Ends after a `stop`. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      const d = this.#dOf(this.#segment + 1n);
      const activity = this.#settings.isPaused ? "paused" : d === undefined ? "waiting-for-d" : "working";
      this.#report(activity, d);
      if (activity !== "working" || d === undefined || this.#unseenSegments >= SEGMENTS_MAX) {
        this.#saveIfNew();
        this.#speed.interrupt();
        await this.#woken();
        continue;
      }
      const busyMs = this.#slice(d);
      const pauseMs = restMs(busyMs, this.#settings.cpuShare);
      if (BigInt(this.#run.done) >= d) this.#endSegment();
      else if (this.#saveClock.isDue(performance.now(), pauseMs + SLICE_MS_MAX)) this.#save();
      if (pauseMs >= 1) await this.#rest(pauseMs);
      await nextTurn();
    }
    this.#saveIfNew();
    this.#file.close();
  }

  hear(message: ToThread): void {
    if (message.kind === "segments-seen") this.#unseenSegments -= message.count;
    else this.#post({ kind: "answer", id: message.id, answer: this.#obey(message.command) });
    this.#wake?.();
  }

  #obey(command: Command): Answer {
    switch (command.kind) {
      case "settings":
        return { kind: "settings", isPrioritySet: this.#apply(command.settings) };
      case "grant":
        this.#grants = [...this.#grants, command.grant].slice(-GRANTS_MAX);
        return { kind: "done" };
      case "adopt":
        return this.#adopt(command.end);
      case "span":
        return this.#settleSpan(command.isRight);
      case "stop":
        this.#isStopped = true;
        return { kind: "done" };
    }
  }

  #apply(settings: ChainSettings): boolean {
    const isNewPriority = settings.priority !== this.#settings.priority;
    this.#settings = settings;
    this.#speed.interrupt();
    return !isNewPriority || this.#crypto.setThreadPriority(settings.priority);
  }

  #dOf(segment: bigint): bigint | undefined {
    return this.#grants.find(({ from, through }) => from <= segment && segment <= through)?.d;
  }

  /** Gives how long it took, in milliseconds. */
  #slice(d: bigint): number {
    const left = d - BigInt(this.#run.done);
    const iterations = left < BigInt(this.#pacer.iterations) ? Number(left) : this.#pacer.iterations;
    const startMs = performance.now();
    this.#run.advance(iterations);
    const busyMs = performance.now() - startMs;
    this.#pacer.record(iterations, busyMs);
    this.#speed.add(iterations, startMs);
    this.#iterationsSinceSave += BigInt(iterations);
    this.#isSaved = false;
    return busyMs;
  }

  #endSegment(): void {
    this.#begin(this.#segment + 1n, this.#run.value);
    this.#save();
    const end = { segment: this.#segment, value: this.#run.value };
    this.#unseenSegments++;
    this.#post({ kind: "segment", end, isSaved: this.#isSaved });
  }

  #begin(segment: bigint, value: Hash32): void {
    this.#segment = segment;
    this.#run = this.#crypto.chainRun(value);
    this.#ends = [...this.#ends, value].slice(-RECENT_ENDS_MAX);
  }

  #adopt({ segment, value }: SegmentEnd): Answer {
    const answer = (outcome: AdoptOutcome, own?: Hash32): Answer => ({ kind: "adopt", outcome, own });
    if (segment > this.#segment) {
      // What lies between is not known: the values kept are those of consecutive segments.
      if (segment > this.#segment + 1n) this.#ends = [];
      this.#begin(segment, value);
      this.#restartFrom({ segment, iterations: 0n, value });
      return answer("adopted");
    }
    const own = this.#ends.at(Number(segment - this.#segment) - 1);
    if (own === undefined) return answer("too-old");
    return equalBytes(own, value) ? answer("already-computed", own) : answer("disagrees", own);
  }

  /** Wrong: all since the checkpoint before is worthless, also what was computed since the start. */
  #settleSpan(isRight: boolean): Answer {
    const span = this.#unverified;
    this.#unverified = undefined;
    if (!isRight && span !== undefined) {
      // Where its segment ends are not at hand, the chain goes on from what the owner knows.
      const isWhole = span.endsBefore.length > 0;
      const position = isWhole ? span.from : { ...this.#job.base, iterations: 0n };
      this.#segment = position.segment;
      this.#ends = isWhole ? [...span.endsBefore] : [this.#job.base.value];
      this.#run = this.#crypto.chainRun(position.value, Number(position.iterations));
      this.#restartFrom(position);
    }
    const end = { segment: this.#segment, value: this.#ends.at(-1)! };
    return { kind: "span", position: this.#position(), end };
  }

  /** The next checkpoint starts a stretch of its own: it did not come from the one before. */
  #restartFrom(position: Position): void {
    this.#saved = position;
    this.#iterationsSinceSave = 0n;
    this.#speed.interrupt();
    this.#save();
  }

  #position(): Position {
    return { segment: this.#segment, iterations: BigInt(this.#run.done), value: this.#run.value };
  }

  #saveIfNew(): void {
    if (!this.#isSaved) this.#save();
  }

  #save(): void {
    const position = this.#position();
    try {
      this.#file.save({
        segmentD: this.#dOf(this.#segment + 1n) ?? 0n,
        position,
        previous: this.#saved,
        spanIterations: this.#iterationsSinceSave,
        recentEnds: this.#ends,
      });
    } catch (error) {
      this.#saveClock.failed(performance.now());
      this.#postNotSaved(error);
      return;
    }
    this.#saved = position;
    this.#iterationsSinceSave = 0n;
    this.#isSaved = true;
    this.#lastSaveError = undefined;
    this.#saveClock.saved(performance.now());
    this.#post({ kind: "saved", position });
  }

  /** Once for each kind of failure: a full disk would otherwise be told every second. */
  #postNotSaved(error: unknown): void {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    if (code !== this.#lastSaveError) this.#post({ kind: "not-saved", code });
    this.#lastSaveError = code;
  }

  /** Some times a second while working, and whenever it comes to rest somewhere else. */
  #report(activity: ChainActivity, d: bigint | undefined): void {
    const nowMs = performance.now();
    const at = { activity, segment: this.#segment, iterations: BigInt(this.#run.done), d };
    const isSame = activity === this.#reported?.activity;
    const hasMoved = at.segment !== this.#reported?.segment || at.iterations !== this.#reported.iterations;
    if (isSame && (activity === "working" ? nowMs < this.#reportDueMs : !hasMoved)) return;
    this.#reported = at;
    this.#reportDueMs = nowMs + PROGRESS_INTERVAL_MS;
    this.#post({ kind: "progress", progress: { ...at, iterationsPerSecond: this.#speed.read(nowMs) } });
  }

  #postReady(position: Position, notices: readonly ProgressNotice[], note: string): void {
    const oldest = this.#segment - BigInt(this.#ends.length) + 1n;
    const ends = this.#ends
      .map((value, i) => ({ segment: oldest + BigInt(i), value }))
      .filter(({ segment }) => segment > this.#job.base.segment);
    const { priority } = this.#settings;
    const isPrioritySet = priority === "normal" || this.#crypto.setThreadPriority(priority);
    const span = this.#unverified && {
      from: this.#unverified.from,
      to: this.#unverified.to,
      iterations: this.#unverified.iterations,
    };
    this.#post({ kind: "ready", position, ends, notices, span, note, isPrioritySet });
  }

  /** For `ms`, unless new settings come. */
  async #rest(ms: number): Promise<void> {
    const settings = this.#settings;
    const untilMs = performance.now() + ms;
    for (let leftMs = ms; leftMs > 0; leftMs = untilMs - performance.now()) {
      await this.#woken(leftMs);
      if (this.#isStopped || this.#settings !== settings) return;
    }
  }

  /** Until a message comes, or `ms` have passed. */
  #woken(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = ms === undefined ? undefined : setTimeout(done, ms);
      this.#wake = done;
    });
  }
}

/** Iterations a second over the last seconds of work, rests included, pauses not. */
class SpeedMeter {
  #iterations = 0;
  #sinceMs: number | undefined;
  #measured: number | undefined;

  add(iterations: number, startMs: number): void {
    this.#sinceMs ??= startMs;
    this.#iterations += iterations;
  }

  /** What comes next is not a continuation of what was measured. */
  interrupt(): void {
    this.#sinceMs = undefined;
    this.#iterations = 0;
  }

  read(nowMs: number): number | undefined {
    const elapsedMs = this.#sinceMs === undefined ? 0 : nowMs - this.#sinceMs;
    if (elapsedMs >= SPEED_MS_MIN) {
      this.#measured = (this.#iterations * 1000) / elapsedMs;
      if (elapsedMs >= SPEED_MS_MAX) this.interrupt();
    }
    return this.#measured;
  }
}

const SPEED_MS_MIN = 500;
const SPEED_MS_MAX = 10_000;
