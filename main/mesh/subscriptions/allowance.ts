/** How often an address may ask: a bucket that fills steadily (chapter 08 §12). */
import { ADDRESSES_MAX, REQUESTS_BURST, REQUESTS_PER_MINUTE } from "./limits.ts";

export interface Allowance {
  readonly perMinute: number;
  readonly burst: number;
  readonly addressesMax: number;
}

export const ALLOWANCE: Allowance = {
  ...{ perMinute: REQUESTS_PER_MINUTE, burst: REQUESTS_BURST, addressesMax: ADDRESSES_MAX },
};

const MINUTE_MS = 60_000;

/** Kept in memory alone, and no longer than it takes a bucket to fill: who asked is nobody's business. */
export class Allowances {
  readonly #allowance: Allowance;
  /** In the order of their last request. */
  readonly #buckets = new Map<string, { left: number; atMs: number }>();

  constructor(allowance: Allowance = ALLOWANCE) {
    this.#allowance = allowance;
  }

  /** Whether one more request of `address` is answered. `nowMs` is monotonic. */
  take(address: string, nowMs: number): boolean {
    const { perMinute, burst, addressesMax } = this.#allowance;
    const key = blockOf(address);
    const before = this.#buckets.get(key) ?? { left: burst, atMs: nowMs };
    const left = Math.min(burst, before.left + ((nowMs - before.atMs) * perMinute) / MINUTE_MS);
    this.#buckets.delete(key);
    this.#buckets.set(key, { left: left >= 1 ? left - 1 : left, atMs: nowMs });
    if (this.#buckets.size > addressesMax) this.#buckets.delete(this.#buckets.keys().next().value!);
    return left >= 1;
  }

  /** Forgets those whose bucket is full by now. */
  forgetIdle(nowMs: number): void {
    const { perMinute, burst } = this.#allowance;
    const fullAfterMs = (burst / perMinute) * MINUTE_MS;
    for (const [key, { atMs }] of this.#buckets) {
      if (nowMs - atMs < fullAfterMs) return;
      this.#buckets.delete(key);
    }
  }

  get size(): number {
    return this.#buckets.size;
  }
}

const IPV6_GROUPS_OF_A_HOME = 4;

/** The address, of IPv6 the /64 that one household has; as Node prints them. */
export function blockOf(address: string): string {
  const plain = address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
  if (!plain.includes(":")) return plain;
  const [head = "", tail] = plain.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const last = tail === "" ? [] : tail.split(":");
    groups.push(...new Array<string>(Math.max(0, 8 - groups.length - last.length)).fill("0"), ...last);
  }
  return groups.slice(0, IPV6_GROUPS_OF_A_HOME).join(":");
}
