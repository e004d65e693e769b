/**
 * Checks the TimeChain of a history whose headers pin every T (chapter 03 §4.3): a random sample of windows first, after which a
 * joining node goes on, then all the others in the background. Windows are independent, so all cores help.
 */
import { randomInt } from "node:crypto";

import type { Native } from "../../native/index.ts";
import type { Hash32 } from "../../protocol/bytes.ts";

/** T of a window and the D with which it was computed. */
export interface PinnedWindow {
  readonly value: Hash32;
  readonly d: bigint;
}

export interface HistoryOptions {
  /** Windows `from` + 1 to `through` are checked, each from the value of the one before; `from` is taken as given. */
  readonly from: bigint;
  readonly through: bigint;
  /** From the headers; called in batches, again for every part. */
  readonly read: (window: bigint) => Promise<PinnedWindow> | PinnedWindow;
  readonly threads: number;
  /** Windows of the sample; whoever faked a share f of the windows escapes it with (1 − f)^sampleSize. */
  readonly sampleSize?: number;
  /** Where an earlier run has come to: its windows up to here are not checked again. */
  readonly verifiedThrough?: bigint;
  readonly onProgress?: (progress: HistoryProgress) => void;
  /** The sample is right: what follows is the rest. */
  readonly onSampled?: () => void;
  readonly signal?: AbortSignal;
}

export interface HistoryProgress {
  readonly part: "sample" | "rest";
  /** Of this part. */
  readonly windowsDone: bigint;
  readonly windowsTotal: bigint;
  /** Every window up to here is checked: what a later run takes as `verifiedThrough`. */
  readonly verifiedThrough: bigint;
}

/** Fatal evidence: no honest computation leads from the value of the window before to this one. */
export interface HistoryMismatch {
  readonly window: bigint;
  readonly previous: Hash32;
  readonly d: bigint;
  readonly claimed: Hash32;
}

/** With it one per cent of faked windows is found with 87 %, five per cent with 99.99 %. */
export const SAMPLE_SIZE = 200;
/** Enough to keep the threads busy, few enough for progress to be told often. */
const WINDOWS_PER_THREAD = 4;

/** The first mismatch found, or undefined. Rejects with `ProtocolError("cancelled")` once `signal` is aborted. */
export async function verifyHistory(crypto: Native, options: HistoryOptions): Promise<HistoryMismatch | undefined> {
  const { from, through } = options;
  const done = options.verifiedThrough ?? from;
  const inSample = await verifySample(crypto, options);
  if (inSample !== undefined) return inSample;
  options.onSampled?.();
  const total = through > done ? through - done : 0n;
  return verifyWindows(crypto, options, "rest", windowsAfter(done, through), total, done);
}

/** The sample alone; all else as {@link verifyHistory}. */
export async function verifySample(crypto: Native, options: HistoryOptions): Promise<HistoryMismatch | undefined> {
  const { from, through, sampleSize = SAMPLE_SIZE } = options;
  const done = options.verifiedThrough ?? from;
  const sample = sampleOf(done, through, sampleSize);
  return verifyWindows(crypto, options, "sample", sample, BigInt(sample.length), done);
}

/** Different windows after `from`, in ascending order; all of them where there are no more than `size`. */
function sampleOf(from: bigint, through: bigint, size: number): bigint[] {
  const count = Number(through - from);
  if (count <= size) return [...windowsAfter(from, through)];
  const chosen = new Set<number>();
  // Drawn where nobody can foresee it: the author of a faked history must not know what will be looked at.
  while (chosen.size < size) chosen.add(1 + randomInt(count));
  return [...chosen].sort((a, b) => a - b).map((offset) => from + BigInt(offset));
}

function* windowsAfter(from: bigint, through: bigint): Iterable<bigint> {
  for (let window = from + 1n; window <= through; window++) yield window;
}

async function verifyWindows(
  crypto: Native,
  { read, threads, onProgress, signal }: HistoryOptions,
  part: HistoryProgress["part"],
  windows: Iterable<bigint>,
  windowsTotal: bigint,
  done: bigint,
): Promise<HistoryMismatch | undefined> {
  let windowsDone = 0n;
  let verifiedThrough = done;
  for (const batch of batches(windows, threads * WINDOWS_PER_THREAD)) {
    const jobs = await Promise.all(
      batch.map(async (window) => {
        const [before, pinned] = await Promise.all([read(window - 1n), read(window)]);
        return { window, previous: before.value, d: pinned.d, claimed: pinned.value };
      }),
    );
    const segments = jobs.map(({ previous, d, claimed }) => ({
      ...{ start: previous, iterations: Number(d), claimedEnd: claimed },
    }));
    const verdicts = await crypto.verifySegments(segments, { threads, ...(signal && { signal }) });
    const wrong = verdicts.indexOf(false);
    if (wrong >= 0) return jobs[wrong];
    windowsDone += BigInt(batch.length);
    if (part === "rest") verifiedThrough = batch.at(-1)!;
    onProgress?.({ part, windowsDone, windowsTotal, verifiedThrough });
  }
  return undefined;
}

function* batches(windows: Iterable<bigint>, size: number): Iterable<bigint[]> {
  let batch: bigint[] = [];
  for (const window of windows) {
    batch.push(window);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
