/**
 * For which share of the last days a chain could run: the computer awake, this program running, nothing pausing the chain. One
 * number an hour for a week, in a small checksummed file; a program that does not run writes nothing, which counts as asleep.
 */
import { decode, encode, struct, tuple, u16, u32 } from "../../protocol/codec/codec.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { SlotFile } from "./slotFile.ts";

const HOUR_MS = 3_600_000;
export const HOURS_MAX = 7 * 24;
/** Before that a share says nothing about days. */
const MEASURED_HOURS_MIN = 1;
const SAVE_INTERVAL_MS = 10 * 60_000;

const awakeRecord = struct({
  /** Hours since 1970 in which the log begins and ends. */
  firstHour: u32,
  lastHour: u32,
  /** Seconds awake in the hours up to the last one, which is the last of the list. */
  seconds: tuple(u16, HOURS_MAX),
});

/** Hours are those of the wall clock: what is set back is counted again from there. */
export class AwakeLog {
  readonly #file: SlotFile;
  /** Of the first observation ever, or within the week. */
  #firstMs: number | undefined;
  #lastHour = 0;
  #awakeMs: number[] = new Array<number>(HOURS_MAX).fill(0);
  #savedAtMs = 0;

  /** A log that cannot be read begins anew: it only serves estimates. `onDamage` hears of it. */
  constructor(crypto: Crypto, path: string, onDamage: (code: string) => void) {
    try {
      this.#file = new SlotFile(crypto, path, "awakeLog");
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      onDamage(String(error.code));
      this.#file = SlotFile.replace(crypto, path, "awakeLog");
    }
    if (this.#file.fault !== undefined) onDamage(this.#file.fault);
    if (this.#file.payload === undefined) return;
    const { firstHour, lastHour, seconds } = decode(awakeRecord, this.#file.payload);
    this.#firstMs = firstHour * HOUR_MS;
    this.#lastHour = lastHour;
    this.#awakeMs = seconds.map((second) => second * 1000);
  }

  /** In the time up to `wallMs` the chain could run for `awakeMs`. */
  add(awakeMs: number, wallMs: number): void {
    const hour = Math.floor(wallMs / HOUR_MS);
    this.#firstMs ??= wallMs - awakeMs;
    if (wallMs < this.#firstMs) this.#firstMs = wallMs;
    this.#moveTo(hour);
    // What began in the hour before counts for this one: ten seconds do not matter, an hour must not overflow.
    this.#awakeMs[HOURS_MAX - 1] = Math.min(HOUR_MS, this.#awakeMs[HOURS_MAX - 1]! + awakeMs);
    if (Math.abs(wallMs - this.#savedAtMs) >= SAVE_INTERVAL_MS) this.save(wallMs);
  }

  /** From 0 to 1; undefined until there is an hour to speak of. */
  share(wallMs: number): number | undefined {
    if (this.#firstMs === undefined) return undefined;
    const sinceMs = Math.max(this.#firstMs, (this.#lastHour - HOURS_MAX + 1) * HOUR_MS);
    const spanMs = wallMs - sinceMs;
    if (spanMs < MEASURED_HOURS_MIN * HOUR_MS) return undefined;
    const awakeMs = this.#awakeMs.reduce((sum, ms) => sum + ms, 0);
    return Math.min(1, awakeMs / spanMs);
  }

  /** Throws what the file system throws. */
  save(wallMs: number): void {
    this.#savedAtMs = wallMs;
    if (this.#firstMs === undefined) return;
    const firstHour = Math.floor(this.#firstMs / HOUR_MS);
    const seconds = this.#awakeMs.map((ms) => Math.round(ms / 1000));
    this.#file.write(encode(awakeRecord, { firstHour, lastHour: this.#lastHour, seconds }));
  }

  close(): void {
    this.#file.close();
  }

  #moveTo(hour: number): void {
    const moved = hour - this.#lastHour;
    if (moved === 0) return;
    const empty = (count: number): number[] => new Array<number>(Math.min(count, HOURS_MAX)).fill(0);
    this.#awakeMs =
      moved > 0
        ? [...this.#awakeMs, ...empty(moved)].slice(-HOURS_MAX)
        : [...empty(-moved), ...this.#awakeMs].slice(0, HOURS_MAX);
    this.#lastHour = hour;
  }
}
