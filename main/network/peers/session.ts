/** One connected peer: the connection in use, for some seconds perhaps a second one, and what is known of the peer. */
import type { NodeId } from "../../protocol/bytes.ts";
import { compareBytes } from "../../protocol/bytes.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import {
  PROTOCOLS,
  type Connection,
  type Peer,
  type PeerIdText,
  type ProtocolName,
  type RequestOptions,
} from "../ports.ts";
import { groupOf, parseMultiaddr, reachOf, type Address } from "./address.ts";
import type { OutgoingPace } from "./budget.ts";
import type { Clock } from "./clock.ts";
import type { Inbound } from "./evict.ts";
import { REQUESTS_TO_RC1_MAX, REQUESTS_UNDER_WAY_MAX } from "./limits.ts";
import { failureOf, RequestQueue } from "./requestQueue.ts";

/** Why this side dialed; undefined where it did not. */
export type Purpose = "manifest" | "anchor" | "selected" | "feeler";

export interface Link {
  readonly connection: Connection;
  readonly purpose: Purpose | undefined;
  readonly sinceMs: number;
}

export class PeerSession implements Peer, Inbound {
  readonly peerId: PeerIdText;
  readonly nodeId: NodeId;
  readonly sinceMs: number;
  /** Of the first connection's other end. */
  readonly remote: Address;
  readonly group: string;
  readonly isPublic: boolean;
  /** In the order of their coming. */
  readonly links: Link[];

  /** Undefined until its reply to a PeerListRequest tells (chapter 07 §4.2). */
  isLikeRc1: boolean | undefined;
  pingMs = Infinity;
  lastObjectMs = -Infinity;
  lastProposalMs = -Infinity;
  lastReplyMs: number;
  /** Undefined before the first Pong. */
  lastPongMs: number | undefined;
  lastPingSentMs = -Infinity;
  pingsUnderWay = 0;
  /** It owes an answer to a Ping for longer than a peer may. */
  isSilent = false;
  /** Valid proposals since the last rotation. */
  proposals = 0;
  /** A second connection is being resolved since then. */
  duplicateSinceMs: number | undefined;

  /** It has answered on a protocol that no rc.1 node has. */
  #servesMore = false;
  #heardMs: number;
  readonly #clock: Clock;
  readonly #onHeard: (self: PeerSession) => void;
  readonly #queue: RequestQueue;

  constructor(clock: Clock, nodeId: NodeId, first: Link, pace: OutgoingPace, onHeard: (self: PeerSession) => void) {
    const { connection, sinceMs } = first;
    this.peerId = connection.peerId;
    this.nodeId = nodeId;
    this.sinceMs = sinceMs;
    this.lastReplyMs = sinceMs;
    this.#heardMs = sinceMs;
    this.remote = parseMultiaddr(connection.remote);
    this.group = groupOf(this.remote);
    this.isPublic = reachOf(this.remote) === "public";
    this.links = [first];
    this.#clock = clock;
    this.#onHeard = onHeard;
    this.#queue = new RequestQueue(clock, pace, () =>
      (this.isLikeRc1 ?? !this.#servesMore) ? REQUESTS_TO_RC1_MAX : REQUESTS_UNDER_WAY_MAX,
    );
  }

  get inUse(): Link | undefined {
    return this.links[0];
  }

  get isOutbound(): boolean {
    return this.inUse?.connection.isDialer ?? false;
  }

  get purpose(): Purpose | undefined {
    return this.inUse?.purpose;
  }

  get silentMs(): number | undefined {
    return this.isSilent ? this.#clock.nowMs() - this.#heardMs : undefined;
  }

  /** Something came from it. True where it had been silent. */
  heard(): boolean {
    this.#heardMs = this.#clock.nowMs();
    const wasSilent = this.isSilent;
    this.isSilent = false;
    return wasSilent;
  }

  /** Whether anything came from it since then. */
  isHeardSince(ms: number): boolean {
    return this.#heardMs >= ms;
  }

  request(protocol: ProtocolName, request: Uint8Array, options?: RequestOptions): Promise<Uint8Array> {
    const isUrgent = protocol === PROTOCOLS.consensus;
    return this.#queue.run(request.length, isUrgent, () => this.#send(protocol, request, options));
  }

  /** Past everything that waits: liveness, lists of peers, farewells. */
  requestAtOnce(request: Uint8Array, timeoutMs?: number): Promise<Uint8Array> {
    return this.#send(PROTOCOLS.messages, request, timeoutMs === undefined ? undefined : { timeoutMs });
  }

  /** Ends its connections; where another one comes before they have ended, the session goes on with that. */
  close(cause: string): void {
    for (const { connection } of [...this.links]) connection.close(cause);
  }

  /** The last connection has ended: what still waits fails with `connection-closed`. */
  ended(): void {
    this.#queue.close();
  }

  async #send(protocol: ProtocolName, request: Uint8Array, options?: RequestOptions): Promise<Uint8Array> {
    const connection = this.inUse?.connection;
    if (connection === undefined) throw failureOf("connection-closed");
    if (options?.signal?.aborted === true) throw failureOf("stream-reset");
    try {
      const reply = await connection.request(protocol, request, options);
      this.lastReplyMs = this.#clock.nowMs();
      this.#onHeard(this);
      this.#servesMore ||= protocol !== PROTOCOLS.messages;
      return reply;
    } catch (error) {
      const isNotServed = error instanceof ProtocolError && error.code === "protocol-not-served";
      if (isNotServed && protocol === PROTOCOLS.consensus) this.isLikeRc1 ??= true;
      throw error;
    }
  }
}

/**
 * Which of two connections to one peer stays: the one whose dialer has the lower node_id; of two by one dialer the younger,
 * since the older is what a restart has left behind (chapter 07 §4.3 item 4).
 */
export function chooseKept(ownNodeId: NodeId, { nodeId, links }: PeerSession): Link {
  const isOwnLower = compareBytes(ownNodeId, nodeId) < 0;
  const preferred = links.filter(({ connection }) => connection.isDialer === isOwnLower);
  return (preferred.length > 0 ? preferred : links).at(-1)!;
}
