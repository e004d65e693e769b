/** Waits while everything is blocked, until there is a reason to try again (chapter 08 §6). */
import { NetworkWatch } from "./networkWatch.ts";
import type { TunnelClock } from "./tunnelPorts.ts";
import type { TunnelTiming } from "./tunnelTiming.ts";

export interface RetryOptions {
  readonly clock: TunnelClock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** As `networkFingerprint`. */
  readonly network: () => string;
  readonly timing: Pick<TunnelTiming, "retryMin" | "retryMax" | "tick">;
  readonly onDue: (event: "retry-timer" | "resumed" | "network-changed") => void;
}

export class TunnelRetry {
  readonly #options: RetryOptions;
  #timer: NodeJS.Timeout | undefined;
  /** Since a connection was there last. */
  #count = 0;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /** Later each time; at once when the machine wakes up or comes into another network. */
  start(): void {
    const { clock, random, timing } = this.#options;
    const delay = Math.min(timing.retryMax, timing.retryMin * 2 ** this.#count++) * (0.75 + random() / 2);
    const end = clock.now() + delay;
    this.#wait(
      () => clock.now() >= end,
      () => false,
    );
  }

  /** Not before `unixMs`, whatever happens: an attempt would put back what was lifted until then. */
  startAt(unixMs: number): void {
    const isOver = (): boolean => this.#options.clock.unixMs() >= unixMs;
    this.#wait(isOver, () => !isOver());
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Connected: the next delays are short again. */
  reset(): void {
    this.#count = 0;
  }

  #wait(isDue: () => boolean, isDeaf: () => boolean): void {
    const { clock, network, timing, onDue } = this.#options;
    const watch = new NetworkWatch(clock.unixMs(), network());
    this.stop();
    const look = (): void => {
      const event = watch.look(clock.unixMs(), network(), timing.tick);
      if (event !== undefined && !isDeaf()) onDue(event);
      else if (isDue()) onDue("retry-timer");
      else this.#timer = setTimeout(look, timing.tick);
    };
    this.#timer = setTimeout(look, timing.tick);
  }
}
