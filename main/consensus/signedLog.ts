/** What this node has signed, or asked to be signed: one object a key, never another (chapter 03 §6.9). */
import { equalBytes } from "../protocol/bytes.ts";
import { PRECOMMIT, type ProposalVote } from "../protocol/objects/consensus.ts";
import { isNil, type Signed, type Unsigned } from "./objects.ts";
import type { Polka } from "./pools/votes.ts";

export class SignedLog {
  readonly #signed = new Map<
    string,
    { readonly window: bigint; readonly unsigned: Unsigned; signed: Signed | undefined }
  >();

  has(key: string): boolean {
    return this.#signed.has(key);
  }

  /** The finished object; undefined while it is being signed. */
  get(key: string): Signed | undefined {
    return this.#signed.get(key)?.signed;
  }

  /** From now on nothing else is signed for this key. */
  request(unsigned: Unsigned): void {
    this.#signed.set(signedKey(unsigned), { window: unsigned.object.windowIndex, unsigned, signed: undefined });
  }

  /** Takes in an object that was signed here; false where the log holds another one for its key. */
  record(signed: Signed): boolean {
    const known = this.get(signedKey(signed));
    if (known === undefined) this.#put(signed);
    return known === undefined || isSame(known, signed);
  }

  /**
   * Takes in an object that others sent with this node's signature; false where it was not signed here. What is still being
   * signed has not left: it cannot come back from others.
   */
  meet(signed: Signed): boolean {
    const known = this.get(signedKey(signed));
    if (known === undefined) this.#put(signed);
    return known !== undefined && isSame(known, signed);
  }

  /** Value and round of the latest precommit that was not for nil: the lock (§6.3). */
  lock(window: bigint): Polka | undefined {
    let lock: Polka | undefined;
    for (const { round, phase, proposalHash } of this.#votes(window)) {
      if (phase === PRECOMMIT && !isNil(proposalHash) && round > (lock?.round ?? 0))
        lock = { value: proposalHash, round };
    }
    return lock;
  }

  /** 0 where this node has not voted in the window. */
  lastRound(window: bigint): number {
    return this.#votes(window).reduce((last, { round }) => Math.max(last, round), 0);
  }

  /** Finished objects of a window, in the order in which they were asked for. */
  finished(window: bigint): Signed[] {
    return [...this.#signed.values()].flatMap((entry) => (entry.window === window ? (entry.signed ?? []) : []));
  }

  forgetBefore(window: bigint): void {
    for (const [key, entry] of this.#signed) if (entry.window < window) this.#signed.delete(key);
  }

  #put(signed: Signed): void {
    const key = signedKey(signed);
    const entry = this.#signed.get(key);
    if (entry === undefined) this.#signed.set(key, { window: signed.object.windowIndex, unsigned: signed, signed });
    else entry.signed = signed;
  }

  #votes(window: bigint): Pick<ProposalVote, "round" | "phase" | "proposalHash">[] {
    return [...this.#signed.values()].flatMap(({ window: of, unsigned }) =>
      of === window && unsigned.type === "vote" ? unsigned.object : [],
    );
  }
}

/** Window for bundle and reveal, window and depth for a header, window, round and phase for a vote. */
export function signedKey({ type, object }: Unsigned): string {
  switch (type) {
    case "bundle":
    case "reveal":
      return `${type}/${object.windowIndex}`;
    case "header":
      return headerKey(object.windowIndex, object.fallbackDepth);
    case "vote":
      return voteKey(object.windowIndex, object.round, object.phase);
  }
}

export const headerKey = (window: bigint, depth: number): string => `header/${window}/${depth}`;
export const voteKey = (window: bigint, round: number, phase: number): string => `vote/${window}/${round}/${phase}`;
export const bundleKey = (window: bigint): string => `bundle/${window}`;
export const revealKey = (window: bigint): string => `reveal/${window}`;

const isSame = (a: Signed, b: Signed): boolean => equalBytes(a.object.signature, b.object.signature);
