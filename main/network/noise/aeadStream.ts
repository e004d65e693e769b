/** The encrypted stream behind the handshake (chapter 06 §3.3, §4.4): pure, one object per direction. */
import { ProtocolError } from "../../protocol/errors.ts";
import type { Aead } from "../../native/interface.ts";
import { wipe } from "../../native/wipe.ts";

const TAG_SIZE = 16;
const LENGTH_SIZE = 2;
const NONCE_SIZE = 12;
const NO_DATA = new Uint8Array(0);

/** Longest plaintext of one frame. */
export const FRAME_PLAINTEXT_MAX = 65_519;

export type AeadErrorCode = "frame-length-invalid" | "aead-decrypt-failed" | "unexpected-eof" | "counter-exhausted";

/** Encrypts one direction. What it gives must be sent whole and in order: a frame exists once. */
export class FrameSealer {
  readonly #aead: Aead;
  readonly #key: Uint8Array;
  readonly #nonce = new FrameNonce();

  /** `key` 32 bytes, used in no other object that seals. */
  constructor(aead: Aead, key: Uint8Array) {
    this.#aead = aead;
    this.#key = key;
  }

  /** The frames that carry `plaintext`; none for no bytes. */
  seal(plaintext: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (let start = 0; start < plaintext.length; start += FRAME_PLAINTEXT_MAX) {
      frames.push(this.#sealFrame(plaintext.subarray(start, start + FRAME_PLAINTEXT_MAX)));
    }
    return frames;
  }

  wipe(): void {
    wipe(this.#key);
  }

  #sealFrame(plaintext: Uint8Array): Uint8Array {
    const sealed = this.#aead.seal(this.#key, this.#nonce.next(), NO_DATA, plaintext);
    const frame = new Uint8Array(LENGTH_SIZE + sealed.length);
    frame[0] = sealed.length >> 8;
    frame[1] = sealed.length & 0xff;
    frame.set(sealed, LENGTH_SIZE);
    return frame;
  }
}

/** Where {@link FrameOpener} takes ciphertext from. */
interface Bytes {
  readonly length: number;
  at(index: number): number;
  /** In memory that is good until more is added. */
  take(count: number): Uint8Array;
}

/** Decrypts one direction. After an error it must not be used again. */
export class FrameOpener {
  readonly #aead: Aead;
  readonly #key: Uint8Array;
  readonly #nonce = new FrameNonce();

  /** `key` 32 bytes. */
  constructor(aead: Aead, key: Uint8Array) {
    this.#aead = aead;
    this.#key = key;
  }

  /**
   * Takes the next frame off `received` and gives its plaintext, which may be empty; `undefined` while the frame is not whole.
   * Throws `ProtocolError<AeadErrorCode>`.
   */
  open(received: Bytes): Uint8Array | undefined {
    if (received.length < LENGTH_SIZE) return undefined;
    const length = (received.at(0) << 8) | received.at(1);
    if (length < TAG_SIZE) throw new ProtocolError<AeadErrorCode>("frame-length-invalid", { length });
    if (received.length < LENGTH_SIZE + length) return undefined;
    const sealed = received.take(LENGTH_SIZE + length).subarray(LENGTH_SIZE);
    const plaintext = this.#aead.open(this.#key, this.#nonce.next(), NO_DATA, sealed);
    if (plaintext === undefined) throw new ProtocolError<AeadErrorCode>("aead-decrypt-failed");
    return plaintext;
  }

  /** Says that nothing follows `received`. Throws `ProtocolError("unexpected-eof")` inside a frame. */
  end(received: Bytes): void {
    if (received.length >= LENGTH_SIZE) throw new ProtocolError<AeadErrorCode>("unexpected-eof");
  }

  wipe(): void {
    wipe(this.#key);
  }
}

/** Four zero bytes and a big-endian counter that goes up by one a frame. */
class FrameNonce {
  readonly #bytes = new Uint8Array(NONCE_SIZE);
  readonly #view = new DataView(this.#bytes.buffer);
  #counter = 0;

  /** In memory that the next call overwrites. */
  next(): Uint8Array {
    if (this.#counter >= Number.MAX_SAFE_INTEGER) throw new ProtocolError<AeadErrorCode>("counter-exhausted");
    this.#view.setBigUint64(4, BigInt(this.#counter));
    this.#counter++;
    return this.#bytes;
  }
}
