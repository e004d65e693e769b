/** The connections of the peer manager, on sockets. */
import type { Native } from "../native/interface.ts";
import type { Carrier, CarrierHooks, OpenCarrier, Violation } from "./peers/carrier.ts";
import type { Connection, PeerIdText, TransportIdentity } from "./ports.ts";
import type { AnswerFailure } from "./transport/answer.ts";
import { dial } from "./transport/dial.ts";
import type { TransportOptions } from "./transport/establish.ts";
import { listen, type Listener } from "./transport/listen.ts";
import { formatMultiaddr } from "./transport/multiaddr.ts";

/** The port of whoever connects means nothing, but a multiaddr has one. */
const SOME_PORT = 1;

/** What an honest remote does not do; whatever else ends a substream may be bad luck. */
const VIOLATIONS: Readonly<Partial<Record<AnswerFailure, Violation>>> = {
  "payload-too-large": "request-too-large",
  "multistream-violation": "stream-garbage",
  "truncated-header": "stream-garbage",
  "truncated-payload": "stream-garbage",
};

export function socketCarrier(crypto: Native, identity: TransportIdentity): OpenCarrier {
  return (hooks) => new SocketCarrier(crypto, identity, hooks);
}

class SocketCarrier implements Carrier {
  readonly #hooks: CarrierHooks;
  readonly #options: TransportOptions;
  readonly #connections = new Set<Connection>();
  #listener: Listener | undefined;

  constructor(crypto: Native, identity: TransportIdentity, hooks: CarrierHooks) {
    this.#hooks = hooks;
    const substreamFailed = (connection: Connection, code: AnswerFailure): void => {
      const violation = VIOLATIONS[code];
      if (violation !== undefined) hooks.violated(connection, violation);
    };
    this.#options = { crypto, identity, served: hooks.served, events: { substreamFailed } };
  }

  async listen(address: string): Promise<string> {
    this.#listener = await listen({
      ...this.#options,
      address,
      admit: (host) => this.#hooks.admits(formatMultiaddr({ host, port: SOME_PORT })),
      accepted: (connection) => {
        this.#track(connection);
        this.#hooks.accepted(connection);
      },
    });
    return this.#listener.address;
  }

  async dial(address: string, expected: PeerIdText | undefined, signal: AbortSignal): Promise<Connection> {
    const expectedPeer = expected === undefined ? {} : { expectedPeer: expected };
    const connection = await dial({ ...this.#options, ...expectedPeer, address, signal });
    this.#track(connection);
    return connection;
  }

  async close(): Promise<void> {
    this.#listener?.close();
    const ends = [...this.#connections].map((connection) => {
      connection.close("shutdown");
      return connection.closed;
    });
    await Promise.all(ends);
  }

  #track(connection: Connection): void {
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }
}
