/** What the engine prints: cut into lines, redacted, read as events, and hardly kept (chapter 08 §10.1, §10.11, §10.13). */
import { StringDecoder } from "node:string_decoder";

import type { RunningFailure } from "./errors.ts";
import { diagnoseRunning } from "./failures.ts";

/** Characters; the rest of a longer line is dropped. */
const LINE_MAX = 8_192;
/** Lines kept for diagnostics, in memory only (§8.4). */
const LINES_MAX = 500;
/** Connections whose way out is remembered. */
const CONNECTIONS_MAX = 4_096;

export type OutputEvent =
  | { readonly kind: "started" }
  /** The tun interface is there. */
  | { readonly kind: "interface-up"; readonly name: string }
  /** A connection takes this way out. */
  | { readonly kind: "opened"; readonly outbound: string }
  /** A connection failed on its way through `outbound`, where the engine said through which. */
  | { readonly kind: "failure"; readonly code: RunningFailure; readonly outbound?: string };

/** A stream's text as lines without their ends. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    const lines = this.#decoder.write(chunk).split("\n");
    for (const [i, part] of lines.entries()) {
      if (this.#rest.length < LINE_MAX) this.#rest += part.slice(0, LINE_MAX - this.#rest.length);
      if (i < lines.length - 1) this.end();
    }
  }

  /** What stands without a line's end is a line, too. */
  end(): void {
    const line = this.#rest.replace(/\r$/, "");
    this.#rest = "";
    if (line !== "") this.#onLine(line);
  }
}

/** The last lines that are kept. A position counts all that ever were. */
export class EngineLog {
  #lines: string[] = [];
  #first = 0;

  push(line: string): void {
    this.#lines.push(line);
    // In batches: shifting by one moves all.
    if (this.#lines.length < 2 * LINES_MAX) return;
    this.#first += this.#lines.length - LINES_MAX;
    this.#lines = this.#lines.slice(-LINES_MAX);
  }

  position(): number {
    return this.#first + this.#lines.length;
  }

  /** Lines from a position on, as far as they are kept. */
  since(position: number): readonly string[] {
    return this.#lines.slice(Math.max(0, position - this.#first));
  }

  recent(): readonly string[] {
    return this.#lines.slice(-LINES_MAX);
  }
}

const LINE = /^(?:\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d(?:\.\d+)? )?\[(?:Debug|Info|Warning|Error)\] (?:\[(\d+)\] )?(.*)$/;
const DETOUR = /^app\/dispatcher: (?:.*so )?taking (?:platform initialized )?detour \[([^\]]+)\]/;
const STARTED = /^core: Xray \S+ started$/;
const INTERFACE_UP = /^proxy\/tun: (\S+) up$/;
/**
 * What is kept of a running engine: how it reaches its exits. Its resolver, dispatcher and proxies write visited names in more
 * ways than redaction knows.
 */
const KEPT =
  /^(?:core: |infra\/|transport\/internet|app\/proxyman\/outbound: .*failed to process outbound|proxy\/vless\/outbound: |proxy\/tun: \S+ (?:created|up)$)/;

export interface ReadLine {
  readonly event?: OutputEvent;
  readonly isKept: boolean;
}

/** Reads lines as events; it remembers which way out each connection took, for the lines that tell of its end do not. */
export class OutputReader {
  readonly #outbounds = new Map<string, string>();

  /** `line` redacted. */
  read(line: string): ReadLine {
    const [, connection, text] = LINE.exec(line) ?? [];
    // Why it does not start, it says without a level.
    if (text === undefined) return { isKept: true };
    const isKept = KEPT.test(text);
    const event = this.#eventOf(text, connection);
    return { isKept, ...(event !== undefined && { event }) };
  }

  #eventOf(text: string, connection: string | undefined): OutputEvent | undefined {
    const detour = DETOUR.exec(text)?.[1];
    if (detour !== undefined) {
      if (connection !== undefined) this.#remember(connection, detour);
      return { kind: "opened", outbound: detour };
    }
    if (STARTED.test(text)) return { kind: "started" };
    const name = INTERFACE_UP.exec(text)?.[1];
    if (name !== undefined) return { kind: "interface-up", name };
    const code = diagnoseRunning([text]);
    // A browser's attempt at QUIC fails by design and says nothing about the exit.
    if (code === "unknown" || code === "quic-rejected") return undefined;
    const outbound = connection === undefined ? undefined : this.#outbounds.get(connection);
    return { kind: "failure", code, ...(outbound !== undefined && { outbound }) };
  }

  #remember(connection: string, outbound: string): void {
    this.#outbounds.set(connection, outbound);
    if (this.#outbounds.size <= CONNECTIONS_MAX) return;
    const [oldest] = this.#outbounds.keys();
    this.#outbounds.delete(oldest!);
  }
}
