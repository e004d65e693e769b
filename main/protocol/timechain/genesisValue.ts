import { ZERO_HASH, type Hash32 } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { taggedHash } from "../hash.ts";

/** T_0, the same for every network (chapter 03 §4.2): window 0 costs no iterations. */
export function genesisTimechainValue(crypto: Crypto): Hash32 {
  return taggedHash(crypto, "mt-timechain", ZERO_HASH);
}
