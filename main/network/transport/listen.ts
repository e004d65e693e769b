/** Accepts connections, with bounds on what an unknown address may cost (chapter 06 §7 item 1). */
import { createServer, isIPv6, type Server, type Socket } from "node:net";
import { ProtocolError } from "../../protocol/errors.ts";
import type { Connection } from "../ports.ts";
import { establish, type TransportOptions } from "./establish.ts";
import { HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX, LISTEN_BACKLOG } from "./limits.ts";
import { formatMultiaddr, parseMultiaddr, plainHost } from "./multiaddr.ts";

export interface ListenOptions extends TransportOptions {
  /** A multiaddr; port 0 takes a free one. */
  readonly address: string;
  /** Called before anything on it is served. */
  readonly accepted: (connection: Connection) => void;
  /** Decides by the address alone, before anything is computed; false closes the socket. */
  readonly admit?: (host: string) => boolean;
  /** An attempt came to nothing, `code` says why: of {@link establish}, "not-admitted" or "too-many-handshakes". */
  readonly refused?: (remote: string, error: ProtocolError) => void;
  /** Unfinished handshakes in all; 64 unless given. */
  readonly handshakesMax?: number;
  /** Unfinished handshakes of one address (of one /64 for IPv6); 4 unless given. */
  readonly handshakesPerAddressMax?: number;
}

export interface Listener {
  /** With the port that was taken. */
  readonly address: string;
  /** Takes no more connections and drops unfinished ones; established ones live on. */
  close(): void;
}

/** Rejects with `ProtocolError`: "invalid-multiaddr", or "listen-failed" with the system's `reason`. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { host, port } = parseMultiaddr(options.address);
  const handshakes = new Handshakes(options);
  const server = createServer({ noDelay: true }, (socket) => handshakes.accept(socket));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(new ProtocolError("listen-failed", { reason: error.code ?? error.message }));
    });
    server.listen({ host, port, backlog: LISTEN_BACKLOG }, resolve);
  });
  // Out of file descriptors, for one: the next attempt may succeed.
  server.on("error", () => undefined);
  return {
    address: formatMultiaddr({ host, port: portOf(server) }),
    close: () => {
      handshakes.abort();
      server.close();
    },
  };
}

class Handshakes {
  readonly #options: ListenOptions;
  readonly #unfinished = new Map<string, number>();
  readonly #aborting = new AbortController();
  #total = 0;

  constructor(options: ListenOptions) {
    this.#options = options;
  }

  accept(socket: Socket): void {
    const { admit, refused, accepted } = this.#options;
    // Undefined when the other side has gone already.
    const { remoteAddress, remotePort } = socket;
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy();
      return;
    }
    const host = plainHost(remoteAddress);
    const remote = formatMultiaddr({ host, port: remotePort });
    const refusal = admit?.(host) === false ? "not-admitted" : this.#refusal(sourceOf(host));
    if (refusal !== undefined) {
      socket.on("error", () => undefined).destroy();
      refused?.(remote, new ProtocolError(refusal));
      return;
    }
    this.#count(sourceOf(host), 1);
    establish(socket, false, remote, { ...this.#options, signal: this.#aborting.signal }, accepted)
      .catch((error: unknown) => {
        if (!(error instanceof ProtocolError)) throw error;
        refused?.(remote, error as ProtocolError);
      })
      .finally(() => this.#count(sourceOf(host), -1));
  }

  abort(): void {
    this.#aborting.abort();
  }

  #refusal(source: string): string | undefined {
    const { handshakesMax = HANDSHAKES_MAX, handshakesPerAddressMax = HANDSHAKES_PER_ADDRESS_MAX } = this.#options;
    const isFull = this.#total >= handshakesMax || (this.#unfinished.get(source) ?? 0) >= handshakesPerAddressMax;
    return isFull ? "too-many-handshakes" : undefined;
  }

  #count(source: string, change: 1 | -1): void {
    this.#total += change;
    const count = (this.#unfinished.get(source) ?? 0) + change;
    if (count === 0) this.#unfinished.delete(source);
    else this.#unfinished.set(source, count);
  }
}

/** Whoever has an IPv6 address has at least 2^64 of them. */
function sourceOf(host: string): string {
  if (!isIPv6(host)) return host;
  const [head = "", tail] = host.split("::");
  const headGroups = head === "" ? [] : head.split(":");
  const tailGroups = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - headGroups.length - tailGroups.length;
  return [...headGroups, ...Array<string>(Math.max(0, zeros)).fill("0"), ...tailGroups].slice(0, 4).join(":");
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new ProtocolError("listen-failed", { reason: "no port" });
  return address.port;
}
