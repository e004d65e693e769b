/** What becomes of a received object (chapter 03 §5): decided once, carried out by the runtime. */
import type { VerifyJob } from "../protocol/crypto.ts";
import type { Hash32 } from "../protocol/bytes.ts";

/**
 * `accept`: new and kept, relay it. `ignore`: dropped without consequence. `reject`: dropped, a penalty for the peer it came
 * from. `hold`: kept, not relayed, looked at again when its context is known.
 */
export type Verdict =
  { readonly verdict: "accept" } | { readonly verdict: "ignore" | "reject" | "hold"; readonly code: string };

export const ACCEPT: Verdict = { verdict: "accept" };
export const ignore = (code: string): Verdict => ({ verdict: "ignore", code });
export const reject = (code: string): Verdict => ({ verdict: "reject", code });
export const hold = (code: string): Verdict => ({ verdict: "hold", code });

/** An object that passed all cheap checks; its signature is verified last, together with others that wait. */
export interface Unverified<T> {
  readonly object: T;
  readonly identifier: Hash32;
  readonly signature: VerifyJob;
}

export type Inspection<T> = Verdict | Unverified<T>;

export function isVerdict<T>(inspection: Inspection<T>): inspection is Verdict {
  return "verdict" in inspection;
}
