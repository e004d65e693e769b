/**
 * The runtime's messages on sockets: each object in an envelope of its own, answered by a Pong (chapter 07 §4.1, §4.4), bodies
 * and votes on the protocol of consensus, everything else on that of messages. What is looked at and who gets what is decided
 * by `Gossip`; what an object is worth, by the window machine.
 */
import type { PeerId } from "../../consensus/events.ts";
import type { Message } from "../../consensus/objects.ts";
import type { Verdict } from "../../consensus/verdict.ts";
import { Gossip } from "../../network/gossip/gossip.ts";
import { FETCHES_MAX } from "../../network/gossip/limits.ts";
import { isGossiped, type GossipObject } from "../../network/gossip/object.ts";
import { RequestCount } from "../../network/gossip/requestCount.ts";
import { encodeEnvelope, ENVELOPE_SIZE_MAX, type Envelope } from "../../network/messages/envelope.ts";
import { FETCH_REQUEST_SIZE_MAX } from "../../network/messages/objectFetch.ts";
import { receive } from "../../network/messages/reception.ts";
import { MESSAGE, messageKind, type EnvelopeProtocol, type MessageType } from "../../network/messages/registry.ts";
import { PROTOCOLS, type Peer, type PeerListener, type PeerNetwork, type Served } from "../../network/ports.ts";
import type { Hash32 } from "../../protocol/bytes.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { FetchedAnswer, PeerHandler, Transport } from "../runtime/transport.ts";
import { ObjectFetch, serveObjects } from "./objectFetch.ts";
import { fromGossip, toGossip } from "./objects.ts";

/** After a request that failed, until the next one goes to that peer. */
const RETRY_MS = 250;
/**
 * What came from a peer waits so long before it goes on: its author tells its own peers at once, and among peers who know each
 * other most have it by then.
 */
const RELAY_DELAY_MS = 100;
const RELAYS_WAITING_MAX = 4096;
/** A decided window that is none: somebody made it up. */
const BAD_WINDOW_POINTS = 25;
const POINTS_RATE = 1;
const POINTS_MALFORMED = 1;

/** What a request of a peer is answered with; undefined: this node does not serve it at this moment. */
export type Answer = (from: Peer, payload: Uint8Array) => Promise<Pick<Envelope, "msgType" | "payload"> | undefined>;

export interface GossipTransportOptions {
  readonly crypto: Crypto;
  /** The peers of one run, not started yet. */
  readonly network: () => PeerNetwork;
  /** By message type; a request that is not here is answered by a Pong. */
  readonly answers?: ReadonlyMap<MessageType, Answer>;
  /** Told of own objects that go to all peers: the number of the message, and to how many. */
  readonly told?: (typeName: string, requestId: bigint, peers: number) => void;
}

export class GossipTransport implements Transport {
  readonly isAlone = false;
  readonly #options: GossipTransportOptions;
  #run: Run | undefined;

  constructor(options: GossipTransportOptions) {
    this.#options = options;
  }

  get peers(): readonly PeerId[] {
    return this.#run?.peers ?? [];
  }

  get joining(): Transport["joining"] {
    return this.#run?.joining;
  }

  async start(handler: PeerHandler): Promise<void> {
    this.#run = new Run(this.#options, handler);
    await this.#run.start();
  }

  broadcast(message: Message, except?: PeerId): void {
    this.#run?.broadcast(message, except);
  }

  send(to: PeerId, messages: readonly Message[]): void {
    this.#run?.send(to, messages);
  }

  judge(from: PeerId, message: Message, verdict: Verdict): void {
    this.#run?.judge(from, message, verdict);
  }

  blame(peer: PeerId, failure: string): void {
    this.#run?.penalise(peer, BAD_WINDOW_POINTS, failure);
  }

  fetchObjects(hashes: readonly Hash32[]): void {
    this.#run?.fetchObjects(hashes);
  }

  async fetchWindows(first: bigint, count: bigint): Promise<FetchedAnswer | undefined> {
    return this.#run?.fetchWindows(first, count);
  }

  async stop(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    await run?.stop();
  }
}

interface Connected {
  readonly peer: Peer;
  readonly fetches: RequestCount;
  retry: NodeJS.Timeout | undefined;
}

/** From a start to a stop: nothing that was known of peers outlives it. */
class Run implements PeerListener {
  readonly #options: GossipTransportOptions;
  readonly #handler: PeerHandler;
  readonly #network: PeerNetwork;
  readonly #gossip: Gossip;
  readonly #fetch: ObjectFetch;
  readonly #connected = new Map<PeerId, Connected>();
  #relays: { readonly object: GossipObject; readonly from: PeerId }[] = [];
  #relaying: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: GossipTransportOptions, handler: PeerHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#network = options.network();
    this.#gossip = new Gossip(options.crypto, handler.position);
    this.#fetch = new ObjectFetch({
      crypto: options.crypto,
      peers: () => [...this.#connected.values()].map(({ peer }) => peer),
      penalise: (peer, points, reason) => this.penalise(peer, points, reason),
      nowMs: () => performance.now(),
    });
  }

  get peers(): PeerId[] {
    return [...this.#connected.keys()];
  }

  get joining(): Transport["joining"] {
    const connected = this.#connected;
    return {
      get peers() {
        return [...connected.values()].map(({ peer }) => peer);
      },
      penalise: (peer, points, reason) => this.penalise(peer, points, reason),
    };
  }

  start(): Promise<void> {
    return this.#network.start(this, [
      this.#envelopes("messages"),
      this.#envelopes("consensus"),
      {
        ...{ protocol: PROTOCOLS.objects, framing: "to-end", requestBytesMax: FETCH_REQUEST_SIZE_MAX },
        serve: (from, request) => this.#serveObjects(from, request),
      },
    ]);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.#fetch.stop();
    clearTimeout(this.#relaying);
    for (const { retry } of this.#connected.values()) clearTimeout(retry);
    this.#connected.clear();
    await this.#network.stop();
  }

  connected(peer: Peer): void {
    if (this.#isOver) return;
    this.#forget(peer.peerId);
    const fetches = new RequestCount(FETCHES_MAX, performance.now());
    this.#connected.set(peer.peerId, { peer, fetches, retry: undefined });
    this.#gossip.connect(peer.peerId);
    this.#handler.onConnected(peer.peerId);
  }

  disconnected(peer: Peer): void {
    if (this.#isOver || !this.#forget(peer.peerId)) return;
    this.#handler.onDisconnected(peer.peerId);
  }

  broadcast(message: Message, except?: PeerId): void {
    const object = toGossip(message);
    if (except !== undefined) {
      this.#relays.push({ object, from: except });
      if (this.#relays.length >= RELAYS_WAITING_MAX) this.#relay();
      this.#relaying ??= setTimeout(() => this.#relay(), RELAY_DELAY_MS);
      return;
    }
    this.#move();
    const told = this.#gossip.broadcast(object);
    for (const peer of told) this.#pump(peer);
    if (told.length > 0) this.#options.told?.(nameOf(object), requestIdOf(object), told.length);
  }

  #relay(): void {
    clearTimeout(this.#relaying);
    this.#relaying = undefined;
    if (this.#isOver) return;
    this.#move();
    const told = this.#relays.splice(0).flatMap(({ object, from }) => this.#gossip.broadcast(object, from));
    for (const peer of new Set(told)) this.#pump(peer);
  }

  send(to: PeerId, messages: readonly Message[]): void {
    this.#move();
    for (const message of messages) this.#gossip.send(to, toGossip(message));
    this.#pump(to);
  }

  judge(from: PeerId, message: Message, verdict: Verdict): void {
    const points = this.#gossip.judged(from, toGossip(message), verdict);
    if (points > 0) this.penalise(from, points, "code" in verdict ? verdict.code : verdict.verdict);
    if (verdict.verdict !== "accept" || !this.#connected.has(from)) return;
    this.#network.praise(from, message.type === "header" ? "valid-proposal" : "valid-object");
  }

  penalise(peer: PeerId, points: number, reason: string): void {
    if (!this.#isOver) this.#network.penalise(peer, points, reason);
  }

  fetchObjects(hashes: readonly Hash32[]): void {
    void this.#fetch.objects(hashes, (from, message) => {
      if (!this.#isOver) this.#handler.onMessage(from, message);
    });
  }

  fetchWindows(first: bigint, count: bigint): Promise<FetchedAnswer | undefined> {
    return this.#fetch.windows(first, count);
  }

  #forget(peer: PeerId): boolean {
    clearTimeout(this.#connected.get(peer)?.retry);
    this.#gossip.disconnect(peer);
    return this.#connected.delete(peer);
  }

  #move(): void {
    if (!this.#gossip.moveTo(this.#handler.position)) return;
    const nowMs = performance.now();
    for (const { fetches } of this.#connected.values()) fetches.windowOpened(nowMs);
  }

  /** Sends what waits for a peer, as far as it may have requests without an answer. */
  #pump(to: PeerId): void {
    const connected = this.#connected.get(to);
    if (connected === undefined || connected.retry !== undefined) return;
    for (let object = this.#gossip.next(to); object !== undefined; object = this.#gossip.next(to)) {
      void this.#deliver(connected, object);
    }
  }

  async #deliver(connected: Connected, object: GossipObject): Promise<void> {
    const { peer } = connected;
    const { type, payload } = object;
    const protocol = isOfConsensus(object) ? PROTOCOLS.consensus : PROTOCOLS.messages;
    const failure = await peer
      .request(protocol, encodeEnvelope({ msgType: type, requestId: requestIdOf(object), payload }))
      .then(
        () => undefined,
        (error: unknown) => (error instanceof ProtocolError ? String(error.code) : "request-failed"),
      );
    // Meanwhile it may have gone, or come back.
    if (this.#connected.get(peer.peerId) !== connected) return;
    const isRefused = failure === "protocol-not-served";
    if (isRefused && protocol === PROTOCOLS.consensus) this.#gossip.refusesConsensus(peer.peerId);
    this.#gossip.settled(peer.peerId, object, failure !== undefined && !isRefused);
    if (failure === "too-many-requests") this.#gossip.send(peer.peerId, object);
    if (failure === undefined || isRefused) {
      this.#pump(peer.peerId);
      return;
    }
    connected.retry ??= setTimeout(() => {
      connected.retry = undefined;
      this.#pump(peer.peerId);
    }, RETRY_MS);
  }

  #envelopes(protocol: EnvelopeProtocol): Served<Peer> {
    return {
      ...{ protocol: PROTOCOLS[protocol], framing: "envelope", requestBytesMax: ENVELOPE_SIZE_MAX },
      serve: (from, request) => this.#serve(from, request, protocol),
    };
  }

  async #serve(from: Peer, request: Uint8Array, protocol: EnvelopeProtocol): Promise<Uint8Array | undefined> {
    const reception = receive(request, "spec", protocol);
    switch (reception.verdict) {
      case "reset":
        this.penalise(from.peerId, reception.penalty, reception.fault);
        return undefined;
      case "acknowledge":
        if (reception.penalty > 0) this.penalise(from.peerId, reception.penalty, "unasked-response");
        return reception.reply;
      case "part":
        return reception.reply;
      case "serve":
        return (await this.#answer(from, reception.message)) ?? reception.reply;
      case "hand-on":
        this.#take(from, reception.message);
        return reception.reply;
    }
  }

  async #answer(from: Peer, { msgType, requestId, payload }: Envelope): Promise<Uint8Array | undefined> {
    const answer = await (msgType === MESSAGE.fastSyncRequest
      ? this.#handler.answerFastSync?.(from, payload)
      : this.#options.answers?.get(msgType)?.(from, payload));
    return answer === undefined ? undefined : encodeEnvelope({ ...answer, requestId });
  }

  #take({ peerId }: Peer, { msgType: type, payload: bytes }: Envelope): void {
    if (this.#isOver || !isGossiped(type)) return;
    this.#move();
    // The machine keeps it longer than the buffer that it came in.
    const payload = bytes.slice();
    const message = fromGossip(type, payload);
    if (message === undefined) {
      this.penalise(peerId, POINTS_MALFORMED, "malformed");
      return;
    }
    const arrival = this.#gossip.receive(peerId, { type, payload });
    if (arrival.take) this.#handler.onMessage(peerId, message);
    else if (arrival.points > 0) this.penalise(peerId, arrival.points, arrival.refusal);
  }

  #serveObjects({ peerId }: Peer, request: Uint8Array): Promise<Uint8Array | undefined> {
    const connected = this.#connected.get(peerId);
    if (this.#isOver || connected === undefined) return Promise.resolve(undefined);
    if (!connected.fetches.take(performance.now())) {
      this.penalise(peerId, POINTS_RATE, "too-many-fetches");
      return Promise.resolve(undefined);
    }
    return serveObjects(this.#handler, request, (points, reason) => this.penalise(peerId, points, reason));
  }
}

function isOfConsensus({ type }: GossipObject): boolean {
  return type === MESSAGE.proposalBody || type === MESSAGE.proposalVote;
}

/** 0 but for a header, which has its window there, as the reference does it. */
function requestIdOf({ type, payload }: GossipObject): bigint {
  if (type !== MESSAGE.proposal) return 0n;
  return new DataView(payload.buffer, payload.byteOffset).getBigUint64(32, true);
}

/** As the reference spells it: `BundledConfirmation`. */
function nameOf(object: GossipObject): string {
  const { name } = messageKind(object.type, isOfConsensus(object) ? "consensus" : "messages")!;
  return name.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
