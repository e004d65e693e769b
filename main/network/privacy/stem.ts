/**
 * The stem phase of a node (chapter 07 §4.11, node state machine): which objects leave by one peer, and when the node gives
 * up waiting for them to come back by gossip. The caller keeps the objects; here are their identifiers only.
 */
import { byteKey, type Hash32 } from "../../protocol/bytes.ts";
import { Dandelion, SEEN_MAX, type Decision } from "./dandelion.ts";

/** Windows after which the stem set is drawn anew. */
export const STEM_SET_WINDOWS = 693n;
export const STEM_SET_SIZE = 2;
/** τ₁/2. */
export const STEM_TIMEOUT_MS = 30_000;
/** Below it an own confirmation goes straight to everybody. */
const OUTBOUND_FOR_CONFIRMATIONS_MIN = 8;
const EPOCH_WINDOWS = 1n;

/** What may travel along the stem; reveals, headers, bodies and votes never do. */
export type StemKind = "operation" | "registration" | "confirmation";

/** Chance from the operating system: an integer from 0 to `n` − 1, all equally likely. */
export type Below = (n: number) => number;

interface Waiting {
  readonly id: Hash32;
  readonly peer: string;
  readonly deadlineMs: number;
}

export class StemPhase {
  readonly #dandelion: Dandelion<string>;
  readonly #below: Below;
  #outbound: readonly string[] = [];
  #stemSet: readonly string[] = [];
  #drawnAt = 0n;
  #window: bigint;
  /** By identifier, the earliest deadline first: every timer runs equally long. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(window: bigint, below: Below) {
    this.#dandelion = new Dandelion(window);
    this.#below = below;
    this.#window = window;
  }

  get stemSet(): readonly string[] {
    return this.#stemSet;
  }

  /** Objects that are under way along the stem. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** A window has begun. */
  enterWindow(window: bigint): void {
    this.#window = window;
    if (window - this.#drawnAt >= STEM_SET_WINDOWS) this.#drawStemSet();
    this.#rotate();
  }

  /**
   * The outbound peers, by name, have changed. Gives the objects whose peer has gone: they fluff at once.
   */
  changeOutbound(outbound: readonly string[]): Hash32[] {
    this.#outbound = outbound;
    const isComplete = this.#stemSet.length === Math.min(STEM_SET_SIZE, outbound.length);
    if (!isComplete || !this.#stemSet.every((peer) => outbound.includes(peer))) {
      this.#drawStemSet();
      // A successor that is no longer there must not be kept for the rest of the epoch.
      if (!this.#isSuccessorThere()) this.#dandelion.rotate(this.#window, EPOCH_WINDOWS, [], 0);
      this.#rotate();
    }
    return this.#takeWhere(({ peer }) => !outbound.includes(peer));
  }

  /** An object of this node's own: along the stem without a coin toss, as long as that is wise. */
  sendOwn(id: Hash32, kind: StemKind, nowMs: number, isLastThirdOfWindow: boolean): Decision<string> {
    const { successor } = this.#dandelion;
    const isUrgent =
      kind === "confirmation" && (this.#outbound.length < OUTBOUND_FOR_CONFIRMATIONS_MIN || isLastThirdOfWindow);
    if (successor === undefined || isUrgent) return "fluff";
    return this.#stem(id, successor, nowMs);
  }

  /**
   * A valid object that came along the stem. `isGossiped`: it has been seen in gossip, and is dropped (undefined).
   */
  receive(id: Hash32, nowMs: number, isGossiped: boolean): Decision<string> | undefined {
    if (isGossiped) return undefined;
    const decision = this.#dandelion.decide(id, this.#below(256));
    if (decision === "fluff") {
      this.#waiting.delete(byteKey(id));
      return decision;
    }
    return this.#stem(id, decision.stem, nowMs);
  }

  /** The peer is gone, has refused the object or answered anything but Pong. True where the object now fluffs. */
  fail(id: Hash32): boolean {
    return this.#waiting.delete(byteKey(id));
  }

  /** The object has come by gossip: nothing more is owed for it. */
  seeGossip(id: Hash32): void {
    this.#waiting.delete(byteKey(id));
  }

  /** Objects that did not come back in time: they fluff now. */
  expire(nowMs: number): Hash32[] {
    return this.#takeWhere(({ deadlineMs }) => deadlineMs <= nowMs);
  }

  #stem(id: Hash32, peer: string, nowMs: number): Decision<string> {
    if (this.#waiting.size >= SEEN_MAX) return "fluff";
    this.#waiting.set(byteKey(id), { id, peer, deadlineMs: nowMs + STEM_TIMEOUT_MS });
    return { stem: peer };
  }

  #takeWhere(isTaken: (waiting: Waiting) => boolean): Hash32[] {
    const taken: Hash32[] = [];
    for (const [key, waiting] of this.#waiting) {
      if (!isTaken(waiting)) continue;
      this.#waiting.delete(key);
      taken.push(waiting.id);
    }
    return taken;
  }

  #drawStemSet(): void {
    const left = [...this.#outbound];
    const drawn: string[] = [];
    while (drawn.length < STEM_SET_SIZE && left.length > 0) drawn.push(...left.splice(this.#below(left.length), 1));
    this.#stemSet = drawn;
    this.#drawnAt = this.#window;
  }

  #isSuccessorThere(): boolean {
    const { successor } = this.#dandelion;
    return successor !== undefined && this.#stemSet.includes(successor);
  }

  #rotate(): void {
    this.#dandelion.rotate(this.#window, EPOCH_WINDOWS, this.#stemSet, this.#below(256));
  }
}
