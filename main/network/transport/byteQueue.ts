/** Received bytes that nobody has taken yet, in one growing buffer, so that single-byte segments cost no more than others. */
import { invariant } from "../../protocol/errors.ts";

const CAPACITY_MIN = 128;
/** No more is allocated on the mere word that it will come. */
const CAPACITY_TRUSTED = 32_768;
/** A buffer that grew beyond this is given back once it is empty. */
const CAPACITY_KEPT = 1 << 17;

export class ByteQueue {
  #buffer: Uint8Array;
  #start = 0;
  #end = 0;
  readonly #expected: number;

  /** Where it is known that no more than `expected` bytes come, it grows in few steps. */
  constructor(expected = Infinity) {
    this.#expected = expected;
    this.#buffer = new Uint8Array(expected <= CAPACITY_TRUSTED ? expected : 0);
  }

  get length(): number {
    return this.#end - this.#start;
  }

  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#buffer.length) this.#makeRoom(chunk.length);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Byte `index` from the front. */
  at(index: number): number {
    invariant(index < this.length, "only a byte that is there is looked at");
    return this.#buffer[this.#start + index]!;
  }

  /** The first `count` bytes, in memory of the queue: to be used before the next {@link push}. */
  take(count: number): Uint8Array {
    invariant(count <= this.length, "only bytes that are there are taken");
    const taken = this.#buffer.subarray(this.#start, this.#start + count);
    this.#start += count;
    return taken;
  }

  takeAll(): Uint8Array {
    return this.take(this.length);
  }

  /** Moves a byte only now and then: what is kept fills at most half of a buffer that is used again. */
  #makeRoom(count: number): void {
    const needed = this.length + count;
    const isReusable = 2 * needed <= this.#buffer.length && (this.#buffer.length <= CAPACITY_KEPT || this.length > 0);
    const capacity = this.#expected === Infinity ? 2 * needed : Math.max(needed, Math.min(4 * needed, this.#expected));
    const buffer = isReusable ? this.#buffer : new Uint8Array(Math.max(CAPACITY_MIN, capacity));
    buffer.set(this.#buffer.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
    this.#buffer = buffer;
  }
}
