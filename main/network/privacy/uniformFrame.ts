/** Uniform frames: 1,024 bytes each, whatever they carry (chapter 06 §3.11, §4.14). */
import { concatBytes, type Bytes } from "../../protocol/bytes.ts";
import { invalidField, requireLength, type PayloadErrorCode } from "../../protocol/codec/payload.ts";
import { ProtocolError } from "../../protocol/errors.ts";

export const FRAME_SIZE = 1024;
const HEADER_SIZE = 3;
/** Bytes of a message that one frame takes. */
export const FRAME_CAPACITY = 1021;
/** Bytes and frames of the longest message: an envelope with its largest payload. */
export const MESSAGE_SIZE_MAX = 1_048_590;
export const MESSAGE_FRAMES_MAX = 1028;

const DATA = 0x01;
const PADDING = 0x02;
const CONTINUED = 0x04;
const KNOWN_FLAGS = DATA | PADDING | CONTINUED;

/** Of all frames of a connection that this side dialed, in every 60 s. */
const PADDING_PERCENT_MIN = 20n;

/** 1,021 bytes from the operating system, new with every call. */
export type FreshPadding = () => Bytes<1021>;

export interface UniformFrame {
  readonly kind: "data" | "padding";
  /** The message goes on in the next data frame. */
  readonly isContinued: boolean;
  /** None in padding. A view into the frame. */
  readonly data: Uint8Array;
}

/** The frames of one message; none for an empty one. */
export function encodeFrames(message: Uint8Array, freshPadding: FreshPadding): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let start = 0; start < message.length; start += FRAME_CAPACITY) {
    const data = message.subarray(start, start + FRAME_CAPACITY);
    const isLast = start + FRAME_CAPACITY >= message.length;
    const tail = data.length < FRAME_CAPACITY ? freshPadding().subarray(data.length) : new Uint8Array(0);
    frames.push(concatBytes(header(isLast ? DATA : DATA | CONTINUED, data.length), data, tail));
  }
  return frames;
}

export function paddingFrame(freshPadding: FreshPadding): Uint8Array {
  return concatBytes(header(PADDING, 0), freshPadding());
}

/** Throws `payload-length-mismatch`, then `invalid-payload-field`. */
export function decodeFrame(frame: Uint8Array): UniformFrame {
  requireLength(frame, FRAME_SIZE);
  const [flags, low, high] = frame as unknown as readonly [number, number, number];
  const length = low | (high << 8);
  if (length > FRAME_CAPACITY) throw new ProtocolError("payload-length-mismatch", { length, expected: FRAME_CAPACITY });
  const isData = (flags & DATA) !== 0;
  const isPadding = (flags & PADDING) !== 0;
  const isContinued = (flags & CONTINUED) !== 0;
  if ((flags & ~KNOWN_FLAGS) !== 0 || isData === isPadding || (isPadding && isContinued)) throw invalidField("flags");
  if (isPadding && length !== 0) throw invalidField("length");
  return {
    kind: isData ? "data" : "padding",
    isContinued,
    data: frame.subarray(HEADER_SIZE, HEADER_SIZE + length),
  };
}

/**
 * The message of exactly these frames, padding already taken out. Throws `truncated-payload` for no frame or an unfinished
 * message, `invalid-payload-field` for padding or a second message, and what {@link decodeFrame} throws, first come first.
 */
export function assembleFrames(frames: readonly Uint8Array[]): Uint8Array {
  if (frames.length === 0) throw unfinished(0);
  const parts = frames.map((bytes, index) => {
    const { kind, isContinued, data } = decodeFrame(bytes);
    const isLast = index === frames.length - 1;
    if (kind !== "data") throw invalidField("flags");
    if (isLast && isContinued) throw unfinished(frames.length);
    if (!isLast && !isContinued) throw invalidField("flags");
    return data;
  });
  return concatBytes(...parts);
}

/** Puts the messages of one connection together, frame by frame. */
export class FrameReceiver {
  #parts: Uint8Array[] = [];
  #size = 0;

  /**
   * The message that `frame` completes, or undefined. Throws what {@link decodeFrame} throws, and `payload-too-large`; the
   * connection is then useless.
   */
  take(frame: Uint8Array): Uint8Array | undefined {
    const { kind, isContinued, data } = decodeFrame(frame);
    if (kind === "padding") return undefined;
    if (this.#size + data.length > MESSAGE_SIZE_MAX || this.#parts.length >= MESSAGE_FRAMES_MAX) {
      throw new ProtocolError("payload-too-large", { length: this.#size + data.length });
    }
    // A copy: the next frame may lie in the same memory.
    this.#parts.push(new Uint8Array(data));
    this.#size += data.length;
    if (isContinued) return undefined;
    const message = concatBytes(...this.#parts);
    this.#parts = [];
    this.#size = 0;
    return message;
  }
}

/** Whether at least a fifth of the frames is padding; no frames have enough. */
export function hasEnoughPadding(dataFrames: bigint, paddingFrames: bigint): boolean {
  return paddingFrames * 100n >= (dataFrames + paddingFrames) * PADDING_PERCENT_MIN;
}

function unfinished(frames: number): ProtocolError<PayloadErrorCode> {
  return new ProtocolError<PayloadErrorCode>("truncated-payload", { frames });
}

function header(flags: number, length: number): Uint8Array {
  return new Uint8Array([flags, length & 0xff, length >> 8]);
}
