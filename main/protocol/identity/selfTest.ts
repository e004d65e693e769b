/** What must hold before a program touches an identity (chapter 01 §5). */
import { ascii, equalBytes, toHex } from "../bytes.ts";
import { MLDSA_SEED_SIZE, type Crypto } from "../crypto.ts";
import { isWordlistIntact } from "./wordlist.ts";

export type SelfTestFailure = "word-list" | "key-generation" | "key-generation-not-repeatable" | "signature";

const PUBLIC_KEY_SHA256 = "085ba380ff386dd52e42349c6eb88489d6058ea541a4e3fb0dce9a3fd1f7a911";
const SECRET_KEY_SHA256 = "cfcb5e7edf4348f712b7002b0553d28929856936c98e4adf172e51d5c9934262";

/** The first failure, after which nothing may start, or `undefined`. Uses fixed test keys only. */
export function findSelfTestFailure(crypto: Crypto): SelfTestFailure | undefined {
  if (!isWordlistIntact(crypto)) return "word-list";

  const { mldsa65 } = crypto;
  const seed = new Uint8Array(MLDSA_SEED_SIZE);
  const { publicKey, secretKey } = mldsa65.generate(seed);
  const digests = [publicKey, secretKey].map((key) => toHex(crypto.sha256(key)));
  if (digests[0] !== PUBLIC_KEY_SHA256 || digests[1] !== SECRET_KEY_SHA256) return "key-generation";

  const again = mldsa65.generate(seed);
  const isSame = equalBytes(again.publicKey, publicKey) && equalBytes(again.secretKey, secretKey);
  if (!isSame) return "key-generation-not-repeatable";

  const message = ascii("montana self-test");
  const signature = mldsa65.sign(secretKey, message);
  const isRoundTrip =
    mldsa65.verify(publicKey, message, signature) && !mldsa65.verify(publicKey, ascii("montana self-tesT"), signature);
  return isRoundTrip ? undefined : "signature";
}
