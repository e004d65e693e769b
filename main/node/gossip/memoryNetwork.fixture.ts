/** Peer networks of one process: a full mesh whose requests take turns of the event loop, with faults on demand. */
import type {
  Peer,
  PeerIdText,
  PeerListener,
  PeerNetwork,
  ProtocolName,
  RequestFailure,
  Served,
} from "../../network/ports.ts";
import type { NodeId } from "../../protocol/bytes.ts";
import { ProtocolError } from "../../protocol/errors.ts";

interface Up {
  readonly network: MemoryPeers;
  readonly listener: PeerListener;
  readonly served: ReadonlyMap<ProtocolName, Served<Peer>>;
}

export class MemoryMesh {
  readonly #up = new Map<PeerIdText, Up>();
  /** peer, points, reason, whose. */
  readonly penalties: {
    readonly by: PeerIdText;
    readonly of: PeerIdText;
    readonly points: number;
    readonly reason: string;
  }[] = [];
  readonly praise: { readonly of: PeerIdText; readonly what: string }[] = [];
  /** Requests of each protocol. */
  readonly requests = new Map<ProtocolName, number>();
  /** What the end that is asked answers instead; undefined lets it answer itself. */
  intercept: (
    from: PeerIdText,
    to: PeerIdText,
    protocol: ProtocolName,
    request: Uint8Array,
  ) => RequestFailure | Uint8Array | undefined = () => undefined;

  network(name: PeerIdText): PeerNetwork {
    return new MemoryPeers(this, name);
  }

  /** Somebody who is connected to all and serves nothing. */
  stranger(name: PeerIdText): void {
    const nobody = { connected: () => undefined, disconnected: () => undefined };
    this.join(name, { network: new MemoryPeers(this, name), listener: nobody, served: new Map() });
  }

  join(name: PeerIdText, up: Up): void {
    for (const [other, { listener }] of this.#up) {
      listener.connected(this.peer(other, name));
      up.listener.connected(this.peer(name, other));
    }
    this.#up.set(name, up);
  }

  leave(name: PeerIdText): void {
    if (!this.#up.delete(name)) return;
    for (const [other, { listener }] of this.#up) listener.disconnected(this.peer(other, name));
  }

  others(name: PeerIdText): Peer[] {
    return [...this.#up.keys()].filter((other) => other !== name).map((other) => this.peer(name, other));
  }

  /** `to`, as `from` sees it. */
  peer(from: PeerIdText, to: PeerIdText): Peer {
    return {
      ...{ peerId: to, nodeId: new Uint8Array(32) as NodeId, isOutbound: from < to },
      request: (protocol, request) => this.request(from, to, protocol, request),
    };
  }

  async request(from: PeerIdText, to: PeerIdText, protocol: ProtocolName, request: Uint8Array): Promise<Uint8Array> {
    this.requests.set(protocol, (this.requests.get(protocol) ?? 0) + 1);
    await turn();
    const instead = this.intercept(from, to, protocol, request);
    if (typeof instead === "string") throw new ProtocolError(instead);
    if (instead !== undefined) return instead;
    const up = this.#up.get(to);
    const served = up?.served.get(protocol);
    if (up === undefined) throw new ProtocolError("connection-closed");
    if (served === undefined) throw new ProtocolError("protocol-not-served");
    if (request.length > served.requestBytesMax) throw new ProtocolError("stream-reset");
    const reply = await served.serve(this.peer(to, from), request);
    await turn();
    if (this.#up.get(to) !== up) throw new ProtocolError("connection-closed");
    if (reply === undefined) throw new ProtocolError("stream-reset");
    return reply;
  }
}

class MemoryPeers implements PeerNetwork {
  readonly #mesh: MemoryMesh;
  readonly #name: PeerIdText;

  constructor(mesh: MemoryMesh, name: PeerIdText) {
    this.#mesh = mesh;
    this.#name = name;
  }

  get peers(): readonly Peer[] {
    return this.#mesh.others(this.#name);
  }

  start(listener: PeerListener, served: readonly Served<Peer>[]): Promise<void> {
    const byProtocol = new Map(served.map((each) => [each.protocol, each]));
    this.#mesh.join(this.#name, { network: this, listener, served: byProtocol });
    return Promise.resolve();
  }

  penalise(of: PeerIdText, points: number, reason: string): void {
    this.#mesh.penalties.push({ by: this.#name, of, points, reason });
  }

  praise(of: PeerIdText, what: string): void {
    this.#mesh.praise.push({ of, what });
  }

  stop(): Promise<void> {
    this.#mesh.leave(this.#name);
    return Promise.resolve();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
