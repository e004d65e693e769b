/** The chain of a candidate on a thread of its own (chapter 05 §4.2): D(W_start) iterations a segment. */
import type { Native } from "../../native/index.ts";
import type { Hash32, NodeId } from "../../protocol/bytes.ts";
import { ChainThread, type ChainOptions, type SpanVerdict } from "./chainThread.ts";
import type { ChainSettings } from "./messages.ts";

export interface CandidateChainOptions extends Pick<
  ChainOptions,
  "settings" | "saveIntervalMs" | "addonPath" | "listener" | "progressPath"
> {
  readonly nodeId: NodeId;
  readonly wStart: bigint;
  /** v_0. */
  readonly init: Hash32;
  /** D(W_start). */
  readonly d: bigint;
  /** The newest segment that the owner knows to be done, and its value; 0 and `init` at first. */
  readonly done: bigint;
  readonly value: Hash32;
  /** Segments to compute in all. */
  readonly target: bigint;
}

export class CandidateChain {
  readonly #thread: ChainThread;
  readonly #d: bigint;
  #target: bigint;

  /**
   * Resolves when the thread works. Reports each finished segment's value as the event `segment`, in order, first those that
   * the progress file has and the owner has not; what was lost or damaged as `notice`.
   */
  static async start(crypto: Native, options: CandidateChainOptions): Promise<CandidateChain> {
    const { nodeId, wStart, init, d, done, value, target, ...rest } = options;
    const thread = await ChainThread.start(crypto, {
      ...rest,
      purpose: "candidate",
      identity: { start: init, startWindow: wStart, context: nodeId, d },
      base: { segment: done, value },
      grants: [{ from: 1n, through: target, d }],
    });
    return new CandidateChain(thread, d, target);
  }

  private constructor(thread: ChainThread, d: bigint, target: bigint) {
    this.#thread = thread;
    this.#d = d;
    this.#target = target;
  }

  get verified(): Promise<SpanVerdict> {
    return this.#thread.verified;
  }

  get settings(): ChainSettings {
    return this.#thread.settings;
  }

  /** Computes up to `target` segments instead (chapter 05 §4.2, step 5). A lower target changes nothing. */
  async extend(target: bigint): Promise<void> {
    if (target <= this.#target) return;
    const from = this.#target + 1n;
    this.#target = target;
    await this.#thread.grant({ from, through: target, d: this.#d });
  }

  configure(change: Partial<ChainSettings>): Promise<void> {
    return this.#thread.configure(change);
  }

  stop(): Promise<void> {
    return this.#thread.stop();
  }
}
