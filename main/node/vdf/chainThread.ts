/** The main thread's side of a chain: starts its thread, tells it how to run, passes on what it reports. */
import type { Native } from "../../native/index.ts";
import type { Hash32 } from "../../protocol/bytes.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { AdoptOutcome, Answer, ChainJob, ChainSettings, Command, Grant, UnverifiedSpan } from "./messages.ts";
import { SAVE_INTERVAL_MS } from "./pacing.ts";
import type { Position, ProgressNotice, SegmentEnd } from "./progressFile.ts";
import { ThreadLink, type Ready, type Report } from "./threadLink.ts";

/** What a chain tells its owner. */
export type ChainEvent =
  | Report
  | { readonly kind: "notice"; readonly notice: ProgressNotice }
  /**
   * The stretch before the last stop does not recompute: memory or processor of this machine made a mistake. The chain is
   * back at `position`, after `end`; segments that were told after it are void.
   */
  | { readonly kind: "went-back"; readonly position: Position; readonly end: SegmentEnd }
  /** The thread is gone without being asked to; nothing more will come. */
  | { readonly kind: "failed"; readonly error: Error };

/** `unknown`: too long to recompute, or stopped before the end. */
export type SpanVerdict = "right" | "wrong" | "unknown";

export interface ChainOptions extends Omit<ChainJob, "saveIntervalMs" | "addonPath" | "settings"> {
  readonly settings?: Partial<ChainSettings>;
  /** How often progress is written inside a segment, where the default is not wanted; never above it. */
  readonly saveIntervalMs?: number;
  readonly addonPath?: string;
  readonly listener: (event: ChainEvent) => void;
}

const DEFAULT_SETTINGS: ChainSettings = { isPaused: false, cpuShare: 1, priority: "normal" };
export const CPU_SHARE_MIN = 0.01;
const PRIORITY_RANK = { background: 0, low: 1, normal: 2 } as const;
/** A stretch is what is computed between two checkpoints; a longer one comes from a full disk and is not recomputed. */
const SPAN_ITERATIONS_MAX = 2n ** 31n;

export class ChainThread {
  readonly #crypto: Native;
  readonly #options: ChainOptions;
  readonly #verification = new AbortController();
  #settings: ChainSettings;
  #grants: readonly Grant[];
  /** The newest segment end that was told. */
  #newest: SegmentEnd;
  #link!: ThreadLink;
  /** Commands wait for it while one thread takes over from another. */
  #renewal: Promise<void> = Promise.resolve();
  #isPrioritySet = true;
  #isStopped = false;

  /** What the thread's cryptography says about itself, for the log. */
  note = "";
  /** Resolves once the stretch before the last stop is recomputed, at once where there is none. */
  verified: Promise<SpanVerdict> = Promise.resolve("right");

  /** Resolves when the thread has read its progress file and works. Rejects with what the thread failed of. */
  static async start(crypto: Native, options: ChainOptions): Promise<ChainThread> {
    const chain = new ChainThread(crypto, options);
    chain.verified = chain.#verify((await chain.#open()).span);
    return chain;
  }

  private constructor(crypto: Native, options: ChainOptions) {
    this.#crypto = crypto;
    this.#options = options;
    this.#settings = checkSettings({ ...DEFAULT_SETTINGS, ...options.settings });
    this.#grants = options.grants;
    this.#newest = options.base;
  }

  get settings(): ChainSettings {
    return this.#settings;
  }

  /** False where the system refused the priority that the settings ask for. */
  get isPrioritySet(): boolean {
    return this.#isPrioritySet;
  }

  /**
   * Changes how the chain runs. Throws `RangeError` for a CPU share that is not from 0.01 to 1. A higher priority takes a new
   * thread where the system lets nobody raise one.
   */
  async configure(change: Partial<ChainSettings>): Promise<void> {
    const before = this.#settings;
    this.#settings = checkSettings({ ...before, ...change });
    const answer = await this.#command({ kind: "settings", settings: this.#settings });
    if (answer.kind !== "settings") return;
    this.#isPrioritySet = answer.isPrioritySet;
    const isRaised = PRIORITY_RANK[this.#settings.priority] > PRIORITY_RANK[before.priority];
    if (!answer.isPrioritySet && isRaised) await this.#renew();
  }

  /** Gives leave to compute further segments. */
  async grant(grant: Grant): Promise<void> {
    this.#grants = [...this.#grants, grant];
    await this.#command({ kind: "grant", grant });
  }

  /** Takes `end` for the value of its segment and goes on from it, unless that segment is computed already. */
  async adopt(end: SegmentEnd): Promise<{ readonly outcome: AdoptOutcome; readonly own: Hash32 | undefined }> {
    const answer = await this.#command({ kind: "adopt", end });
    if (answer.kind !== "adopt") throw new Error("a thread answers what it was asked");
    const { outcome, own } = answer;
    if (outcome === "adopted") this.#newest = end;
    return { outcome, own };
  }

  /** Resolves when progress is on disk and the thread is gone. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#verification.abort();
    await this.#renewal;
    await this.#link.end();
  }

  async #open(): Promise<Ready> {
    const { purpose, identity, progressPath, saveIntervalMs = SAVE_INTERVAL_MS, addonPath } = this.#options;
    const job: ChainJob = {
      ...{ purpose, identity, progressPath, addonPath },
      saveIntervalMs: Math.min(saveIntervalMs, SAVE_INTERVAL_MS),
      base: this.#newest,
      grants: this.#grants,
      settings: this.#settings,
    };
    const { link, ready } = await ThreadLink.open(job, {
      report: (report) => {
        this.#report(report);
      },
      failed: (error) => {
        this.#options.listener({ kind: "failed", error });
      },
    });
    this.#link = link;
    this.#isPrioritySet = ready.isPrioritySet;
    this.note = ready.note;
    for (const notice of ready.notices) this.#options.listener({ kind: "notice", notice });
    for (const end of ready.ends) this.#report({ kind: "segment", end, isSaved: true });
    return ready;
  }

  #report(report: Report): void {
    if (report.kind === "segment") this.#newest = report.end;
    this.#options.listener(report);
  }

  async #command(command: Command): Promise<Answer> {
    await this.#renewal;
    return this.#link.command(command);
  }

  /** Goes on in a fresh thread, from where the old one stops. */
  #renew(): Promise<void> {
    this.#renewal = this.#renewal.then(async () => {
      await this.#link.end();
      if (!this.#isStopped) await this.#open();
    });
    return this.#renewal;
  }

  async #verify(span: UnverifiedSpan | undefined): Promise<SpanVerdict> {
    if (span === undefined) return "right";
    if (span.iterations > SPAN_ITERATIONS_MAX) return "unknown";
    const segment = { start: span.from.value, iterations: Number(span.iterations), claimedEnd: span.to.value };
    try {
      const options = { threads: 1, signal: this.#verification.signal };
      const isRight = (await this.#crypto.verifySegments([segment], options))[0] === true;
      const answer = await this.#command({ kind: "span", isRight });
      if (isRight) return "right";
      if (answer.kind !== "span") throw new Error("a thread answers what it was asked");
      this.#newest = answer.end;
      this.#options.listener({ kind: "went-back", position: answer.position, end: answer.end });
      return "wrong";
    } catch (error) {
      // Stopped meanwhile, or the thread is gone, which is told apart from this: the next start recomputes its own stretch.
      if (error instanceof ProtocolError || this.#isStopped) return "unknown";
      throw error;
    }
  }
}

function checkSettings(settings: ChainSettings): ChainSettings {
  const { cpuShare } = settings;
  if (!(cpuShare >= CPU_SHARE_MIN && cpuShare <= 1)) {
    throw new RangeError(`the CPU share must be from ${CPU_SHARE_MIN} to 1`);
  }
  return settings;
}
