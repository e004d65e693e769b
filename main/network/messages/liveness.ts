/** Ping, Pong and Bye (chapter 07 §3.8). The first two have no payload. */
import { encode, struct, u8, U64_MAX, type Infer } from "../../protocol/codec/codec.ts";
import { decodeFixed } from "../../protocol/codec/payload.ts";
import { encodeEnvelope } from "./envelope.ts";
import { MESSAGE } from "./registry.ts";

const NO_PAYLOAD = new Uint8Array(0);

/** The Pings of one process, numbered from 1 over all its connections (chapter 07 §4.2 item 2). */
export class PingSeries {
  #next = 1n;

  /** Envelope and all. */
  next(): Uint8Array {
    const requestId = this.#next;
    this.#next = requestId === U64_MAX ? 0n : requestId + 1n;
    return encodeEnvelope({ msgType: MESSAGE.ping, requestId, payload: NO_PAYLOAD });
  }
}

/** The acknowledgement of the message `requestId`, envelope and all. */
export function pong(requestId: bigint): Uint8Array {
  return encodeEnvelope({ msgType: MESSAGE.pong, requestId, payload: NO_PAYLOAD });
}

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
