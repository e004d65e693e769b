/** Ping, Pong and Bye (chapter 07 §3.8). The first two have no payload. */
import { encode, struct, u8, type Infer } from "../../protocol/codec/codec.ts";
import { decodeFixed } from "./payload.ts";

export const BYE = {
  normal: 0,
  maintenance: 1,
  lookingForBetterPeers: 2,
  resourceLimits: 3,
  protocolViolation: 4,
  versionMismatch: 5,
} as const;
const REASON_MAX = BYE.versionMismatch;

const byeLayout = struct({ reason: u8 });
export type Bye = Infer<typeof byeLayout>;

/** 1 byte. */
export function encodeBye(bye: Bye): Uint8Array {
  return encode(byeLayout, bye);
}

/** Every byte is a reason, see {@link isKnownReason}. Throws `payload-length-mismatch`. */
export function decodeBye(payload: Uint8Array): Bye {
  return decodeFixed(byeLayout, payload);
}

export function isKnownReason(reason: number): boolean {
  return reason <= REASON_MAX;
}
