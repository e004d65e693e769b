/** One established connection: a socket, its encryption, and the exchanges above it. */
import { performance } from "node:perf_hooks";
import type { Socket } from "node:net";
import type { PublicKey } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { FRAME_PLAINTEXT_MAX } from "../noise/aeadStream.ts";
import type { Connection, PeerIdText, ProtocolName, RequestOptions, Served } from "../ports.ts";
import type { AnswerFailure } from "./answer.ts";
import type { ByteQueue } from "./byteQueue.ts";
import { Exchanges } from "./exchanges.ts";
import { CLOSE_GRACE_MS, IDLE_TIMEOUT_MS, SOCKET_BYTES_MAX } from "./limits.ts";
import type { Upgraded } from "./upgrade.ts";

/** What the layer above may want to know of a connection besides its requests. */
export interface ConnectionEvents {
  /** A substream that the other side opened came to nothing; the connection goes on. */
  substreamFailed?(connection: Connection, code: AnswerFailure, protocol: string | undefined): void;
  /** Serving a request threw. */
  defect?(connection: Connection, error: unknown): void;
}

export interface Established {
  readonly socket: Socket;
  readonly isDialer: boolean;
  readonly peerId: PeerIdText;
  readonly remote: string;
  readonly upgraded: Upgraded;
  /** What followed the upgrade, still encrypted. */
  readonly rest: ByteQueue;
  readonly served: readonly Served[];
  readonly events: ConnectionEvents;
  readonly idleTimeoutMs?: number | undefined;
}

export class SocketConnection implements Connection {
  readonly peerId: PeerIdText;
  readonly publicKey: PublicKey;
  readonly isDialer: boolean;
  readonly remote: string;
  readonly closed: Promise<string>;
  readonly #socket: Socket;
  readonly #upgraded: Upgraded;
  readonly #received: ByteQueue;
  readonly #exchanges: Exchanges;
  readonly #idleTimeoutMs: number;
  #cause: string | undefined;
  #isStarted = false;
  #isFlushing = false;
  #idleSince: number | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #graceTimer: NodeJS.Timeout | undefined;

  /** The owner of the connection hears of it before {@link start} is called. */
  constructor(established: Established) {
    const { socket, isDialer, peerId, remote, upgraded, rest, served, events } = established;
    this.peerId = peerId;
    this.publicKey = upgraded.publicKey;
    this.isDialer = isDialer;
    this.remote = remote;
    this.#socket = socket;
    this.#upgraded = upgraded;
    this.#received = rest;
    this.#idleTimeoutMs = established.idleTimeoutMs ?? IDLE_TIMEOUT_MS;
    const services = served.map((protocol) => ({
      ...protocol,
      serve: (request: Uint8Array) => protocol.serve(this, request),
    }));
    this.#exchanges = new Exchanges(isDialer, services, {
      wake: () => this.#scheduleFlush(),
      violated: (rule) => this.#closeBehindOutput(`go-away-1: ${rule}`),
      failed: (code, protocol) => events.substreamFailed?.(this, code, protocol),
      defect: (error) => events.defect?.(this, error),
    });
    const { promise, resolve } = Promise.withResolvers<string>();
    this.closed = promise;
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("drain", () => this.#flush());
    socket.on("end", () => this.#receiveEnd());
    socket.on("error", (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    socket.on("close", () => {
      this.#end("connection-closed");
      clearTimeout(this.#graceTimer);
      resolve(this.#cause!);
    });
  }

  /** Begins to look at what the other side sends. */
  start(): void {
    if (this.#cause !== undefined) return;
    this.#isStarted = true;
    this.#noteActivity();
    this.#try(() => {
      this.#exchanges.receive(this.#upgraded.early);
      this.#openFrames();
    });
  }

  request(protocol: ProtocolName, request: Uint8Array, options?: RequestOptions): Promise<Uint8Array> {
    return this.#exchanges.request(protocol, request, options);
  }

  close(cause: string): void {
    this.#end(cause);
  }

  /** Always reads: a socket that is left to fill makes rc.1 send garbage (chapter 06 §7 item 4). Credit bounds the memory. */
  #receive(chunk: Uint8Array): void {
    if (this.#cause !== undefined) return;
    this.#received.push(chunk);
    if (this.#isStarted) this.#try(() => this.#openFrames());
  }

  #openFrames(): void {
    while (this.#cause === undefined) {
      const plaintext = this.#upgraded.opener.open(this.#received);
      if (plaintext === undefined) return;
      this.#exchanges.receive(plaintext);
    }
  }

  #receiveEnd(): void {
    this.#try(() => {
      this.#upgraded.opener.end(this.#received);
      this.#end("ended by the other side");
    });
  }

  /** What is wrong with what the other side sent ends the connection. */
  #try(receive: () => void): void {
    try {
      receive();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end((error as ProtocolError).code);
    }
  }

  /** Once all that happens in this turn is known, so that it shares frames. */
  #scheduleFlush(): void {
    if (this.#isFlushing || this.#cause !== undefined) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#cause !== undefined) return;
    this.#socket.cork();
    while (this.#socket.writableLength < SOCKET_BYTES_MAX) {
      const plaintext = this.#exchanges.takeOutput(FRAME_PLAINTEXT_MAX);
      if (plaintext.length === 0) break;
      for (const frame of this.#upgraded.sealer.seal(plaintext)) this.#socket.write(frame);
    }
    this.#socket.uncork();
    this.#noteActivity();
  }

  #noteActivity(): void {
    if (this.#exchanges.openSubstreams > 0) {
      this.#idleSince = undefined;
    } else if (this.#idleSince === undefined) {
      this.#idleSince = performance.now();
      this.#idleTimer ??= setTimeout(this.#checkIdle, this.#idleTimeoutMs);
    }
  }

  readonly #checkIdle = (): void => {
    this.#idleTimer = undefined;
    if (this.#idleSince === undefined) return;
    const left = this.#idleTimeoutMs - (performance.now() - this.#idleSince);
    if (left <= 0) this.#end("idle");
    else this.#idleTimer = setTimeout(this.#checkIdle, left);
  };

  #closeBehindOutput(cause: string): void {
    this.#flush();
    this.#end(cause);
  }

  #end(cause: string): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    clearTimeout(this.#idleTimer);
    this.#exchanges.end();
    this.#upgraded.sealer.wipe();
    this.#upgraded.opener.wipe();
    if (this.#socket.writableLength === 0) {
      this.#socket.destroy();
    } else {
      this.#socket.destroySoon();
      this.#graceTimer = setTimeout(() => this.#socket.destroy(), CLOSE_GRACE_MS);
    }
  }
}
