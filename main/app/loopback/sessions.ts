/**
 * Who may use the API through the page's origin. A session is a key that the page keeps; it crosses the wire once, when it is
 * made. What travels with every request is a bearer token made from it for one run of the host on one port. So a session outlives
 * a restart of the host, and whoever takes the port while no host is there learns nothing that opens the next one.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

import { count, listOf, record, text, type Shape } from "../../cities/shape.ts";
import { readSealed, writeSealed } from "../../files/sealedFile.ts";
import { ProtocolError } from "../../protocol/errors.ts";

const DAY_MS = 86_400_000;
/** After its last use. */
export const SESSION_LIFE_MS = 7 * DAY_MS;
/** A use is written down when it prolongs by so much: not with every request. */
const PROLONG_MS = DAY_MS;
/** The one that ends first makes room. */
export const SESSIONS_MAX = 16;
const KEY_BYTES = 32;
const FILE_BYTES_MAX = 16_384;

const readMemory = record({
  port: count,
  sessions: listOf(record({ key: text(2 * KEY_BYTES, /^[0-9a-f]{64}$/), untilMs: count }), SESSIONS_MAX),
});
type Memory = Shape<typeof readMemory>;

interface Session {
  readonly key: string;
  readonly bearer: Buffer;
  untilMs: number;
}

/** 64 hex digits. renderer/session.ts makes the same. */
export function bearerOf(key: string, run: string, port: number): string {
  return createHmac("sha256", Buffer.from(key, "hex")).update(`montana page ${run} ${port}`).digest("hex");
}

export class Sessions {
  /** Names this run of the host. No secret. */
  readonly run = randomBytes(KEY_BYTES).toString("hex");
  readonly #file: string;
  readonly #now: () => number;
  readonly #sessions: Session[] = [];
  #port = 0;

  /** `file` remembers them, readable by its owner alone. `now` in milliseconds since 1970. */
  constructor(file: string, now: () => number = Date.now) {
    this.#file = file;
    this.#now = now;
  }

  get count(): number {
    return this.#sessions.length;
  }

  /** The port of the run before this one; undefined where none is known. `isInUse`: there are sessions that hold there. */
  recall(): { readonly port: number; readonly isInUse: boolean } | undefined {
    const { port, sessions } = this.#read() ?? {};
    if (port === undefined || sessions === undefined) return undefined;
    return { port, isInUse: sessions.some(({ untilMs }) => untilMs > this.#now()) };
  }

  /** From now on the page is at `port`. Sessions of another one end: their pages are of another origin. */
  settle(port: number): void {
    const memory = this.#read();
    this.#port = port;
    this.#sessions.length = 0;
    if (memory?.port === port) {
      const latest = this.#now() + SESSION_LIFE_MS;
      for (const { key, untilMs } of memory.sessions) this.#add(key, Math.min(untilMs, latest));
    }
    this.#dropEnded();
    this.#write();
  }

  /** A new session's key: 64 hex digits. */
  create(): string {
    this.#dropEnded();
    if (this.#sessions.length === SESSIONS_MAX) {
      const first = this.#sessions.reduce((earlier, other) => (other.untilMs < earlier.untilMs ? other : earlier));
      this.#sessions.splice(this.#sessions.indexOf(first), 1);
    }
    const key = randomBytes(KEY_BYTES).toString("hex");
    this.#add(key, this.#now() + SESSION_LIFE_MS);
    this.#write();
    return key;
  }

  /** Whether the token is one of a session that holds, which then holds longer. */
  use(bearer: string): boolean {
    this.#dropEnded();
    const tried = Buffer.from(bearer, "hex");
    let found: Session | undefined;
    for (const session of this.#sessions) {
      if (tried.length === session.bearer.length && timingSafeEqual(tried, session.bearer)) found = session;
    }
    if (found === undefined) return false;
    const untilMs = this.#now() + SESSION_LIFE_MS;
    if (untilMs - found.untilMs >= PROLONG_MS) {
      found.untilMs = untilMs;
      this.#writeIfPossible();
    }
    return true;
  }

  /** Ends all and gives their number. */
  clear(): number {
    const { length } = this.#sessions;
    this.#sessions.length = 0;
    this.#write();
    return length;
  }

  #add(key: string, untilMs: number): void {
    this.#sessions.push({ key, bearer: Buffer.from(bearerOf(key, this.run, this.#port), "hex"), untilMs });
  }

  #dropEnded(): void {
    const now = this.#now();
    for (let i = this.#sessions.length; i-- > 0;) if (this.#sessions[i]!.untilMs <= now) this.#sessions.splice(i, 1);
  }

  /** A file that is not what was written remembers nothing: pages are opened anew. */
  #read(): Memory | undefined {
    const read = readSealed(this.#file, FILE_BYTES_MAX, readMemory);
    return read.kind === "value" ? read.value : undefined;
  }

  /** A full disk does not shut out who may come in: what was written stays, and ends earlier. */
  #writeIfPossible(): void {
    try {
      this.#write();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  #write(): void {
    const sessions = this.#sessions.map(({ key, untilMs }) => ({ key, untilMs }));
    writeSealed(this.#file, { port: this.#port, sessions } satisfies Memory);
  }
}
