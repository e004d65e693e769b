/** What a person is told about the own candidate (chapter 05 §7.2), in windows and tenths of a percent. */
import type { NetworkRules } from "../genesis/rules.ts";
import { selectionSlots } from "./queue.ts";

/** A finished chain is published in one window and cemented in the next. */
const PUBLISH_AND_CEMENT_WINDOWS = 2n;

/**
 * Progress of a candidate chain in tenths of a percent: below 1 % rounded half up to a tenth, from there on whole percents,
 * cut. 100 % only when it is done. `target` > 0, `progress` ≤ `target`, both in windows.
 */
export function chainProgressTenths(progress: bigint, target: bigint): number {
  const isBelowOnePercent = 100n * progress < target;
  if (!isBelowOnePercent) return Number(((100n * progress) / target) * 10n);
  return Number((2000n * progress + target) / (2n * target));
}

export interface AdmissionEstimate {
  /** Windows until the first window in which the candidate can be admitted. */
  readonly earliest: bigint;
  /** Windows until the window in which it is to be expected. */
  readonly expected: bigint;
}

/** For a candidate in the pool, at `position` (from 1) of a queue or pool of `length`, after `window` was applied. */
export function estimateRegistered(
  rules: NetworkRules,
  window: bigint,
  position: bigint,
  length: bigint,
  active: bigint,
): AdmissionEstimate {
  if (rules.admission === "per-window") return { earliest: position, expected: position };
  return estimateSelection(rules, window, length, active);
}

/** For a candidate whose chain needs `remaining` more windows, with `length` candidates waiting, after `window` was applied. */
export function estimateProving(
  rules: NetworkRules,
  window: bigint,
  remaining: bigint,
  length: bigint,
  active: bigint,
): AdmissionEstimate {
  const registeredIn = remaining + PUBLISH_AND_CEMENT_WINDOWS;
  if (rules.admission === "per-window") {
    const ahead = length > registeredIn ? length - registeredIn : 0n;
    const inTurn = registeredIn + 1n + ahead;
    return { earliest: inTurn, expected: inTurn };
  }
  const drawn = estimateSelection(rules, window + registeredIn, length + 1n, active);
  return { earliest: registeredIn + drawn.earliest, expected: registeredIn + drawn.expected };
}

/** Each event admits its slots of the pool by lot: pool ÷ slots events are to be expected, the next one included. */
function estimateSelection(rules: NetworkRules, window: bigint, length: bigint, active: bigint): AdmissionEstimate {
  const { admissionDivisor, selectionInterval } = rules.params;
  const slots = selectionSlots(active, admissionDivisor);
  const earliest = selectionInterval - (window % selectionInterval);
  const surplus = length > slots ? length - slots : 0n;
  const further = (selectionInterval * surplus + slots - 1n) / slots;
  return { earliest, expected: earliest + further };
}

const WINDOW_MS_UNMEASURED = 60_000;
const MEASURED_WINDOWS_MAX = 60;

/** How long `windows` will take in seconds, by the mean of the last 60 measured durations, or 60 s each before any is. */
export function estimateSeconds(windows: bigint, durationsMs: readonly number[]): number {
  const recent = durationsMs.slice(-MEASURED_WINDOWS_MAX);
  const sum = recent.reduce((total, duration) => total + duration, 0);
  const meanMs = recent.length === 0 ? WINDOW_MS_UNMEASURED : sum / recent.length;
  return Math.round((Number(windows) * meanMs) / 1000);
}
