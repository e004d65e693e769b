/** The TimeChain on a thread of its own (chapter 03 §4.2): one segment a window, never past a window whose D is unknown. */
import type { Native } from "../../native/index.ts";
import type { Hash32 } from "../../protocol/bytes.ts";
import { genesisTimechainValue } from "../../protocol/timechain/genesisValue.ts";
import { ChainThread, type ChainOptions, type SpanVerdict } from "./chainThread.ts";
import type { AdoptOutcome, ChainSettings } from "./messages.ts";

export interface TimeChainOptions extends Pick<
  ChainOptions,
  "settings" | "saveIntervalMs" | "addonPath" | "listener" | "progressPath"
> {
  /** Tells networks apart. */
  readonly genesisStateHash: Hash32;
  /** The newest window whose value the store has, and that value. */
  readonly window: bigint;
  readonly value: Hash32;
  /** Iterations of the windows after `window`, up to and including `through`, the last one whose D is known. */
  readonly d: bigint;
  readonly through: bigint;
}

export class TimeChain {
  readonly #thread: ChainThread;
  #through: bigint;

  /**
   * Resolves when the thread works. Reports each window's T as the event `segment`, in order, first those that the progress
   * file has and the store has not.
   */
  static async start(crypto: Native, options: TimeChainOptions): Promise<TimeChain> {
    const { genesisStateHash, window, value, d, through, ...rest } = options;
    const thread = await ChainThread.start(crypto, {
      ...rest,
      purpose: "timechain",
      identity: { start: genesisTimechainValue(crypto), startWindow: 0n, context: genesisStateHash, d: 0n },
      base: { segment: window, value },
      grants: [{ from: window + 1n, through, d }],
    });
    return new TimeChain(thread, through);
  }

  private constructor(thread: ChainThread, through: bigint) {
    this.#thread = thread;
    this.#through = through;
  }

  /** Whether the values told so far stand: see {@link ChainThread.verified}. */
  get verified(): Promise<SpanVerdict> {
    return this.#thread.verified;
  }

  /** The next epoch's D is known: goes on to window `through` with `d` iterations each. */
  async allow(through: bigint, d: bigint): Promise<void> {
    const from = this.#through + 1n;
    this.#through = through;
    await this.#thread.grant({ from, through, d });
  }

  /**
   * "Adopt by quorum" (chapter 03 §6.10): bundles with a quorum's weight carry `value` as T of `window`. Abandons the own step
   * and goes on from there, unless the own value is known; `disagrees` is to be reported, and the node stops voting.
   */
  adopt(window: bigint, value: Hash32): Promise<{ readonly outcome: AdoptOutcome; readonly own: Hash32 | undefined }> {
    return this.#thread.adopt({ segment: window, value });
  }

  configure(change: Partial<ChainSettings>): Promise<void> {
    return this.#thread.configure(change);
  }

  stop(): Promise<void> {
    return this.#thread.stop();
  }
}
