/** Asks peers for objects by identifier and for decided windows, and answers them (chapter 07 §3.18). */
import type { Message } from "../../consensus/objects.ts";
import { describe, isGossiped } from "../../network/gossip/object.ts";
import {
  decodeFetchReply,
  decodeFetchRequest,
  encodeFetchReply,
  encodeFetchRequest,
  FETCH_BYTES_MAX,
  FETCH_IDS_MAX,
  FETCH_WINDOWS_MAX,
  type FetchedObject,
  type FetchReply,
  type FetchRequest,
} from "../../network/messages/objectFetch.ts";
import { PROTOCOLS, type Peer, type PeerIdText } from "../../network/ports.ts";
import { byteKey, type Hash32 } from "../../protocol/bytes.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { FetchedAnswer, PeerHandler } from "../runtime/transport.ts";
import { fromGossip, toGossip } from "./objects.ts";
import { WindowAssembler } from "./windowAssembler.ts";

/** Peers that are asked for the same before it is given up: it will be asked for again. */
const ATTEMPTS_MAX = 3;
const REQUEST_TIMEOUT_MS = 20_000;
/** Of one answer to the machine; the rest is asked for later. */
const ANSWER_BYTES_MAX = 16 * 2 ** 20;
const FETCHES_UNDER_WAY_MAX = 8;
/** τ₂: for so long a peer that does not serve objects is not asked again. */
const NOT_SERVING_MS = 20_160 * 60_000;
/** Who was late or lied is left alone for τ₁. */
const DOUBTFUL_MS = 60_000;
const LEFT_ALONE_MAX = 1024;
/** What is not true of an answer cannot be an accident. */
const LIE_POINTS = 25;
const MALFORMED_POINTS = 1;

export interface FetchParts {
  readonly crypto: Crypto;
  readonly peers: () => readonly Peer[];
  readonly penalise: (peer: PeerIdText, points: number, reason: string) => void;
  /** Of a monotonic clock. */
  readonly nowMs: () => number;
}

export class ObjectFetch {
  readonly #parts: FetchParts;
  readonly #leftAlone = new Map<PeerIdText, { readonly untilMs: number; readonly isServing: boolean }>();
  #turn = 0;
  #underWay = 0;
  readonly #stopping = new AbortController();

  constructor(parts: FetchParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** `found` is told of each object that a peer has; what nobody has is not told. */
  async objects(hashes: readonly Hash32[], found: (from: PeerIdText, message: Message) => void): Promise<void> {
    const missing = new Map(hashes.slice(0, FETCH_IDS_MAX).map((hash) => [byteKey(hash), hash]));
    await this.#attempt(async (peer) => {
      await this.#askForObjects(peer, missing, (message) => found(peer.peerId, message));
      return missing.size === 0 ? true : undefined;
    });
  }

  /** Decided windows from `first` on, of the first peer that has one; undefined where nobody answers. */
  async windows(first: bigint, count: bigint): Promise<FetchedAnswer | undefined> {
    let answer: FetchedAnswer | undefined;
    const last = first + (count < FETCH_WINDOWS_MAX ? count : BigInt(FETCH_WINDOWS_MAX)) - 1n;
    await this.#attempt(async (peer) => {
      const assembler = new WindowAssembler(this.#parts.crypto, first, last);
      const hasEnded = await this.#askOne(peer, () => this.#askForWindows(peer, assembler, first, last));
      const windows = assembler.complete;
      // On a bad line an answer of many pages may never come to its end; a window that is whole is as good as in a whole answer.
      if (hasEnded === true || windows.length > 0) answer = { from: peer.peerId, windows };
      return windows.length > 0 ? answer : undefined;
    });
    return answer;
  }

  /** One peer after the other, another one first each time, until `ask` gives something. */
  async #attempt<T>(ask: (peer: Peer) => Promise<T | undefined>): Promise<T | undefined> {
    if (this.#underWay >= FETCHES_UNDER_WAY_MAX) return undefined;
    this.#underWay++;
    try {
      const peers = this.#askable();
      const start = this.#turn++;
      for (let i = 0; i < Math.min(ATTEMPTS_MAX, peers.length); i++) {
        const answer = await this.#askOne(peers[(start + i) % peers.length]!, ask);
        if (answer !== undefined || this.#stopping.signal.aborted) return answer;
      }
      return undefined;
    } finally {
      this.#underWay--;
    }
  }

  async #askOne<T>(peer: Peer, ask: (peer: Peer) => Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await ask(peer);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const { peerId } = peer;
      if (error.code === "protocol-not-served") this.#leaveAlone(peerId, NOT_SERVING_MS, false);
      if (error.code === "request-timeout" || error instanceof Lie) this.#leaveAlone(peerId, DOUBTFUL_MS, true);
      if (error instanceof Lie) this.#parts.penalise(peerId, LIE_POINTS, error.code);
      return undefined;
    }
  }

  async #askForObjects(peer: Peer, missing: Map<string, Hash32>, found: (message: Message) => void): Promise<void> {
    for (;;) {
      const { objects, more } = await this.#ask(peer, { kind: 1, ids: [...missing.values()] });
      const answered = new Set<string>();
      for (const object of objects) {
        const { message, key } = this.#identify(object);
        if (!missing.has(key)) throw new Lie("fetched-unasked");
        // The body of a proposal comes after its header.
        if (message.type !== "header") answered.add(key);
        found(message);
      }
      for (const key of answered) missing.delete(key);
      if (!more || missing.size === 0) return;
      if (answered.size === 0) throw new Lie("fetched-nothing");
    }
  }

  /** Page by page, as far as one answer goes. */
  async #askForWindows(peer: Peer, assembler: WindowAssembler, first: bigint, last: bigint): Promise<true> {
    for (let cursor = 0; ;) {
      const { objects, more, nextCursor } = await this.#ask(peer, { kind: 2, first, last, cursor });
      for (const object of objects) assemble(assembler, this.#read(object));
      if (!more) {
        assembler.finish();
        return true;
      }
      if (nextCursor <= cursor || objects.length === 0) throw new Lie("fetched-nothing");
      if (assembler.bytes > ANSWER_BYTES_MAX && assembler.complete.length > 0) return true;
      cursor = nextCursor;
    }
  }

  async #ask(peer: Peer, request: FetchRequest): Promise<FetchReply> {
    const options = { timeoutMs: REQUEST_TIMEOUT_MS, signal: this.#stopping.signal };
    const reply = await peer.request(PROTOCOLS.objects, encodeFetchRequest(request), options);
    try {
      return decodeFetchReply(reply);
    } catch (error) {
      if (error instanceof ProtocolError) throw new Lie("fetched-malformed");
      throw error;
    }
  }

  #read({ msgType, bytes }: FetchedObject): Message {
    const message = fromGossip(msgType, bytes);
    if (message === undefined) throw new Lie("fetched-malformed");
    return message;
  }

  /** A body is asked for by the identifier of its header. */
  #identify(object: FetchedObject): { readonly message: Message; readonly key: string } {
    const { msgType: type, bytes: payload } = object;
    const message = this.#read(object);
    const described = isGossiped(type) ? describe(this.#parts.crypto, { type, payload }) : undefined;
    if (described === undefined) throw new Lie("fetched-malformed");
    return { message, key: message.type === "body" ? byteKey(payload.subarray(0, 32)) : described.id };
  }

  /** Doubtful ones only where there is nobody else. */
  #askable(): readonly Peer[] {
    const nowMs = this.#parts.nowMs();
    const standing = this.#parts.peers().map((peer) => {
      const left = this.#leftAlone.get(peer.peerId);
      return { peer, left: left !== undefined && left.untilMs > nowMs ? left : undefined };
    });
    const good = standing.filter(({ left }) => left === undefined);
    const chosen = good.length > 0 ? good : standing.filter(({ left }) => left?.isServing === true);
    return chosen.map(({ peer }) => peer);
  }

  #leaveAlone(peer: PeerIdText, forMs: number, isServing: boolean): void {
    this.#leftAlone.set(peer, { untilMs: this.#parts.nowMs() + forMs, isServing });
    if (this.#leftAlone.size > LEFT_ALONE_MAX) this.#leftAlone.delete(this.#leftAlone.keys().next().value!);
  }
}

/** An answer that no honest peer gives. */
class Lie extends ProtocolError {}

function assemble(assembler: WindowAssembler, message: Message): void {
  try {
    assembler.add(message);
  } catch (error) {
    if (error instanceof ProtocolError) throw new Lie(String(error.code));
    throw error;
  }
}

/**
 * The answer to a peer. Undefined, which resets the substream, for a malformed request, after which `penalise` was called,
 * and where the state worker is too busy.
 */
export async function serveObjects(
  handler: PeerHandler,
  request: Uint8Array,
  penalise: (points: number, reason: string) => void,
): Promise<Uint8Array | undefined> {
  let asked: FetchRequest;
  try {
    asked = decodeFetchRequest(request);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    penalise(MALFORMED_POINTS, "malformed-fetch");
    return undefined;
  }
  try {
    return encodeFetchReply(asked.kind === 1 ? await findObjects(handler, asked.ids) : await findRange(handler, asked));
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

async function findObjects(handler: PeerHandler, ids: readonly Hash32[]): Promise<FetchReply> {
  const found = (await handler.findObjects(ids)).map(toFetched);
  const objects: FetchedObject[] = [];
  let bytes = 0;
  for (const object of found) {
    bytes += object.bytes.length;
    if (bytes > FETCH_BYTES_MAX && objects.length > 0) return { more: true, nextCursor: 0, objects };
    objects.push(object);
  }
  return { more: false, nextCursor: 0, objects };
}

async function findRange(
  handler: PeerHandler,
  { first, last, cursor }: Extract<FetchRequest, { kind: 2 }>,
): Promise<FetchReply> {
  const { objects, nextCursor, more } = await handler.findRange({ first, last, cursor, bytesMax: FETCH_BYTES_MAX });
  return { more, nextCursor, objects: objects.map(toFetched) };
}

function toFetched(message: Message): FetchedObject {
  const { type, payload } = toGossip(message);
  return { msgType: type, bytes: payload };
}
