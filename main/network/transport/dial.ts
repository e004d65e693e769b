/** Opens a connection to a peer, always from an ephemeral port (chapter 06 §4.8). */
import { connect } from "node:net";
import { performance } from "node:perf_hooks";
import { ProtocolError } from "../../protocol/errors.ts";
import type { Connection, PeerIdText } from "../ports.ts";
import { establish, type TransportOptions } from "./establish.ts";
import { UPGRADE_TIMEOUT_MS } from "./limits.ts";
import { formatMultiaddr, parseMultiaddr } from "./multiaddr.ts";

export interface DialOptions extends TransportOptions {
  /** A multiaddr without `/p2p`. */
  readonly address: string;
  /** The peer that has to be there; checked before this side reveals its key. */
  readonly expectedPeer?: PeerIdText;
  readonly signal?: AbortSignal;
}

/**
 * Requests are served from the next turn of the event loop on. Rejects with `ProtocolError`: "invalid-multiaddr",
 * "connect-failed" with the system's `reason`, or as {@link establish}; `upgradeTimeoutMs` includes connecting.
 */
export async function dial(options: DialOptions): Promise<Connection> {
  const { signal, upgradeTimeoutMs = UPGRADE_TIMEOUT_MS } = options;
  const address = parseMultiaddr(options.address);
  const start = performance.now();
  const socket = connect({ host: address.host, port: address.port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    const fail = (error: ProtocolError): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      socket.on("error", () => undefined).destroy();
      reject(error);
    };
    const abort = (): void => fail(new ProtocolError("upgrade-aborted"));
    const timer = setTimeout(() => fail(new ProtocolError("upgrade-timeout")), upgradeTimeoutMs);
    const refuse = (error: NodeJS.ErrnoException): void =>
      fail(new ProtocolError("connect-failed", { reason: error.code ?? error.message }));
    signal?.addEventListener("abort", abort);
    socket.once("error", refuse);
    socket.once("connect", () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      socket.off("error", refuse);
      resolve();
    });
    if (signal?.aborted) abort();
  });
  let connection: Connection | undefined;
  await establish(
    socket,
    true,
    formatMultiaddr(address),
    { ...options, upgradeTimeoutMs: Math.max(0, upgradeTimeoutMs - (performance.now() - start)) },
    (established) => (connection = established),
  );
  return connection!;
}
