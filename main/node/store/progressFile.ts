/**
 * How far a VDF chain has come, kept for its worker (issue: at least every 10 s). What it says is trusted for nothing: the
 * worker checks the value before it goes on from there.
 */
import { join } from "node:path";

import { decode, encode, hash32, struct, u64, type Codec, type Infer } from "../../protocol/codec/codec.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { named, storeError } from "./errors.ts";
import { removeFile } from "./files.ts";
import { TwoSlotFile } from "./twoSlotFile.ts";

/** The least that a chain writes down; a worker may add fields of its own with a struct that begins the same. */
export const vdfProgress = struct({
  /** Window of the step, or number of the segment, that is being computed. */
  window: u64,
  /** Hashes of it that are done. */
  iterations: u64,
  /** Value after them. */
  state: hash32,
});
export type VdfProgress = Infer<typeof vdfProgress>;

/** One file `progress-NAME.bin` in `directory`, written by one thread. A save is durable when it returns. */
export class ProgressFile<T> {
  readonly #path: string;
  readonly #label: string;
  readonly #codec: Codec<T>;
  #file: TwoSlotFile | undefined;

  /** `name` is lower-case letters, digits and dashes. */
  constructor(directory: string, name: string, codec: Codec<T>) {
    if (!/^[a-z0-9-]{1,64}$/.test(name)) throw new RangeError(`not the name of a progress file: ${name}`);
    this.#path = join(directory, `progress-${name}.bin`);
    this.#label = `progress ${name}`;
    this.#codec = codec;
  }

  /**
   * The newest saved value that is intact, undefined where none was ever saved. Throws `progress-corrupted` where a file is
   * there but neither of its values is intact, or the value has another layout.
   */
  load(): T | undefined {
    this.#file ??= TwoSlotFile.open(this.#path, this.#label, "progress-corrupted");
    if (this.#file === undefined) return undefined;
    try {
      return decode(this.#codec, this.#file.value);
    } catch (error) {
      if (error instanceof ProtocolError) throw storeError("progress-corrupted", { file: this.#path });
      throw error;
    }
  }

  save(value: T): void {
    const bytes = encode(this.#codec, value);
    named(() => {
      this.#file ??= TwoSlotFile.open(this.#path, this.#label, "progress-corrupted");
      if (this.#file === undefined) this.#file = TwoSlotFile.create(this.#path, this.#label, bytes);
      else this.#file.write(bytes);
    });
  }

  /** Forgets everything saved: a chain that starts over, or a file that cannot be read. */
  discard(): void {
    this.close();
    removeFile(this.#path);
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
