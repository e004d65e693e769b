import type { Bytes } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";

/** Why bytes are not the canonical encoding of anything; chapter 01 §4.13 lists them in the order in which they are found. */
export type CodecErrorCode =
  | "truncated"
  | "unknown-type"
  | "non-canonical-flag"
  | "non-canonical-order"
  | "reserved-not-zero"
  | "trailing-bytes"
  | "value-out-of-range";

/**
 * Reads little-endian fields from untrusted bytes. Every read is bounded by what is left; it allocates no more than it
 * reads. Throws `ProtocolError<CodecErrorCode>` and nothing else.
 */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    // A plain view: `slice` of a subclass (Node's Buffer) would give more of the same memory, not a copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Checks that `length` more bytes are there; array readers call it with count × minimum size before they allocate. */
  require(length: number): void {
    if (length > this.remaining) {
      throw new ProtocolError<CodecErrorCode>("truncated", {
        offset: this.#offset,
        needed: length,
        left: this.remaining,
      });
    }
  }

  /** The next byte, left where it is: polymorphic slots choose their layout by it. */
  peek(): number {
    this.require(1);
    return this.#bytes[this.#offset]!;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  u128(): bigint {
    const low = this.u64();
    return (this.u64() << 64n) | low;
  }

  /** A copy: what is decoded never keeps a whole message alive. */
  bytes<N extends number>(length: N): Bytes<N> {
    const start = this.#advance(length);
    return this.#bytes.slice(start, start + length) as Bytes<N>;
  }

  /** Ends the reading: nothing may be left. */
  finish(): void {
    if (this.remaining !== 0) {
      throw new ProtocolError<CodecErrorCode>("trailing-bytes", { offset: this.#offset, left: this.remaining });
    }
  }

  #advance(length: number): number {
    this.require(length);
    const start = this.#offset;
    this.#offset += length;
    return start;
  }
}
