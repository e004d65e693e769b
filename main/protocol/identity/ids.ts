/** Names of accounts, nodes and applications (chapter 01 §4.7). */
import { ascii, type AccountId, type Hash32, type NodeId } from "../bytes.ts";
import { encode, u16 } from "../codec/codec.ts";
import type { Crypto } from "../crypto.ts";
import { taggedHash } from "../hash.ts";

/** The only active signature suite, ML-DSA-65. */
export const SUITE_MLDSA65 = 1;

/** Bound to the first key of an account and to its suite; later key changes do not alter it. */
export function accountIdOf(crypto: Crypto, suiteId: number, publicKey: Uint8Array): AccountId {
  return taggedHash(crypto, "mt-account", encode(u16, suiteId), publicKey) as AccountId;
}

export function nodeIdOf(crypto: Crypto, nodePublicKey: Uint8Array): NodeId {
  return taggedHash(crypto, "mt-node", nodePublicKey) as NodeId;
}

/** `name` is ASCII here (chapter 01 §8, open question 4). */
export function appIdOf(crypto: Pick<Crypto, "sha256">, name: string): Hash32 {
  return taggedHash(crypto, "mt-app", ascii(name));
}
