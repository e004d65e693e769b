/**
 * What comes from peers, before anybody works for it: bounds first, then the messages that belong to this room, then whoever
 * serves the rest (chapter 07 §5.1 to §5.3).
 */
import { ProtocolError } from "../../protocol/errors.ts";
import { encodeEnvelope, ENVELOPE_HEADER_SIZE, ENVELOPE_SIZE_MAX, type Envelope } from "../messages/envelope.ts";
import { pong } from "../messages/liveness.ts";
import { decodePeerListRequest, encodePeerListResponse, type PeerEntry } from "../messages/peerList.ts";
import { receive, type Reception } from "../messages/reception.ts";
import { MESSAGE, type MessageType } from "../messages/registry.ts";
import { PROTOCOLS, type Connection, type Peer, type Served } from "../ports.ts";
import { IncomingBudget, type Counted } from "./budget.ts";
import type { Clock } from "./clock.ts";
import { LeastRecentMap } from "./leastRecent.ts";
import {
  CONDUCT_RECORDS_MAX,
  PENALTY_MALFORMED,
  PENALTY_RATE,
  SERVED_AT_ONCE_MAX,
  SERVED_BYTES_MAX,
} from "./limits.ts";
import type { PeerSession } from "./session.ts";
import type { PeerEvent } from "./settings.ts";

export interface ServingOwner {
  readonly clock: Clock;
  readonly log: (event: PeerEvent) => void;
  /** Undefined for a connection that was refused; a farewell is still answered to one that is leaving. */
  sessionOf(connection: Connection): PeerSession | undefined;
  isLeaving(session: PeerSession): boolean;
  heard(session: PeerSession): void;
  countMessage(session: PeerSession): void;
  penalise(session: PeerSession, points: number, reason: string, isInvalid: boolean): void;
  answerPeerList(session: PeerSession, maxCount: number): readonly PeerEntry[];
  saidBye(session: PeerSession, reason: number): void;
  dismiss(session: PeerSession, reason: number, cause: string): void;
}

export class Serving {
  readonly #owner: ServingOwner;
  readonly #budgets = new LeastRecentMap<IncomingBudget>(CONDUCT_RECORDS_MAX);
  #served = 0;
  #servedBytes = 0;

  constructor(owner: ServingOwner) {
    this.#owner = owner;
  }

  /** What connections serve: the messages of this room and everything that `served` adds. */
  wrap(served: readonly Served<Peer>[]): Served[] {
    const ofMessages = served.find(({ protocol }) => protocol === PROTOCOLS.messages);
    const others = served.filter(({ protocol }) => protocol !== PROTOCOLS.messages);
    const messages: Served = {
      protocol: PROTOCOLS.messages,
      framing: "envelope",
      requestBytesMax: ENVELOPE_SIZE_MAX,
      serve: (from, request) =>
        this.#bounded(from, request, countedKind(request), (session) => this.#message(session, request, ofMessages)),
    };
    const passed = others.map((handler) => ({
      ...handler,
      serve: (from: Connection, request: Uint8Array) =>
        this.#bounded(from, request, "other", (session) => this.#handle(handler, session, request)),
    }));
    return [messages, ...passed];
  }

  async #bounded(
    from: Connection,
    request: Uint8Array,
    kind: Counted,
    serve: (session: PeerSession) => Promise<Uint8Array | undefined>,
  ): Promise<Uint8Array | undefined> {
    const session = this.#owner.sessionOf(from);
    if (session === undefined) return undefined;
    this.#owner.heard(session);
    if (kind === "other") this.#owner.countMessage(session);
    const nowMs = this.#owner.clock.nowMs();
    const budget = this.#budgets.get(session.peerId, () => new IncomingBudget(nowMs));
    if (!budget.admits(kind, request.length, nowMs)) {
      this.#owner.penalise(session, PENALTY_RATE, "too many messages", false);
      return undefined;
    }
    if (this.#served >= SERVED_AT_ONCE_MAX || this.#servedBytes + request.length > SERVED_BYTES_MAX) return undefined;
    this.#served++;
    this.#servedBytes += request.length;
    try {
      return await serve(session);
    } finally {
      this.#served--;
      this.#servedBytes -= request.length;
    }
  }

  async #message(
    session: PeerSession,
    request: Uint8Array,
    handler: Served<Peer> | undefined,
  ): Promise<Uint8Array | undefined> {
    const reception = receive(request, "spec");
    if (this.#owner.isLeaving(session)) return reception.verdict === "part" ? reception.reply : undefined;
    switch (reception.verdict) {
      case "reset":
        this.#refused(session, reception.fault, reception.penalty);
        return undefined;
      case "acknowledge":
        if (reception.penalty > 0) this.#refused(session, "refused message", reception.penalty);
        return reception.reply;
      case "part":
        this.#part(session, reception);
        return reception.reply;
      case "serve":
        if (reception.message.msgType === MESSAGE.peerListRequest) return this.#peerList(session, reception.message);
        break;
      case "hand-on":
    }
    return handler === undefined ? reception.reply : this.#handle(handler, session, request);
  }

  #part(session: PeerSession, { reason, sendsBye }: Extract<Reception, { verdict: "part" }>): void {
    if (!sendsBye) {
      this.#owner.saidBye(session, reason);
      return;
    }
    // The reply first.
    this.#owner.clock.after(0, () => this.#owner.dismiss(session, reason, "another version of messages"));
  }

  #peerList(session: PeerSession, { requestId, payload }: Envelope): Uint8Array {
    const maxCount = this.#payload(session, () => decodePeerListRequest(payload).maxCount);
    if (maxCount === undefined) return pong(requestId);
    const entries = this.#owner.answerPeerList(session, maxCount);
    return encodeEnvelope({ msgType: MESSAGE.peerListResponse, requestId, payload: encodePeerListResponse(entries) });
  }

  async #handle(handler: Served<Peer>, session: PeerSession, request: Uint8Array): Promise<Uint8Array | undefined> {
    if (this.#owner.isLeaving(session)) return undefined;
    try {
      return await handler.serve(session, request);
    } catch (error) {
      const params = { peer: session.peerId, protocol: handler.protocol, error: String(error) };
      this.#owner.log({ level: "error", code: "handler-failed", params });
      return undefined;
    }
  }

  #payload<T>(session: PeerSession, decode: () => T): T | undefined {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#refused(session, "malformed payload", PENALTY_MALFORMED);
      return undefined;
    }
  }

  #refused(session: PeerSession, reason: string, penalty: number): void {
    this.#owner.penalise(session, penalty, reason, true);
  }
}

function countedKind(request: Uint8Array): Counted {
  if (request.length < ENVELOPE_HEADER_SIZE) return "other";
  const msgType = request[0] as MessageType;
  if (msgType === MESSAGE.ping) return "ping";
  return msgType === MESSAGE.peerListRequest ? "peer-list" : "other";
}
