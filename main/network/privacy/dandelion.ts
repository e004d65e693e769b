/** Dandelion++: whether an operation goes on to one peer or to all (chapter 07 §4.11, the decision of the reference). */
import { byteKey, type Hash32 } from "../../protocol/bytes.ts";

/** Of 256: a first sight fluffs with this share. */
const FLUFF_SHARE = 26;
/** Sights that are counted. */
const SIGHTS_MAX = 30;
/** Identifiers of one epoch. What comes after them is fluffed, which is always safe. */
export const SEEN_MAX = 100_000;

/** The peer to hand an operation to, or all of them. */
export type Decision<Peer> = { readonly stem: Peer } | "fluff";

/** `Peer` is whatever names a peer for the caller. */
export class Dandelion<Peer> {
  #epoch: bigint;
  #successor: Peer | undefined;
  readonly #seen = new Map<string, number>();

  constructor(epoch: bigint) {
    this.#epoch = epoch;
  }

  get successor(): Peer | undefined {
    return this.#successor;
  }

  /**
   * Called every window. Draws the successor among `outbound` by `chance`, a random byte, when an epoch of `epochWindows`
   * (0 as 1) begins or there is none; without outbound peers there is none and nothing else changes.
   */
  rotate(window: bigint, epochWindows: bigint, outbound: readonly Peer[], chance: number): Peer | undefined {
    if (outbound.length === 0) {
      this.#successor = undefined;
      return undefined;
    }
    const epoch = epochWindows === 0n ? window : window / epochWindows;
    if (epoch !== this.#epoch || this.#successor === undefined) {
      this.#successor = outbound[chance % outbound.length];
      this.#epoch = epoch;
      this.#seen.clear();
    }
    return this.#successor;
  }

  /** `chance` is a random byte. The first sight of an operation in an epoch may go on along the stem, later ones fluff. */
  decide(operationId: Hash32, chance: number): Decision<Peer> {
    const key = byteKey(operationId);
    const sights = this.#seen.get(key) ?? 0;
    if (sights === 0 && this.#seen.size >= SEEN_MAX) return "fluff";
    if (sights < SIGHTS_MAX) this.#seen.set(key, sights + 1);
    if (sights > 0 || chance < FLUFF_SHARE || this.#successor === undefined) return "fluff";
    return { stem: this.#successor };
  }

  forget(operationId: Hash32): void {
    this.#seen.delete(byteKey(operationId));
  }
}
