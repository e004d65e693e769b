/** Signature suites (chapter 01 §4.12). New ones arrive only with a protocol version. */
import { MLDSA_PUBLIC_KEY_SIZE, MLDSA_SIGNATURE_SIZE } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import { SUITE_MLDSA65 } from "./ids.ts";

export interface Suite {
  readonly scheme: string;
  /** Bytes. */
  readonly publicKeySize: number;
  /** Bytes. */
  readonly signatureSize: number;
}

const SUITES: ReadonlyMap<number, Suite> = new Map([
  [SUITE_MLDSA65, { scheme: "ML-DSA-65", publicKeySize: MLDSA_PUBLIC_KEY_SIZE, signatureSize: MLDSA_SIGNATURE_SIZE }],
]);

/** Throws `ProtocolError("unsupported-suite")` for every `suiteId` but 1. */
export function suiteOf(suiteId: number): Suite {
  const suite = SUITES.get(suiteId);
  if (suite === undefined) throw new ProtocolError("unsupported-suite", { suiteId });
  return suite;
}
