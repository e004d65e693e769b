/** The tags under which the messages of one conversation wait at a host; they change every window (chapter 07 §4.14). */
import { ascii, compareBytes, concatBytes, type Bytes, type Hash32 } from "../../protocol/bytes.ts";
import { encode, u64, u8 } from "../../protocol/codec/codec.ts";
import type { Crypto, PublicKey } from "../../protocol/crypto.ts";
import { taggedHash, type InfoTag } from "../../protocol/hash.ts";
import { hkdfExpand } from "../../protocol/identity/kdf.ts";
import { wipe } from "../../protocol/identity/secrets.ts";

const ROTATION: InfoTag = "mt-queue-rotation";

/** 0: from the party with the lower key to the other one; 1: back. */
export type Direction = 0 | 1;

export interface Conversation {
  /** Stays for the life of the conversation. Secret. */
  readonly initialRootKey: Bytes<32>;
  /** Account keys of the two parties. */
  readonly own: PublicKey;
  readonly contact: PublicKey;
}

export function sendDirection({ own, contact }: Pick<Conversation, "own" | "contact">): Direction {
  return compareBytes(own, contact) < 0 ? 0 : 1;
}

/** The label of one direction in one window: the same for both parties. */
export function queueLabel(crypto: Crypto, conversation: Conversation, direction: Direction, window: bigint): Hash32 {
  const { initialRootKey, own, contact } = conversation;
  const sessionId = sendDirection(conversation) === 0 ? concatBytes(own, contact) : concatBytes(contact, own);
  const pseudorandomKey = crypto.hmacSha256(sessionId, initialRootKey);
  const info = concatBytes(ascii(ROTATION), encode(u8, direction), encode(u64, window));
  const label = hkdfExpand(crypto, pseudorandomKey, info, 32);
  wipe(pseudorandomKey);
  return label;
}

/** Under which this side leaves messages in `window`. */
export function sendLabel(crypto: Crypto, conversation: Conversation, window: bigint): Hash32 {
  return queueLabel(crypto, conversation, sendDirection(conversation), window);
}

/** Under which this side's messages of `window` wait. Ask for those of the current window and of the one before. */
export function receiveLabel(crypto: Crypto, conversation: Conversation, window: bigint): Hash32 {
  return queueLabel(crypto, conversation, sendDirection(conversation) === 0 ? 1 : 0, window);
}

/** The name by which a host finds the blobs of a label. */
export function labelAppId(crypto: Crypto, label: Hash32): Hash32 {
  return taggedHash(crypto, "mt-app", label);
}
