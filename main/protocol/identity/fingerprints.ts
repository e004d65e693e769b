/** Short values that two people, two devices or two log lines are compared by (chapter 01 §4.10, §4.11). */
import type { Bytes, Hash32 } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { taggedHash } from "../hash.ts";
import type { MasterSeed } from "./kdf.ts";
import { WORDLIST, wordIndicesOf } from "./wordlist.ts";

const FINGERPRINT_WORDS = 6;
const SEED_FINGERPRINT_SIZE = 8;

/** Six words, 66 bits: two people read them to each other before the first end-to-end encrypted message. */
export function accountFingerprint(crypto: Crypto, accountPublicKey: Uint8Array): readonly string[] {
  const digest = taggedHash(crypto, "mt-account-fingerprint", accountPublicKey);
  return wordIndicesOf(digest, FINGERPRINT_WORDS).map((index) => WORDLIST[index]!);
}

/** Equal on two devices that recovered the same phrase. Made of public keys only; shown as 64 hex digits. */
export function recoveryFingerprint(
  crypto: Crypto,
  { account, node, appKem }: Readonly<Record<"account" | "node" | "appKem", { readonly publicKey: Uint8Array }>>,
): Hash32 {
  return taggedHash(crypto, "mt-recovery-fingerprint", account.publicKey, node.publicKey, appKem.publicKey);
}

/** Names a seed in logs without revealing it. */
export function masterSeedFingerprint(crypto: Crypto, masterSeed: MasterSeed): Bytes<8> {
  return crypto.sha256(masterSeed).slice(0, SEED_FINGERPRINT_SIZE) as Bytes<8>;
}
