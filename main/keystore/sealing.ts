/**
 * A sealed part of a key file: a random data key, sealed by the key of who may open the part (passphrase or machine), and
 * the content, sealed by the data key. ChaCha20-Poly1305; both seals authenticate the part's context and which one they are.
 */
import { randomFillSync } from "node:crypto";

import { ascii, concatBytes, type Bytes } from "../protocol/bytes.ts";
import { bytes, struct, type FixedCodec } from "../protocol/codec/codec.ts";
import { wipe, type Native } from "../native/index.ts";

const KEY_SIZE = 32;
const NONCE_SIZE = 12;
const TAG_SIZE = 16;

export interface SealedPart {
  readonly keyNonce: Bytes<12>;
  readonly sealedKey: Bytes<48>;
  readonly nonce: Bytes<12>;
  readonly sealed: Uint8Array;
}

/** The layout of a part whose content has `size` bytes. */
export function sealedPart(size: number): FixedCodec<SealedPart> {
  return struct({
    keyNonce: bytes(NONCE_SIZE),
    sealedKey: bytes(KEY_SIZE + TAG_SIZE),
    nonce: bytes(NONCE_SIZE),
    sealed: bytes(size + TAG_SIZE),
  }) as FixedCodec<SealedPart>;
}

/** With a data key of its own every time. The caller wipes `key` and `content`. */
export function sealPart(crypto: Native, key: Uint8Array, context: Uint8Array, content: Uint8Array): SealedPart {
  const dataKey = random(KEY_SIZE);
  const keyNonce = random(NONCE_SIZE);
  const nonce = random(NONCE_SIZE);
  const sealedKey = crypto.aead.seal(key, keyNonce, about("key", context), dataKey) as Bytes<48>;
  const sealed = crypto.aead.seal(dataKey, nonce, about("content", context), content);
  wipe(dataKey);
  return { keyNonce, sealedKey, nonce, sealed };
}

/**
 * The content, for the caller to wipe; "wrong-key" when `key` does not open the data key, "forged" when the data key, though
 * genuine, does not open the content.
 */
export function openPart(
  crypto: Native,
  key: Uint8Array,
  context: Uint8Array,
  part: SealedPart,
): Uint8Array | "wrong-key" | "forged" {
  const dataKey = crypto.aead.open(key, part.keyNonce, about("key", context), part.sealedKey);
  if (dataKey === undefined) return "wrong-key";
  const content = crypto.aead.open(dataKey, part.nonce, about("content", context), part.sealed);
  wipe(dataKey);
  return content ?? "forged";
}

function about(seal: "key" | "content", context: Uint8Array): Uint8Array {
  return concatBytes(ascii(`${seal}\0`), context);
}

/** Fresh from the operating system. */
export function random<N extends number>(length: N): Bytes<N> {
  return randomFillSync(new Uint8Array(length)) as Bytes<N>;
}
