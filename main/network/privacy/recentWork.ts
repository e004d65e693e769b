/** The work of strangers at a bootstrap server: counts once (chapter 07 §4.10). */
import { byteKey } from "../../protocol/bytes.ts";
import { encode, u64 } from "../../protocol/codec/codec.ts";
import type { Crypto, Signature } from "../../protocol/crypto.ts";
import { isBootstrapWork } from "../../protocol/identity/bootstrapWork.ts";

/** τ₁. */
const REMEMBERED_MS = 60_000;
/** The work itself limits how fast this fills; when it is full, strangers wait. */
export const RECENT_WORK_MAX = 4096;

export type WorkFault = "insufficient-work" | "repeated-work" | "work-capacity-exceeded";

export class RecentWork {
  readonly #difficulty: number;
  /** Digest of proof and nonce → when to forget it; the oldest first. */
  readonly #until = new Map<string, number>();

  constructor(difficulty: number) {
    this.#difficulty = difficulty;
  }

  /** To be asked before any signature is looked at. Undefined: the work is good, and now used up. */
  take(crypto: Crypto, proof: Signature, workNonce: bigint, nowMs: number): WorkFault | undefined {
    if (!isBootstrapWork(crypto, proof, workNonce, this.#difficulty)) return "insufficient-work";
    for (const [key, until] of this.#until) {
      if (until > nowMs) break;
      this.#until.delete(key);
    }
    // Of the nonce, too: one proof may be worked for more than once.
    const key = byteKey(crypto.sha256(proof)) + byteKey(encode(u64, workNonce));
    if (this.#until.has(key)) return "repeated-work";
    if (this.#until.size >= RECENT_WORK_MAX) return "work-capacity-exceeded";
    this.#until.set(key, nowMs + REMEMBERED_MS);
    return undefined;
  }
}
