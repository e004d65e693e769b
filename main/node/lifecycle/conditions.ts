/**
 * Under which conditions the candidate chain runs on this computer: a person's pause, mains only, kept awake; and for which
 * share of the hours it could run, which estimates need.
 */
import { join } from "node:path";

import type { Native } from "../../native/index.ts";
import { AwakeLog } from "../vdf/awakeLog.ts";
import { readClocks, watchClocks, type ClockReading } from "../vdf/clockWatch.ts";
import { keepAwake, type AwakeCommand, type KeepAwake } from "../vdf/keepAwake.ts";
import { watchPower, type PowerProbe, type PowerState } from "../vdf/power.ts";

export const AWAKE_FILE = "awake.bin";

export interface Preferences {
  readonly isPaused: boolean;
  /** The chain rests while the computer runs on its battery. */
  readonly isMainsOnly: boolean;
  /** The computer does not go to sleep by itself. */
  readonly isKeptAwake: boolean;
}

export type PauseReason = "person" | "battery";

export type ConditionsReport =
  /** The chain is to rest while there are reasons. */
  | { readonly kind: "pause-reasons"; readonly reasons: readonly PauseReason[] }
  | { readonly kind: "power"; readonly power: PowerState }
  | { readonly kind: "slept"; readonly seconds: number }
  /** Forward, or back where negative. */
  | { readonly kind: "clock-set"; readonly seconds: number }
  | { readonly kind: "kept-awake" }
  | { readonly kind: "not-kept-awake"; readonly reason: string }
  /** The log of hours awake is damaged or cannot be written; `code` says how. Only estimates suffer. */
  | { readonly kind: "awake-log"; readonly code: string };

export interface ConditionsOptions {
  readonly crypto: Native;
  /** Holds {@link AWAKE_FILE}. */
  readonly folder: string;
  readonly preferences: Preferences;
  readonly listener: (report: ConditionsReport) => void;
  readonly power?: PowerProbe;
  readonly awakeCommand?: AwakeCommand;
  readonly readClocks?: () => ClockReading;
  readonly clockIntervalMs?: number;
}

export class Conditions {
  readonly #options: ConditionsOptions;
  readonly #read: () => ClockReading;
  readonly #log: AwakeLog;
  readonly #endWatches: readonly (() => void)[];
  #preferences: Preferences;
  #power: PowerState | undefined;
  #reasons: readonly PauseReason[] = [];
  #awake: KeepAwake | undefined;
  /** Asking for and releasing the inhibitor, one after the other. */
  #awakeWork: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: ConditionsOptions) {
    const { crypto, folder, listener, power, readClocks: read = readClocks, clockIntervalMs } = options;
    this.#options = options;
    this.#read = read;
    this.#preferences = options.preferences;
    this.#log = new AwakeLog(crypto, join(folder, AWAKE_FILE), (code) => {
      listener({ kind: "awake-log", code });
    });
    const onPower = (state: PowerState): void => {
      this.#power = state;
      listener({ kind: "power", power: state });
      this.#decide();
    };
    this.#endWatches = [
      watchPower(onPower, power),
      watchClocks(
        ({ awakeMs, asleepMs, clockSetMs }, { wallMs }) => {
          if (asleepMs > 0) listener({ kind: "slept", seconds: asleepMs / 1000 });
          if (clockSetMs !== 0) listener({ kind: "clock-set", seconds: clockSetMs / 1000 });
          this.#record(awakeMs, wallMs);
        },
        read,
        clockIntervalMs,
      ),
    ];
    // The hours are counted from here on.
    this.#record(0, read().wallMs);
    this.#decide();
    this.#settleAwake();
  }

  /** Why the chain rests now; none: it runs. */
  get pauseReasons(): readonly PauseReason[] {
    return this.#reasons;
  }

  /** Undefined until it was asked for. */
  get power(): PowerState | undefined {
    return this.#power;
  }

  /** Share of the last days in which the chain could run; undefined until there is an hour to speak of. */
  get awakeShare(): number | undefined {
    return this.#log.share(this.#read().wallMs);
  }

  prefer(change: Partial<Preferences>): void {
    this.#preferences = { ...this.#preferences, ...change };
    this.#decide();
    this.#settleAwake();
  }

  /** Resolves when nothing of it runs any more and the hours are on disk. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const end of this.#endWatches) end();
    this.#settleAwake();
    await this.#awakeWork;
    this.#tryLog(() => {
      this.#log.save(this.#read().wallMs);
    });
    this.#log.close();
  }

  #decide(): void {
    const isOnBattery = this.#preferences.isMainsOnly && this.#power?.source === "battery";
    const reasons: PauseReason[] = [
      ...(this.#preferences.isPaused ? ["person" as const] : []),
      ...(isOnBattery ? ["battery" as const] : []),
    ];
    if (reasons.join() === this.#reasons.join()) return;
    this.#reasons = reasons;
    this.#options.listener({ kind: "pause-reasons", reasons });
  }

  /** A person's pause is no habit of the computer: estimates take it as what it is, an exception. */
  #record(awakeMs: number, wallMs: number): void {
    const couldRun = !this.#reasons.includes("battery");
    this.#tryLog(() => {
      this.#log.add(couldRun ? awakeMs : 0, wallMs);
    });
  }

  #tryLog(write: () => void): void {
    try {
      write();
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      this.#options.listener({ kind: "awake-log", code });
    }
  }

  #settleAwake(): void {
    this.#awakeWork = this.#awakeWork.then(async () => {
      const isWanted = this.#preferences.isKeptAwake && !this.#isClosed;
      if (isWanted === (this.#awake !== undefined)) return;
      if (isWanted) await this.#keepAwake();
      else {
        const awake = this.#awake;
        this.#awake = undefined;
        if (awake?.isHeld === true) await awake.release();
      }
    });
  }

  async #keepAwake(): Promise<void> {
    const { listener, awakeCommand } = this.#options;
    const awake = await keepAwake(awakeCommand);
    this.#awake = awake;
    if (!awake.isHeld) {
      listener({ kind: "not-kept-awake", reason: awake.reason });
      return;
    }
    listener({ kind: "kept-awake" });
    void awake.lost.then((reason) => {
      listener({ kind: "not-kept-awake", reason });
    });
  }
}
