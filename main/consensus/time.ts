/** The TimeChain values that this node knows, and how it came to know them (chapter 03 §6.2, §6.10). */
import { equalBytes, type Hash32 } from "../protocol/bytes.ts";

/** Who did the hashing. A node signs no bundle and no reveal for a value that it did not compute. */
export type TimeSource = "computed" | "adopted";

interface TimeValue {
  readonly value: Hash32;
  readonly source: TimeSource;
}

export class TimeValues {
  readonly #values = new Map<bigint, TimeValue>();
  #head = -1n;

  /** The highest window whose value is known. */
  get head(): bigint {
    return this.#head;
  }

  of(window: bigint): Hash32 | undefined {
    return this.#values.get(window)?.value;
  }

  isComputed(window: bigint): boolean {
    return this.#values.get(window)?.source === "computed";
  }

  /** `contradiction`: another value is known already, and stays. */
  record(window: bigint, value: Hash32, source: TimeSource): "new" | "known" | "contradiction" {
    const known = this.#values.get(window);
    if (known !== undefined) return equalBytes(known.value, value) ? "known" : "contradiction";
    this.#values.set(window, { value, source });
    if (window > this.#head) this.#head = window;
    return "new";
  }

  forgetBefore(window: bigint): void {
    for (const known of this.#values.keys()) if (known < window) this.#values.delete(known);
  }
}
