/** The last windows as bars: each as high as it lasted. */
import type { Output } from "../../../main/api/contract.ts";

type WindowRow = Output<"recentWindows">["windows"][number];

/** Who got the window's emission: a newcomer, this node, another validator, or nobody whose ticket won. */
export type Paid = "bonus" | "self" | "other" | "none";

export interface WindowBar extends WindowRow {
  readonly paid: Paid;
  /** From the window before to this one; null where the host did not see both decided. */
  readonly lastedMs: number | null;
  /** Of the strip's height, above 0 up to 1; what did not show how long it lasted has the least. */
  readonly height: number;
}

const HEIGHT_MIN = 0.12;
/** One window that took long, a night's sleep of the computer say, must not flatten all others. */
const USUAL_TIMES_MAX = 3;

/** Oldest first, of rows that are newest first. */
export function windowBars(rows: readonly WindowRow[]): readonly WindowBar[] {
  const oldestFirst = rows.toReversed();
  const lasted = oldestFirst.map((row, index) => lastedMs(oldestFirst[index - 1], row));
  const full = fullHeightMs(lasted);
  return oldestFirst.map((row, index) => {
    const ownMs = lasted[index] ?? null;
    const height = ownMs === null || full === 0 ? HEIGHT_MIN : Math.min(1, Math.max(HEIGHT_MIN, ownMs / full));
    return { ...row, paid: paidTo(row), lastedMs: ownMs, height };
  });
}

/** Of the window that runs for `ranMs`, on the same scale; null where no window showed how long it lasts. */
export function runningHeight(bars: readonly WindowBar[], ranMs: number): number | null {
  const full = fullHeightMs(bars.map((bar) => bar.lastedMs));
  return full === 0 ? null : Math.min(1, Math.max(0, ranMs / full));
}

function lastedMs(before: WindowRow | undefined, { window, atMs }: WindowRow): number | null {
  if (before?.window !== window - 1 || before.atMs === null || atMs === null) return null;
  // The computer's clock may have been set in between.
  return atMs < before.atMs ? null : atMs - before.atMs;
}

function fullHeightMs(lasted: readonly (number | null)[]): number {
  const known = lasted.filter((ms) => ms !== null).toSorted((a, b) => a - b);
  const median = known[Math.floor(known.length / 2)] ?? 0;
  return Math.min(known.at(-1) ?? 0, USUAL_TIMES_MAX * median);
}

function paidTo({ bonusTo, isOwnWin, winner }: WindowRow): Paid {
  if (bonusTo !== null) return "bonus";
  if (isOwnWin) return "self";
  return winner === null ? "none" : "other";
}
