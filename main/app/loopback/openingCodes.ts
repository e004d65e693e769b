/** Codes that open the page: each for one use within a minute. */
import { randomBytes, timingSafeEqual } from "node:crypto";

const CODE_BYTES = 32;
export const CODE_LIFE_MS = 60_000;
/** Of one time; the oldest makes room. */
const CODES_MAX = 8;
/** Wrong tries that a code outlives. */
export const WRONG_TRIES_MAX = 16;

interface Code {
  readonly bytes: Buffer;
  readonly endsAt: number;
  readonly onGone: () => void;
  readonly timer: NodeJS.Timeout;
  wrongTries: number;
}

export class OpeningCodes {
  readonly #codes = new Set<Code>();
  readonly #now: () => number;

  /** `now` in milliseconds of a clock that nobody sets. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** 64 hex digits. `onGone` is called once it opens nothing any more. */
  make(onGone: () => void): string {
    const [oldest] = this.#codes;
    if (oldest !== undefined && this.#codes.size === CODES_MAX) this.#drop(oldest);
    const bytes = randomBytes(CODE_BYTES);
    const timer = setTimeout(() => this.#drop(code), CODE_LIFE_MS).unref();
    const code: Code = { bytes, endsAt: this.#now() + CODE_LIFE_MS, onGone, timer, wrongTries: 0 };
    this.#codes.add(code);
    return bytes.toString("hex");
  }

  /** Whether `text` was a code that held. It does not any more. */
  take(text: string): boolean {
    const tried = Buffer.from(text, "hex");
    let taken: Code | undefined;
    for (const code of this.#codes) {
      if (this.#now() >= code.endsAt) this.#drop(code);
      else if (tried.length === CODE_BYTES && timingSafeEqual(tried, code.bytes)) taken = code;
    }
    if (taken !== undefined) this.#drop(taken);
    else this.#countWrongTry();
    return taken !== undefined;
  }

  clear(): void {
    for (const code of this.#codes) this.#drop(code);
  }

  #countWrongTry(): void {
    for (const code of this.#codes) if (++code.wrongTries >= WRONG_TRIES_MAX) this.#drop(code);
  }

  #drop(code: Code): void {
    if (!this.#codes.delete(code)) return;
    clearTimeout(code.timer);
    code.onGone();
  }
}
