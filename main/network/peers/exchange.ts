/** Who tells whom of which addresses (chapter 07 §4.6). */
import { equalBytes, type NodeId } from "../../protocol/bytes.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { decodeEnvelope, encodeEnvelope } from "../messages/envelope.ts";
import { decodePeerListResponse, encodePeerListRequest, type PeerEntry } from "../messages/peerList.ts";
import { classifyReply, MESSAGE } from "../messages/registry.ts";
import type { PeerIdText } from "../ports.ts";
import { reachOf, type Address } from "./address.ts";
import type { AddressBook } from "./addressBook.ts";
import type { Clock } from "./clock.ts";
import { LeastRecentMap } from "./leastRecent.ts";
import {
  CONDUCT_RECORDS_MAX,
  PEER_LIST_AT_JOIN,
  PEER_LIST_ENTRIES_MAX,
  PEER_LIST_HUNGRY_MS,
  PEER_LIST_LATER,
  PENALTY_MALFORMED,
  TAU1_MS,
  TAU2_MS,
} from "./limits.ts";
import type { PeerSession } from "./session.ts";

export interface ExchangeOwner {
  readonly clock: Clock;
  readonly nodeId: NodeId;
  readonly book: AddressBook;
  readonly allowPrivateAddresses: boolean;
  /** Where others reach this node; undefined where it only dials. */
  readonly ownEntry: PeerEntry | undefined;
  startWindowOf(nodeId: NodeId): bigint | undefined;
  nextRequestId(): bigint;
  /** A connected peer has said where it can be reached. */
  advertised(nodeId: NodeId): void;
  penalise(session: PeerSession, points: number, reason: string, isInvalid: boolean): void;
}

interface Memory {
  askedMs: number;
  answeredMs: number;
  isLikeRc1: boolean | undefined;
}

export class Exchange {
  readonly #owner: ExchangeOwner;
  /** By peer, over reconnects. */
  readonly #memories = new LeastRecentMap<Memory>(CONDUCT_RECORDS_MAX);

  constructor(owner: ExchangeOwner) {
    this.#owner = owner;
  }

  /** Asks a peer that has just connected, unless it was asked less than τ₁ ago: then what it was like is remembered. */
  async join(session: PeerSession): Promise<void> {
    const memory = this.#memoryOf(session.peerId);
    session.isLikeRc1 = memory.isLikeRc1;
    const isFirst = memory.askedMs === -Infinity;
    if (this.#owner.clock.nowMs() - memory.askedMs >= TAU1_MS) {
      await this.#ask(session, memory, isFirst ? PEER_LIST_AT_JOIN : PEER_LIST_LATER);
    }
  }

  /** Asks again whom it is time to ask: sooner while addresses are wanting, and soon whoever has not answered. */
  async renew(sessions: readonly PeerSession[], isHungry: boolean): Promise<void> {
    const nowMs = this.#owner.clock.nowMs();
    const periodMs = isHungry ? PEER_LIST_HUNGRY_MS : TAU2_MS;
    const due = sessions.filter(({ peerId, isLikeRc1 }) => {
      const sinceMs = nowMs - this.#memoryOf(peerId).askedMs;
      return isLikeRc1 !== true && sinceMs >= (isLikeRc1 === undefined ? TAU1_MS : periodMs);
    });
    await Promise.all(due.map((session) => this.#ask(session, this.#memoryOf(session.peerId), PEER_LIST_LATER)));
  }

  /** Own address first, then proven ones at random; one answer a peer and τ₁, else nothing. */
  answer(session: PeerSession, maxCount: number): readonly PeerEntry[] {
    const memory = this.#memoryOf(session.peerId);
    const nowMs = this.#owner.clock.nowMs();
    if (nowMs - memory.answeredMs < TAU1_MS) return [];
    memory.answeredMs = nowMs;
    const { ownEntry, book } = this.#owner;
    const proven = book
      .sampleVerified(Math.min(maxCount, PEER_LIST_ENTRIES_MAX))
      .filter((record) => !equalBytes(record.nodeId, session.nodeId))
      .map(({ ipVersion, ip, port, nodeId, startWindow }): PeerEntry => ({ ipVersion, ip, port, nodeId, startWindow }));
    return [...(ownEntry === undefined ? [] : [ownEntry]), ...proven].slice(0, maxCount);
  }

  async #ask(session: PeerSession, memory: Memory, count: number): Promise<void> {
    memory.askedMs = this.#owner.clock.nowMs();
    const payload = encodePeerListRequest({ maxCount: count });
    const requestId = this.#owner.nextRequestId();
    const request = encodeEnvelope({ msgType: MESSAGE.peerListRequest, requestId, payload });
    let reply;
    try {
      reply = await session.requestAtOnce(request);
    } catch {
      return;
    }
    try {
      const envelope = decodeEnvelope(reply);
      const kind = classifyReply(MESSAGE.peerListRequest, envelope.msgType);
      if (kind === "unfitting") throw new ProtocolError("invalid-payload-field", { field: "msg_type" });
      if (kind === "answer") this.#take(session, decodePeerListResponse(envelope.payload), count);
      memory.isLikeRc1 = session.isLikeRc1 = kind === "acknowledged";
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#owner.penalise(session, PENALTY_MALFORMED, "malformed list of peers", true);
    }
  }

  #take(session: PeerSession, entries: readonly PeerEntry[], askedFor: number): void {
    const { book, clock } = this.#owner;
    const seenMinute = minuteOf(clock);
    for (const entry of entries.slice(0, Math.min(askedFor, PEER_LIST_ENTRIES_MAX))) {
      if (equalBytes(entry.nodeId, this.#owner.nodeId) || !this.isAddressAllowed(entry)) continue;
      const { nodeId, ipVersion, ip, port } = entry;
      const startWindow = this.#owner.startWindowOf(nodeId) ?? entry.startWindow;
      const isFromItself = equalBytes(nodeId, session.nodeId);
      book.learn({ nodeId, address: { ipVersion, ip, port }, startWindow }, session.group, isFromItself, seenMinute);
      if (isFromItself) this.#owner.advertised(nodeId);
    }
  }

  isAddressAllowed(address: Address): boolean {
    const reach = reachOf(address);
    return reach === "public" || (reach !== "unusable" && this.#owner.allowPrivateAddresses);
  }

  #memoryOf(peerId: PeerIdText): Memory {
    return this.#memories.get(peerId, () => ({ askedMs: -Infinity, answeredMs: -Infinity, isLikeRc1: undefined }));
  }
}

/** τ₁ of the wall clock: how the age of an address is counted over restarts. */
export function minuteOf(clock: Clock): bigint {
  return BigInt(Math.floor(clock.unixMs() / TAU1_MS));
}
