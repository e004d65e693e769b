/** The first message through the tunnel and its answer (chapter 06 §3.10, §8.3 item 7). */
import { concatBytes } from "../../protocol/bytes.ts";
import {
  decode,
  encode,
  hash32,
  publicKey,
  signature,
  struct,
  u64,
  u8,
  type Infer,
} from "../../protocol/codec/codec.ts";
import { invalidField, requireAtLeast, requireLength } from "../../protocol/codec/payload.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { AccessLevel } from "./admission.ts";

/** 0 was the classical transport; others do not exist. */
const PQ_TRANSPORT_VERSION = 1;

const greetingLayout = struct({
  publicKey,
  nonce: hash32,
  /** An online proof for the server. */
  proof: signature,
  /** 0 where no work is asked for. */
  workNonce: u64,
});
export type Greeting = Infer<typeof greetingLayout>;
export const GREETING_SIZE = u8.size + greetingLayout.size;

/** In the order of their bytes, from 1. */
const LEVELS: readonly AccessLevel[] = ["node", "candidate", "account", "guest"];
const WRONG_WINDOW = 0;

/** `currentWindow`: the proof was of the wrong slot; greet once more, in this window, with a fresh nonce. */
export type GreetingReply = { readonly level: AccessLevel } | { readonly currentWindow: bigint };

/** 5,302 bytes. */
export function encodeGreeting(greeting: Greeting): Uint8Array {
  return concatBytes(encode(u8, PQ_TRANSPORT_VERSION), encode(greetingLayout, greeting));
}

/** Throws `payload-length-mismatch`, then `unsupported-version`. */
export function decodeGreeting(message: Uint8Array): Greeting {
  requireLength(message, GREETING_SIZE);
  const version = message[0];
  if (version !== PQ_TRANSPORT_VERSION) throw new ProtocolError("unsupported-version", { version: version! });
  return decode(greetingLayout, message.subarray(u8.size));
}

/** 1 byte for a level, 9 for a window. */
export function encodeGreetingReply(reply: GreetingReply): Uint8Array {
  if ("level" in reply) return encode(u8, LEVELS.indexOf(reply.level) + 1);
  return concatBytes(encode(u8, WRONG_WINDOW), encode(u64, reply.currentWindow));
}

/** Throws `truncated-payload` for no byte at all, which is a refusal, then `ProtocolError<PayloadErrorCode>`. */
export function decodeGreetingReply(message: Uint8Array): GreetingReply {
  requireAtLeast(message, u8.size);
  const first = message[0]!;
  requireLength(message, first === WRONG_WINDOW ? u8.size + u64.size : u8.size);
  if (first === WRONG_WINDOW) return { currentWindow: decode(u64, message.subarray(u8.size)) };
  const level = LEVELS[first - 1];
  if (level === undefined) throw invalidField("level");
  return { level };
}
