/** Time and chance, passed in so that a test owns both. */
import { randomBytes, randomInt } from "node:crypto";
import { performance } from "node:perf_hooks";

export interface Clock {
  /** Monotonic; every timer of the network counts on it. */
  nowMs(): number;
  /** Wall clock, only for what outlives the process. */
  unixMs(): number;
  /** Calls `run` once after `delayMs`; the result takes it back. */
  after(delayMs: number, run: () => void): () => void;
}

/** From the operating system (chapter 07 §1). */
export interface Chance {
  bytes(count: number): Uint8Array;
  /** Uniform in 0 … `below` − 1; `below` is 1 … 2^48 − 1. */
  below(below: number): number;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  unixMs: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

export const systemChance: Chance = {
  bytes: (count) => new Uint8Array(randomBytes(count)),
  below: (below) => randomInt(below),
};

/** `count` of `items` at most, each equally likely, in random order. */
export function sample<T>(chance: Chance, items: readonly T[], count: number): T[] {
  const pool = [...items];
  const taken = Math.min(count, pool.length);
  for (let i = 0; i < taken; i++) {
    const j = i + chance.below(pool.length - i);
    [pool[i], pool[j]] = [pool[j]!, pool[i]!];
  }
  return pool.slice(0, taken);
}
