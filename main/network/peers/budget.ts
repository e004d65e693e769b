/** How much may come from a peer, and go to it, in a time (chapter 07 §5.3). */
import {
  BYTES_BURST,
  BYTES_PER_SECOND,
  MESSAGES_BURST,
  MESSAGES_PER_SECOND,
  PACED_FIRST_BYTES,
  PACED_FIRST_MESSAGES,
  PACED_RESERVE_PERCENT,
  PACED_SHARE_PERCENT,
  PEER_LISTS_PER_TAU1,
  PINGS_PER_TAU1,
  TAU1_MS,
} from "./limits.ts";

const SECOND_MS = 1000;

/** Tokens that come back at a steady rate, up to a burst. */
class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  constructor(perSecond: number, burst: number, nowMs: number, tokens = burst) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = tokens;
    this.#atMs = nowMs;
  }

  level(nowMs: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#atMs) * this.#perSecond) / SECOND_MS);
    this.#atMs = nowMs;
    return this.#tokens;
  }

  take(count: number): void {
    this.#tokens -= count;
  }

  /** Until `count` tokens are there; `count` is at most the burst. */
  msUntil(count: number, nowMs: number): number {
    const missing = count - this.level(nowMs);
    return missing <= 0 ? 0 : Math.ceil((missing * SECOND_MS) / this.#perSecond);
  }
}

export type Counted = "ping" | "peer-list" | "other";

/** What one peer may still send. Kept over reconnects for as long as the conduct of the peer is. */
export class IncomingBudget {
  readonly #messages: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #counts = { ping: 0, "peer-list": 0 };
  #countsSinceMs: number;

  constructor(nowMs: number) {
    this.#messages = new TokenBucket(MESSAGES_PER_SECOND, MESSAGES_BURST, nowMs);
    this.#bytes = new TokenBucket(BYTES_PER_SECOND, BYTES_BURST, nowMs);
    this.#countsSinceMs = nowMs;
  }

  /** False where the message is more than the peer may send now; it then counts for nothing. */
  admits(kind: Counted, bytes: number, nowMs: number): boolean {
    if (this.#messages.level(nowMs) < 1 || this.#bytes.level(nowMs) < bytes) return false;
    if (kind !== "other" && !this.#count(kind, nowMs)) return false;
    this.#messages.take(1);
    this.#bytes.take(bytes);
    return true;
  }

  #count(kind: "ping" | "peer-list", nowMs: number): boolean {
    if (nowMs - this.#countsSinceMs >= TAU1_MS) {
      this.#countsSinceMs = nowMs;
      this.#counts.ping = 0;
      this.#counts["peer-list"] = 0;
    }
    return ++this.#counts[kind] <= (kind === "ping" ? PINGS_PER_TAU1 : PEER_LISTS_PER_TAU1);
  }
}

/**
 * Spaces what goes to one peer, so that its {@link IncomingBudget} takes everything. It does not begin with a whole burst: the
 * peer may remember one from a connection before.
 */
export class OutgoingPace {
  readonly #messages: TokenBucket;
  readonly #bytes: TokenBucket;

  constructor(nowMs: number) {
    this.#messages = new TokenBucket(share(MESSAGES_PER_SECOND), share(MESSAGES_BURST), nowMs, PACED_FIRST_MESSAGES);
    this.#bytes = new TokenBucket(share(BYTES_PER_SECOND), share(BYTES_BURST), nowMs, PACED_FIRST_BYTES);
  }

  /** How long `bytes` have to wait; 0 takes the room for them. What is urgent may use the reserve. */
  delayMs(bytes: number, isUrgent: boolean, nowMs: number): number {
    const kept = isUrgent ? 0 : PACED_RESERVE_PERCENT / 100;
    const delayMs = Math.max(
      this.#messages.msUntil(1 + kept * share(MESSAGES_BURST), nowMs),
      this.#bytes.msUntil(bytes + kept * share(BYTES_BURST), nowMs),
    );
    if (delayMs > 0) return delayMs;
    this.#messages.take(1);
    this.#bytes.take(bytes);
    return 0;
  }
}

const share = (limit: number): number => Math.floor((limit * PACED_SHARE_PERCENT) / 100);
