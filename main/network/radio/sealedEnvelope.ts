/** A ciphertext that others carry and keep for its recipient (chapter 07 §3.15, §4.16). */
import { concatBytes, type Hash32 } from "../../protocol/bytes.ts";
import { decode, encode, hash32, struct, u32, u8 } from "../../protocol/codec/codec.ts";
import { invalidField, requireAtLeast } from "../../protocol/codec/payload.ts";
import {
  MLDSA_SIGNATURE_SIZE,
  type Crypto,
  type PublicKey,
  type SecretKey,
  type Signature,
} from "../../protocol/crypto.ts";

/** τ₁ that an envelope may be kept at most. */
const TTL_TAU1_MAX = 24n;
const WINDOW_MAX = 0xffff_ffffn;

/** A parameter of the network that its reference does not hash in (chapter 07 §9.1 rows 18, 26). */
export const CIPHERTEXT_SIZE_MAX = 65_536;

const header = struct({ recipientHint: hash32, ttlWindow: u32, fragmentIndex: u8, totalFragments: u8 });
/** Bytes without the ciphertext. */
export const SEALED_ENVELOPE_OVERHEAD = header.size + MLDSA_SIGNATURE_SIZE;

export interface UnsignedEnvelope {
  readonly recipientHint: Hash32;
  /** The last window in which it is kept. */
  readonly ttlWindow: number;
  readonly fragmentIndex: number;
  readonly totalFragments: number;
  /** Its length follows from that of the whole. */
  readonly ciphertext: Uint8Array;
}

export interface SealedEnvelope extends UnsignedEnvelope {
  readonly senderSignature: Signature;
}

/** Everything before the signature, which is made over just these bytes. */
export function encodeUnsignedEnvelope(envelope: UnsignedEnvelope): Uint8Array {
  return concatBytes(encode(header, envelope), envelope.ciphertext);
}

export function sealEnvelope(crypto: Crypto, secretKey: SecretKey, envelope: UnsignedEnvelope): SealedEnvelope {
  return { ...envelope, senderSignature: crypto.mldsa65.sign(secretKey, encodeUnsignedEnvelope(envelope)) };
}

export function verifyEnvelope(crypto: Crypto, senderPublicKey: PublicKey, envelope: SealedEnvelope): boolean {
  return crypto.mldsa65.verify(senderPublicKey, encodeUnsignedEnvelope(envelope), envelope.senderSignature);
}

/** Throws `invalid-payload-field` for a signature of another length. */
export function encodeSealedEnvelope(envelope: SealedEnvelope): Uint8Array {
  if (!hasWholeSignature(envelope)) throw invalidField("sender_signature");
  return concatBytes(encodeUnsignedEnvelope(envelope), envelope.senderSignature);
}

/** Throws `truncated-payload` below 3,347 bytes. What the fields say is not checked, {@link isAcceptable} does that. */
export function decodeSealedEnvelope(bytes: Uint8Array): SealedEnvelope {
  requireAtLeast(bytes, SEALED_ENVELOPE_OVERHEAD);
  const signatureStart = bytes.length - MLDSA_SIGNATURE_SIZE;
  // Not `slice`, which gives a view of a Buffer instead of a copy.
  const copy = (start: number, end: number) => new Uint8Array(bytes.subarray(start, end));
  return {
    ...decode(header, bytes.subarray(0, header.size)),
    ciphertext: copy(header.size, signatureStart),
    senderSignature: copy(signatureStart, bytes.length) as Signature,
  };
}

/** Whether a relay may keep the envelope: fragment numbers make sense, and it expires later than now but not too late. */
export function isAcceptable(envelope: SealedEnvelope, currentWindow: bigint, tau1Windows: bigint): boolean {
  const { ttlWindow, fragmentIndex, totalFragments, ciphertext } = envelope;
  const latest = currentWindow + TTL_TAU1_MAX * tau1Windows;
  return (
    hasWholeSignature(envelope) &&
    ciphertext.length <= CIPHERTEXT_SIZE_MAX &&
    totalFragments >= 1 &&
    fragmentIndex < totalFragments &&
    BigInt(ttlWindow) > currentWindow &&
    BigInt(ttlWindow) <= (latest < WINDOW_MAX ? latest : WINDOW_MAX)
  );
}

function hasWholeSignature({ senderSignature }: SealedEnvelope): boolean {
  return (senderSignature as Uint8Array).length === MLDSA_SIGNATURE_SIZE;
}
