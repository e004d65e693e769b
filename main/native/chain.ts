/** A VDF chain in slices. */
import type { Hash32 } from "../protocol/bytes.ts";
import type { Crypto } from "../protocol/crypto.ts";

/**
 * A chain value and how many hashes are behind it. The owner advances it in slices of at most 100 ms, so that it can report
 * progress, write checkpoints and stop in between (chapter 03 §4.2, composition).
 */
export class ChainRun {
  readonly #crypto: Crypto;
  #value: Hash32;
  #done: number;

  constructor(crypto: Crypto, value: Hash32, done: number) {
    this.#crypto = crypto;
    this.#value = value;
    this.#done = done;
  }

  get value(): Hash32 {
    return this.#value;
  }

  get done(): number {
    return this.#done;
  }

  /** Blocks for `iterations` hashes and gives the new value. */
  advance(iterations: number): Hash32 {
    this.#value = this.#crypto.sha256Chain(this.#value, iterations);
    this.#done += iterations;
    return this.#value;
  }
}
