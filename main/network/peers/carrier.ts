/** What the peer manager asks of whoever makes connections: sockets, or memory in tests. */
import type { Connection, PeerIdText, Served } from "../ports.ts";

/** What a remote did below the level of messages that an honest one does not do. */
export type Violation = "request-too-large" | "stream-garbage";

export interface CarrierHooks {
  readonly served: readonly Served[];
  /** Asked for each TCP connection before it costs anything; `remote` is a multiaddr. */
  admits(remote: string): boolean;
  /** An inbound connection is authenticated. */
  accepted(connection: Connection): void;
  violated(connection: Connection, violation: Violation): void;
}

export interface Carrier {
  /** Gives the multiaddr that is really bound, with its port. Rejects with what the system says. */
  listen(multiaddr: string): Promise<string>;
  /** Rejects when nobody answers, or somebody else than `expected`. */
  dial(multiaddr: string, expected: PeerIdText | undefined, signal: AbortSignal): Promise<Connection>;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

export type OpenCarrier = (hooks: CarrierHooks) => Carrier;
