/** A radio frame in the form of the reference's library: one fragment behind 35 bytes (chapter 07 §3.12). */
import { concatBytes, type Hash32 } from "../../protocol/bytes.ts";
import { decode, encode, hash32, struct, u8 } from "../../protocol/codec/codec.ts";
import { invalidField } from "../../protocol/codec/payload.ts";
import { ProtocolError } from "../../protocol/errors.ts";

/** More fragments follow. Nothing ties it to the index. */
export const CONTINUATION = 0x01;

const header = struct({ flags: u8, fragmentIndex: u8, totalFragments: u8, recipientHint: hash32 });

export interface FragmentFrame {
  /** 0 or {@link CONTINUATION}. */
  readonly flags: number;
  readonly fragmentIndex: number;
  /** 1 to 255. */
  readonly totalFragments: number;
  readonly recipientHint: Hash32;
  /** The rest of the frame, as long as the radio allows. */
  readonly payload: Uint8Array;
}

/** For everybody: 32 bytes of 0xFF. */
export function isBroadcast({ recipientHint }: Pick<FragmentFrame, "recipientHint">): boolean {
  return recipientHint.every((byte) => byte === 0xff);
}

export function isFragmentFrame({ flags, fragmentIndex, totalFragments }: FragmentFrame): boolean {
  return (flags & ~CONTINUATION) === 0 && totalFragments > 0 && fragmentIndex < totalFragments;
}

/** Throws `invalid-payload-field`. */
export function encodeFragmentFrame(frame: FragmentFrame): Uint8Array {
  check(frame);
  return concatBytes(encode(header, frame), frame.payload);
}

/** Throws `truncated-header`, then `invalid-payload-field`. */
export function decodeFragmentFrame(bytes: Uint8Array): FragmentFrame {
  if (bytes.length < header.size) throw new ProtocolError("truncated-header", { length: bytes.length });
  const frame = {
    ...decode(header, bytes.subarray(0, header.size)),
    // Not `slice`, which gives a view of a Buffer instead of a copy.
    payload: new Uint8Array(bytes.subarray(header.size)),
  };
  check(frame);
  return frame;
}

function check(frame: FragmentFrame): void {
  if (!isFragmentFrame(frame)) throw invalidField("fragment");
}
