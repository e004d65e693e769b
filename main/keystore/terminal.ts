/** Asking for a passphrase at a terminal that does not show it. */
import { wipe } from "../native/index.ts";
import { equalSecrets } from "../protocol/identity/secrets.ts";
import { keystoreError } from "./errors.ts";

/** `process.stdin` and `process.stderr` of a process with a terminal. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { setRawMode(isRaw: boolean): unknown };
  readonly output: { write(text: string): unknown };
}

/** The process's own terminal; `undefined` when its input is not one, as under systemd or in a pipe. */
export function ownTerminal(): Terminal | undefined {
  return process.stdin.isTTY ? { input: process.stdin, output: process.stderr } : undefined;
}

const BYTES_MAX = 1024;
const ENTER = [0x0a, 0x0d];
const INTERRUPT = 0x03;
const END_OF_INPUT = 0x04;
const BACKSPACE = [0x08, 0x7f];
const KILL_LINE = 0x15;
/** What is below it and no key of the above types nothing. */
const SPACE = 0x20;

/**
 * The bytes typed before Enter, twice the same ones where `repeatPrompt` is given; for the caller to wipe. Throws
 * "passphrase-cancelled" on Ctrl-C, Ctrl-D or the end of the input, "passphrases-differ".
 */
export async function promptPassphrase(terminal: Terminal, prompt: string, repeatPrompt?: string): Promise<Uint8Array> {
  // Before the first question and until after the last answer: nothing typed ahead is shown in between.
  terminal.input.setRawMode(true);
  try {
    return await readOnceOrTwice(terminal, prompt, repeatPrompt);
  } finally {
    terminal.input.setRawMode(false);
  }
}

async function readOnceOrTwice(terminal: Terminal, prompt: string, repeatPrompt?: string): Promise<Uint8Array> {
  const first = await readHidden(terminal, prompt);
  if (repeatPrompt === undefined) return first;
  try {
    const second = await readHidden(terminal, repeatPrompt);
    const isSame = equalSecrets(first, second);
    wipe(second);
    if (isSame) return first;
  } catch (error) {
    wipe(first);
    throw error;
  }
  wipe(first);
  throw keystoreError("passphrases-differ");
}

async function readHidden({ input, output }: Terminal, prompt: string): Promise<Uint8Array> {
  output.write(prompt);
  const line = new HiddenLine();
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      const settle = (outcome: "done" | "cancelled"): void => {
        input.off("data", onData).off("end", onEnd).pause();
        if (outcome === "done") resolve(line.take());
        else reject(keystoreError("passphrase-cancelled"));
      };
      const onData = (chunk: Uint8Array | string): void => {
        const typed = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
        const outcome = line.type(typed);
        wipe(typed);
        if (outcome === undefined) return;
        settle(outcome.outcome);
        // What came after Enter, pasted say, belongs to the next question.
        if (outcome.rest.length > 0) input.unshift(outcome.rest);
      };
      const onEnd = (): void => {
        settle("cancelled");
      };
      input.on("data", onData).on("end", onEnd).resume();
    });
  } finally {
    line.wipe();
    output.write("\n");
  }
}

/** A line of bytes with the keys that edit one; bytes beyond the bound are counted, so that they are refused later. */
class HiddenLine {
  readonly #bytes = new Uint8Array(BYTES_MAX + 1);
  #length = 0;

  /** `undefined` while the line goes on. */
  type(chunk: Uint8Array): { readonly outcome: "done" | "cancelled"; readonly rest: Uint8Array } | undefined {
    for (const [i, byte] of chunk.entries()) {
      const rest = (): Uint8Array => Uint8Array.from(chunk.subarray(i + 1));
      if (ENTER.includes(byte)) return { outcome: "done", rest: rest() };
      if (byte === INTERRUPT || (byte === END_OF_INPUT && this.#length === 0))
        return { outcome: "cancelled", rest: rest() };
      if (BACKSPACE.includes(byte)) this.#removeCharacter();
      else if (byte === KILL_LINE) this.#length = 0;
      else if (byte >= SPACE && this.#length < this.#bytes.length) this.#bytes[this.#length++] = byte;
    }
    return undefined;
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  wipe(): void {
    wipe(this.#bytes);
  }

  /** Back over the continuation bytes of UTF-8 to the first byte of the last character. */
  #removeCharacter(): void {
    while (this.#length > 0 && (this.#bytes[--this.#length]! & 0xc0) === 0x80);
  }
}
