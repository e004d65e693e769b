/** Session nonces that have been used, so that no proof admits twice (chapter 06 §4.11). */
import { byteKey, type Hash32 } from "../../protocol/bytes.ts";
import type { Crypto, PublicKey } from "../../protocol/crypto.ts";
import { taggedHash } from "../../protocol/hash.ts";

export interface NonceLimits {
  readonly perClient: number;
  readonly total: number;
}

export const NONCE_LIMITS: NonceLimits = { perClient: 256, total: 65_536 };

const SLOT_WINDOWS = 2n;

export type NonceFault = "replayed-nonce" | "nonce-capacity-exceeded";

/** Names a client in this tracker only. */
export function clientIndexOf(crypto: Crypto, publicKey: PublicKey): Hash32 {
  return taggedHash(crypto, "mt-online-nonce-client", publicKey);
}

export class NonceTracker {
  readonly #limits: NonceLimits;
  /** Client → nonce → slot. */
  readonly #used = new Map<string, Map<string, bigint>>();
  #total = 0;

  constructor(limits: NonceLimits = NONCE_LIMITS) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#total;
  }

  countOf(client: Hash32): number {
    return this.#used.get(byteKey(client))?.size ?? 0;
  }

  /** Takes `nonce` for used, unless it is or there is no room. Forgets what is older than the previous slot, of this client. */
  use(client: Hash32, nonce: Hash32, currentWindow: bigint, acceptedWindow: bigint): NonceFault | undefined {
    const key = byteKey(client);
    const nonces = this.#used.get(key) ?? new Map<string, bigint>();
    this.#prune(key, nonces, currentWindow);
    const nonceKey = byteKey(nonce);
    if (nonces.has(nonceKey)) return "replayed-nonce";
    if (nonces.size >= this.#limits.perClient || this.#total >= this.#limits.total) return "nonce-capacity-exceeded";
    nonces.set(nonceKey, acceptedWindow / SLOT_WINDOWS);
    this.#used.set(key, nonces);
    this.#total++;
    return undefined;
  }

  /** Forgets what is older than the previous slot, of all clients: call it when a slot begins. */
  prune(currentWindow: bigint): void {
    for (const [key, nonces] of this.#used) this.#prune(key, nonces, currentWindow);
  }

  #prune(key: string, nonces: Map<string, bigint>, currentWindow: bigint): void {
    const oldest = currentWindow / SLOT_WINDOWS - 1n;
    for (const [nonce, slot] of nonces) {
      if (slot >= oldest) continue;
      nonces.delete(nonce);
      this.#total--;
    }
    if (nonces.size === 0) this.#used.delete(key);
  }
}
