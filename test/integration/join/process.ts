/**
 * One node of the network that is joined, as a process of its own: the real runtime on real sockets. Started by `fork` with a
 * {@link ProcessConfig} as its only argument; tells what it is every half second.
 */
import { once } from "node:events";
import { join } from "node:path";

import { NodeSigner } from "../../../main/keystore/signers.ts";
import { MESSAGE } from "../../../main/network/messages/registry.ts";
import { noAsnMap } from "../../../main/network/peers/asnMap.ts";
import { systemChance, systemClock } from "../../../main/network/peers/clock.ts";
import { PeerManager } from "../../../main/network/peers/manager.ts";
import type { Peer, PeerListener, PeerNetwork, Served } from "../../../main/network/ports.ts";
import { socketCarrier } from "../../../main/network/socketCarrier.ts";
import { GossipTransport } from "../../../main/node/gossip/gossipTransport.ts";
import { startNode, type NodeStatus } from "../../../main/node/runtime/node.ts";
import type { PeerHandler } from "../../../main/node/runtime/transport.ts";
import type { Network } from "../../../main/node/network/networkFile.ts";
import { ascii } from "../../../main/protocol/bytes.ts";
import type { SecretKey } from "../../../main/protocol/crypto.ts";
import type { ManifestPeer } from "../../../main/protocol/genesis/manifest.ts";
import { MemoryState } from "../../../main/protocol/state/memory.ts";
import { crypto, JoinedNetwork, type Size } from "./network.ts";

export interface ProcessConfig {
  readonly size: Size;
  /** Where the network was made. */
  readonly folder: string;
  readonly directory: string;
  /** What its node key is made of. */
  readonly name: string;
  readonly listen: string | undefined;
  readonly manifest: readonly ManifestPeer[];
  readonly behindMax: number;
  /**
   * `liar`: answers with accounts that nobody has, and tells the parent. `patient`: keeps accounts back until the parent says
   * that somebody was lied to, so that it is not over before the liar was asked.
   */
  readonly role?: "liar" | "patient";
}

/** What a process tells its parent; what its node told a person at once, since the next moment may be its last. */
export type ProcessMessage =
  | { readonly kind: "lied" }
  | { readonly kind: "told"; readonly told: Told }
  | { readonly kind: "report"; readonly report: ProcessReport };

export interface Told {
  readonly code: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface ProcessReport {
  readonly status: NodeStatus;
  /** Of all replies to its requests, by protocol. */
  readonly bytesReceived: Readonly<Record<string, number>>;
}

export const keysOf = (name: string) => crypto.mldsa65.generate(crypto.sha256(ascii(name)));

const tell = (message: ProcessMessage): void => void process.send!(message);

const shown = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);

type GossipOptions = ConstructorParameters<typeof GossipTransport>[0];
type FastSyncReply = NonNullable<Awaited<ReturnType<NonNullable<PeerHandler["answerFastSync"]>>>>;

const REPORT_MS = 250;
/** In the balance of the first account. */
const LIE_AT = 13 + 33;

async function run(config: ProcessConfig): Promise<void> {
  const { rules, networkId, roots, otherFounders } = new JoinedNetwork(config.size, config.folder).knowledge;
  const { publicKey, secretKey } = keysOf(config.name);
  const signer = (): NodeSigner => new NodeSigner(crypto, publicKey, secretKey.slice() as SecretKey);
  const bytesReceived: Record<string, number> = {};
  const settings = {
    ...{ crypto, publicKey, clock: systemClock, chance: systemChance, asnMap: noAsnMap, allowPrivateAddresses: true },
    openCarrier: socketCarrier(crypto, { publicKey, sign: (digest) => crypto.mldsa65.sign(secretKey, digest) }),
    ...{ manifest: config.manifest, listen: config.listen, stateFile: join(config.directory, "peers.state") },
    ...{ journal: () => undefined, log: () => undefined },
  };
  const options = {
    crypto,
    network: () =>
      new Counted(new PeerManager(settings), (protocol, bytes) => {
        bytesReceived[protocol] = (bytesReceived[protocol] ?? 0) + bytes;
      }),
  };
  const network: Network = {
    ...{ name: "joined", rules, stateHash: networkId, peers: config.manifest, isManifestNeeded: false },
    ...{ tunnel: undefined, otherFounders },
  };
  const note = (detail: object, code: string): void => {
    tell({ kind: "told", told: { code, params: JSON.parse(JSON.stringify(detail, shown)) as Told["params"] } });
  };
  const node = await startNode({
    crypto,
    identity: {
      summary: { provenance: { origin: "created", createdAtMs: 0, changedMarks: [], isRestoredOrCopied: false } },
      openNodeSigner: () => Promise.resolve(signer()),
      endQuietPeriod: () => Promise.resolve(),
    } as never,
    network: {
      network,
      genesis: { params: rules.params, state: new MemoryState(), roots, stateHash: networkId },
      directory: config.directory,
    },
    transport: transportOf(config.role, options),
    behindMax: BigInt(config.behindMax),
    logger: { info: note, warn: note, error: note },
  });
  setInterval(() => {
    void node.status().then((status) => tell({ kind: "report", report: { status, bytesReceived } }));
  }, REPORT_MS);
  process.on("disconnect", () => process.exit(0));
}

type AnswerChange = (reply: FastSyncReply) => FastSyncReply | Promise<FastSyncReply>;

function transportOf(role: ProcessConfig["role"], options: GossipOptions): GossipTransport {
  switch (role) {
    case "liar":
      return new ServingTransport(options, (reply) => {
        tell({ kind: "lied" });
        return { ...reply, payload: reply.payload.map((byte, i) => (i === LIE_AT ? byte ^ 1 : byte)) };
      });
    case "patient": {
      const allowed = once(process, "message");
      return new ServingTransport(options, (reply) => allowed.then(() => reply));
    }
    case undefined:
      return new GossipTransport(options);
  }
}

/** Does something else with accounts that leave. */
class ServingTransport extends GossipTransport {
  readonly #change: AnswerChange;

  constructor(options: GossipOptions, change: AnswerChange) {
    super(options);
    this.#change = change;
  }

  override start(handler: PeerHandler): Promise<void> {
    return super.start({
      onMessage: (...told) => handler.onMessage(...told),
      onConnected: (peer) => handler.onConnected(peer),
      onDisconnected: (peer) => handler.onDisconnected(peer),
      findObjects: (hashes) => handler.findObjects(hashes),
      findRange: (asked) => handler.findRange(asked),
      get position() {
        return handler.position;
      },
      answerFastSync: async (from, payload) => {
        const reply = await handler.answerFastSync!(from, payload);
        const isOfAccounts = payload[15]! >> 6 === 1;
        return reply?.msgType === MESSAGE.fastSyncResponse && isOfAccounts ? this.#change(reply) : reply;
      },
    });
  }
}

/** Counts what comes back. */
class Counted implements PeerNetwork {
  readonly #network: PeerNetwork;
  readonly #count: (protocol: string, bytes: number) => void;
  readonly #wrapped = new WeakMap<Peer, Peer>();

  constructor(network: PeerNetwork, count: (protocol: string, bytes: number) => void) {
    this.#network = network;
    this.#count = count;
  }

  get peers(): readonly Peer[] {
    return this.#network.peers.map((peer) => this.#counting(peer));
  }

  start(listener: PeerListener, served: readonly Served<Peer>[]): Promise<void> {
    return this.#network.start(
      {
        connected: (peer) => listener.connected(this.#counting(peer)),
        disconnected: (peer) => listener.disconnected(this.#counting(peer)),
      },
      served,
    );
  }

  penalise(...told: Parameters<PeerNetwork["penalise"]>): void {
    this.#network.penalise(...told);
  }

  praise(...told: Parameters<PeerNetwork["praise"]>): void {
    this.#network.praise(...told);
  }

  stop(): Promise<void> {
    return this.#network.stop();
  }

  #counting(peer: Peer): Peer {
    let wrapped = this.#wrapped.get(peer);
    if (wrapped === undefined) {
      const count = this.#count;
      wrapped = {
        ...{ peerId: peer.peerId, nodeId: peer.nodeId },
        get isOutbound() {
          return peer.isOutbound;
        },
        async request(...asked) {
          const reply = await peer.request(...asked);
          count(asked[0], reply.length);
          return reply;
        },
      };
      this.#wrapped.set(peer, wrapped);
    }
    return wrapped;
  }
}

if (process.send !== undefined && process.argv[2] !== undefined) {
  await run(JSON.parse(process.argv[2]) as ProcessConfig);
}
