/** The rate cap as it is in force: put on, kept up with the city's ports, taken away. */
import { ProtocolError } from "../../protocol/errors.ts";
import { capRate, uncapRate } from "./rateCap.ts";
import type { ExitRecord } from "./record.ts";
import type { ExitNotice } from "./status.ts";
import { portsOf } from "./transitions.ts";

export class Shaper {
  readonly #retryMs: number;
  /** Undefined before anybody looked: a killed program may have left one. */
  #cap: ExitRecord["rate"] | undefined;
  #key: string | undefined;
  #fault: ExitNotice | undefined;
  #retryAt = 0;

  constructor(retryMs: number) {
    this.#retryMs = retryMs;
  }

  get isInForce(): boolean {
    return this.#key !== undefined;
  }

  /** Why it is not in force. */
  get fault(): ExitNotice | undefined {
    return this.#fault;
  }

  /** The next {@link keep} tries again at once. */
  retry(): void {
    this.#retryAt = 0;
  }

  /** As the record says. */
  async keep(record: ExitRecord): Promise<void> {
    const { rate } = record;
    if (rate === null) return this.end(null);
    const key = JSON.stringify([rate, portsOf(record)]);
    if (this.#key === key || performance.now() < this.#retryAt) return;
    try {
      await capRate(rate, portsOf(record));
      [this.#cap, this.#key, this.#fault] = [rate, key, undefined];
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const { code, params } = error as ProtocolError;
      [this.#cap, this.#key, this.#fault] = [null, undefined, { code, params }];
      this.#retryAt = performance.now() + this.#retryMs;
    }
  }

  /** Ends the cap in force, or, before anybody looked, the one that a killed program may have left. */
  async end(leftOver: ExitRecord["rate"]): Promise<void> {
    const cap = this.#cap === undefined ? leftOver : this.#cap;
    [this.#cap, this.#key, this.#fault] = [null, undefined, undefined];
    await undo(cap);
  }
}

/** Without the right to undo it, it was not this program that did it. */
async function undo(cap: ExitRecord["rate"]): Promise<void> {
  if (cap !== null) await uncapRate(cap).catch(() => undefined);
}
