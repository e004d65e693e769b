/** Which operations go first when not all fit (chapter 04 §4.10): each node's own policy, never consensus. */
import { compareBytes, type Hash32 } from "../bytes.ts";
import type { AccountRecord } from "../state/records.ts";

/** What an account's past says about the urgency of its next operation. */
export type Standing = Pick<AccountRecord, "creationWindow" | "lastOpWindow" | "accountChainLength">;

export interface Waiting {
  readonly opHash: Hash32;
}

/** Bucket i holds accounts younger than this many epochs; a fourth one holds the rest. */
const BUCKET_EPOCHS = [4n, 16n, 64n] as const;
const BUCKET_COUNT = BUCKET_EPOCHS.length + 1;

/** Age times idle time, both in windows; fits u64. Higher goes first. */
export function operationPriority(standing: Standing, window: bigint): bigint {
  return (window - BigInt(standing.creationWindow)) * (window - BigInt(standing.lastOpWindow));
}

/** 0 for the youngest accounts to 3 for the oldest. */
export function ageBucket(standing: Standing, window: bigint, tau2Windows: bigint): number {
  const age = window - BigInt(standing.creationWindow);
  const bucket = BUCKET_EPOCHS.findIndex((epochs) => age < epochs * tau2Windows);
  return bucket === -1 ? BUCKET_COUNT - 1 : bucket;
}

/**
 * At most `capacity` of the operations `waiting`, in the order in which they were taken: one of each age bucket in turn,
 * inside a bucket by priority. So new accounts, however many, take no more than their bucket's share. `standingOf` gives the
 * settled record of an operation's sender.
 */
export function chooseByPriority<T extends Waiting>(
  waiting: readonly T[],
  standingOf: (item: T) => Standing,
  window: bigint,
  tau2Windows: bigint,
  capacity: number,
): T[] {
  const buckets = Array.from({ length: BUCKET_COUNT }, (): Ranked<T>[] => []);
  for (const item of waiting) {
    const standing = standingOf(item);
    const priority = operationPriority(standing, window);
    buckets[ageBucket(standing, window, tau2Windows)]!.push({ item, standing, priority });
  }
  for (const bucket of buckets) bucket.sort(compareRanked);
  const total = Math.min(capacity, waiting.length);
  const chosen: T[] = [];
  for (let round = 0; chosen.length < total; round++) {
    for (const bucket of buckets) {
      const next = bucket[round];
      if (next !== undefined && chosen.length < total) chosen.push(next.item);
    }
  }
  return chosen;
}

interface Ranked<T> {
  readonly item: T;
  readonly standing: Standing;
  readonly priority: bigint;
}

function compareRanked(a: Ranked<Waiting>, b: Ranked<Waiting>): number {
  if (a.priority !== b.priority) return a.priority > b.priority ? -1 : 1;
  const byChainLength = b.standing.accountChainLength - a.standing.accountChainLength;
  return byChainLength || compareBytes(a.item.opHash, b.item.opHash);
}
