/** The proof of work by which a bootstrap server admits an unknown key (chapter 01 §9, chapter 07 §4.10). */
import { compareBytes, fromHex, type Hash32 } from "../bytes.ts";
import { encode, u64, U64_MAX } from "../codec/codec.ts";
import type { Crypto } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import { rawHash } from "../hash.ts";

export interface BootstrapWork {
  readonly nonce: bigint;
  readonly hash: Hash32;
}

/**
 * ⌊2^256 / difficulty⌋ as 32 bytes big-endian, all ones for difficulty 1. `difficulty` is a u32.
 * Throws `ProtocolError("difficulty-zero")` for 0.
 */
export function bootstrapTarget(difficulty: number): Hash32 {
  if (difficulty === 0) throw new ProtocolError("difficulty-zero", { difficulty });
  const quotient = (1n << 256n) / BigInt(difficulty);
  const target = difficulty === 1 ? quotient - 1n : quotient;
  return fromHex(target.toString(16).padStart(64, "0")) as Hash32;
}

/** The hash is strictly below the target. False for difficulty 0. Check it before any signature. */
export function isBootstrapWork(crypto: Crypto, proof: Uint8Array, nonce: bigint, difficulty: number): boolean {
  return difficulty !== 0 && compareBytes(workHash(crypto, proof, nonce), bootstrapTarget(difficulty)) < 0;
}

/**
 * The first valid nonce among the `tries` from `from` on; `undefined` when there is none, after which the caller goes on from
 * `from + tries`. Needs about `difficulty` tries in all: call it in portions, in a worker.
 */
export function findBootstrapWork(
  crypto: Crypto,
  proof: Uint8Array,
  difficulty: number,
  { from, tries }: { readonly from: bigint; readonly tries: number },
): BootstrapWork | undefined {
  const target = bootstrapTarget(difficulty);
  const last = from + BigInt(tries) - 1n;
  for (let nonce = from; nonce <= last && nonce <= U64_MAX; nonce++) {
    const hash = workHash(crypto, proof, nonce);
    if (compareBytes(hash, target) < 0) return { nonce, hash };
  }
  return undefined;
}

function workHash(crypto: Crypto, proof: Uint8Array, nonce: bigint): Hash32 {
  return rawHash(crypto, "mt-bootstrap-pow", proof, encode(u64, nonce));
}
