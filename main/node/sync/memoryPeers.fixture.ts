/** Peers of a joiner without sockets: each serves a store of this process, some of them badly. */
import { decodeEnvelope, encodeEnvelope } from "../../network/messages/envelope.ts";
import { PROTOCOLS, type Peer, type ProtocolName, type RequestOptions } from "../../network/ports.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { NodeId } from "../../protocol/bytes.ts";
import { serveObjects } from "../gossip/objectFetch.ts";
import { Tables } from "../runtime/tables.ts";
import type { StateClient } from "../state/client.ts";
import { FastSyncServer, type FastSyncReply } from "./server.ts";
import type { SyncNetwork } from "./peerPool.ts";
import { crypto, type MadeChain } from "./madeChain.fixture.ts";

export interface Asked {
  readonly anchor: bigint;
  readonly resumeOffset: bigint;
}

export interface Behaviour {
  /** Changes replies to 0x40, or answers in the place of the server. */
  readonly tamper?: (reply: FastSyncReply, asked: Asked) => FastSyncReply;
  /** Resolves when the reply may go out. */
  readonly delay?: (signal: AbortSignal | undefined) => Promise<void>;
  readonly isMute?: boolean;
}

export class MemoryPeer implements Peer {
  readonly peerId: string;
  readonly nodeId: NodeId;
  readonly isOutbound = true;
  readonly #server: FastSyncServer;
  readonly #tables: Tables;
  behaviour: Behaviour;
  /** Requests 0x40. */
  requests = 0;
  chain: MadeChain;

  constructor(name: string, chain: MadeChain, behaviour: Behaviour = {}) {
    this.peerId = name;
    this.nodeId = crypto.sha256(new TextEncoder().encode(name)) as NodeId;
    this.behaviour = behaviour;
    this.chain = chain;
    const ask = ((...asked: Parameters<MadeChain["ask"]>) => this.chain.ask(...asked)) as StateClient["ask"];
    this.#server = new FastSyncServer({ state: { ask } });
    this.#tables = new Tables(crypto, this.nodeId, { ask } as unknown as StateClient);
  }

  async request(protocol: ProtocolName, request: Uint8Array, { signal }: RequestOptions = {}): Promise<Uint8Array> {
    if (this.behaviour.isMute === true) throw new ProtocolError("request-timeout");
    await this.behaviour.delay?.(signal);
    const reply = protocol === PROTOCOLS.objects ? await this.#objects(request) : await this.#fastSync(request);
    if (reply === undefined) throw new ProtocolError("stream-reset");
    if (signal?.aborted === true) throw new ProtocolError("connection-closed");
    return reply;
  }

  #objects(request: Uint8Array): Promise<Uint8Array | undefined> {
    const tables = this.#tables;
    const handler = {
      findObjects: (hashes: Parameters<Tables["findObjects"]>[0]) => tables.findObjects(hashes),
      findRange: (asked: Parameters<Tables["findRange"]>[0]) => tables.findRange(asked),
    };
    return serveObjects(handler as never, request, () => undefined);
  }

  async #fastSync(request: Uint8Array): Promise<Uint8Array> {
    this.requests++;
    const { payload, requestId } = decodeEnvelope(request);
    const view = new DataView(payload.buffer, payload.byteOffset);
    const asked = { anchor: view.getBigUint64(0, true), resumeOffset: view.getBigUint64(8, true) };
    const reply = (await this.#server.answer(this, payload))!;
    return encodeEnvelope({ ...(this.behaviour.tamper?.(reply, asked) ?? reply), requestId });
  }
}

export class MemoryNetwork implements SyncNetwork {
  peers: MemoryPeer[];
  readonly penalties: { readonly peer: string; readonly points: number; readonly reason: string }[] = [];

  constructor(peers: MemoryPeer[]) {
    this.peers = peers;
  }

  penalise(peer: string, points: number, reason: string): void {
    this.penalties.push({ peer, points, reason });
  }

  penalised(): string[] {
    return [...new Set(this.penalties.filter(({ points }) => points >= 100).map(({ peer }) => peer))].sort();
  }
}
