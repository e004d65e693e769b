/** Whether something answers through the tunnel, and how fast (chapter 08 §10.9). A listening port tells nothing. */
import { connect as connectSocket, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

import type { ProbeResult } from "./failures.ts";

/** The engine's local proxy: the mixed port, or the endpoint for probes with the code of the exit to measure. */
export type ProbeVia = ({ readonly port: number } | { readonly socket: string }) & {
  readonly account?: { readonly exit: string; readonly password: string };
};

export interface ProbeOptions {
  readonly via: ProbeVia;
  /** `http:` or `https:`. */
  readonly url: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface ProbeOutcome {
  /** `ok`: the target answered, whatever its status. */
  readonly result: ProbeResult;
  /** Milliseconds from the beginning to the first byte, or to the failure. */
  readonly ms: number;
  /** Milliseconds of a second request on the same connection, with `ok` when the target took one and answers without a body. */
  readonly delayMs?: number;
  readonly status?: number;
}

/** Bytes of an answer's head. */
const HEAD_MAX = 16_384;

/** Two GETs over one fresh connection; total. */
export async function probeThrough(options: ProbeOptions): Promise<ProbeOutcome> {
  const { via, url, timeoutMs, signal } = options;
  const target = new URL(url);
  const began = performance.now();
  const ms = (): number => Math.round(performance.now() - began);
  const timeout = AbortSignal.timeout(timeoutMs);
  const cancelled = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  const raw = "socket" in via ? connectSocket(via.socket) : connectSocket(via.port, "127.0.0.1");
  const conversation = new Conversation(raw, cancelled);
  try {
    // A tunnel of bytes for plain HTTP, too: the proxy itself answers 503 to plain requests that fail.
    if (statusOf(await conversation.ask(connectRequest(target, via))) !== 200) throw new Failure("reset");
    if (target.protocol === "https:") await conversation.encrypt(target.hostname);
    const head = await conversation.ask(getRequest(target, "keep-alive"));
    const status = statusOf(head);
    const first = ms();
    const delayMs = hasBody(status, head) ? undefined : await measureSecond(conversation, target);
    return { result: "ok", ms: first, status, ...(delayMs !== undefined && { delayMs }) };
  } catch (error) {
    return { result: error instanceof Failure ? error.result : "reset", ms: ms() };
  } finally {
    conversation.close();
  }
}

/** A target that closes after one answer is as good as any; it has only no second figure. */
async function measureSecond(conversation: Conversation, target: URL): Promise<number | undefined> {
  const began = performance.now();
  try {
    await conversation.ask(getRequest(target, "close"));
    return Math.round(performance.now() - began);
  } catch {
    return undefined;
  }
}

const authority = ({ hostname, port, protocol }: URL): string =>
  `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;

function connectRequest(target: URL, { account }: ProbeVia): string {
  const lines = [`CONNECT ${authority(target)} HTTP/1.1`, `Host: ${authority(target)}`];
  if (account !== undefined) {
    const credentials = Buffer.from(`${account.exit}:${account.password}`).toString("base64");
    lines.push(`Proxy-Authorization: Basic ${credentials}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Nothing that tells this program from another. */
const getRequest = ({ pathname, search, host }: URL, connection: string): string =>
  `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nAccept: */*\r\nConnection: ${connection}\r\n\r\n`;

function statusOf(head: string): number {
  const status = /^HTTP\/\d(?:\.\d)? (\d{3})\b/.exec(head)?.[1];
  if (status === undefined) throw new Failure("reset");
  return Number(status);
}

/** Its end would have to be found before the next answer's beginning is. */
const hasBody = (status: number, head: string): boolean =>
  status !== 204 && status !== 304 && !/^content-length:[ \t]*0[ \t]*\r?$/im.test(head);

class Failure extends Error {
  readonly result: ProbeResult;

  constructor(result: ProbeResult) {
    super(result);
    this.result = result;
  }
}

/** A request, its answer's head, and the next request. */
class Conversation {
  #socket: Socket;
  #received = "";
  #failure: Failure | undefined;
  #wake = (): void => undefined;

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    signal.addEventListener("abort", () => this.#fail("timeout"), { once: true });
    if (signal.aborted) this.#fail("timeout");
    this.#listen();
  }

  async ask(request: string): Promise<string> {
    this.#received = "";
    this.#socket.write(request);
    for (;;) {
      const end = this.#received.indexOf("\r\n\r\n");
      if (end >= 0) return this.#received.slice(0, end);
      if (this.#received.length > HEAD_MAX) throw new Failure("reset");
      await this.#next();
    }
  }

  /** Goes on in TLS. The certificate is checked: a stranger's answer is none of the target's. */
  async encrypt(servername: string): Promise<void> {
    this.#socket.removeAllListeners("data");
    const secure = connectTls({ socket: this.#socket, servername, ALPNProtocols: ["http/1.1"] });
    this.#socket = secure;
    this.#listen();
    const handshake = { isDone: false };
    secure.once("secureConnect", () => {
      handshake.isDone = true;
      this.#wake();
    });
    while (!handshake.isDone) await this.#next();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Waits for anything to happen; throws what has gone wrong. */
  async #next(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #listen(): void {
    this.#socket.on("data", (chunk: Buffer) => {
      this.#received += chunk.toString("latin1");
      this.#wake();
    });
    this.#socket.on("error", () => this.#fail("reset"));
    this.#socket.on("close", () => this.#fail("empty"));
  }

  #fail(result: ProbeResult): void {
    this.#failure ??= new Failure(result);
    this.#wake();
  }
}
