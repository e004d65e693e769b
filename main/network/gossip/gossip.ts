/**
 * Flooding (chapter 07 §4.4, §5.3; chapter 03 §6.5): what of a peer's messages is looked at, who gets what, and in which order.
 * It judges nothing itself: whoever does tells it the verdict. The same calls give the same answers; the node's sockets and
 * the simulator drive it alike.
 */
import { byteKey } from "../../protocol/bytes.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { MESSAGE } from "../messages/registry.ts";
import { Identifiers } from "./identifiers.ts";
import {
  BUDGET_IDENTIFIERS_MAX,
  DEPTHS_AHEAD_MAX,
  FAR_AHEAD_MAX,
  HELD_BYTES_MAX,
  HELD_OBJECTS_MAX,
  HELD_WINDOWS,
  OUTSTANDING_MAX,
  REFUSED_MAX,
  WINDOWS_AHEAD_MAX,
  WINDOWS_BEHIND_MAX,
} from "./limits.ts";
import { describe, type Described, type GossipObject } from "./object.ts";
import { SendQueue } from "./sendQueue.ts";

/** Where the node stands. */
export interface Position {
  /** The window that is being decided. */
  readonly window: bigint;
  readonly round: number;
}

/** What became of an object: as the window machine says it. */
export interface Judgement {
  readonly verdict: "accept" | "ignore" | "reject" | "hold";
  readonly code?: string;
}

export type Refusal =
  /** Too short to be what it says it is. */
  | "malformed"
  /** The same bytes were refused before. */
  | "refused-before"
  /** More distinct objects than the budget has. */
  | "over-budget"
  | "duplicate"
  | "wrong-window"
  | "wrong-depth"
  /** The peer has too much that waits for its context. */
  | "held-too-much";

/** Whether an object is to be looked at; if not, why, and what it costs the peer in points. */
export type Arrival =
  { readonly take: true } | { readonly take: false; readonly refusal: Refusal; readonly points: number };

/** Points (chapter 07 §5.1, §5.3). */
const POINTS = { malformed: 1, badSignature: 5, rate: 1, invalid: 1 } as const;
const BAD_SIGNATURE = "invalid-signature";

interface PeerState {
  readonly queue: SendQueue;
  takesConsensus: boolean;
  outstanding: number;
  /** Budget's key → identifiers, of this window. */
  readonly budgets: Map<string, Set<string>>;
  budgeted: number;
  held: { readonly window: bigint; readonly bytes: number }[];
  heldBytes: number;
}

const TAKE: Arrival = { take: true };

export class Gossip {
  readonly #crypto: Crypto;
  readonly #peers = new Map<string, PeerState>();
  readonly #identifiers = new Identifiers();
  /** Digest of a payload → points, oldest first. */
  readonly #refused = new Map<string, number>();
  readonly #described: WeakMap<Uint8Array, Described>;
  #position: Position;

  /** `described`: of payloads that are on their way through the checks; nodes of one process may share it. */
  constructor(crypto: Crypto, position: Position, described = new WeakMap<Uint8Array, Described>()) {
    this.#crypto = crypto;
    this.#position = position;
    this.#described = described;
  }

  get position(): Position {
    return this.#position;
  }

  /** True where a window opened. */
  moveTo(position: Position): boolean {
    const isNew = position.window !== this.#position.window;
    this.#position = position;
    if (!isNew) return false;
    this.#identifiers.forgetAt(position.window);
    for (const peer of this.#peers.values()) {
      peer.budgets.clear();
      peer.budgeted = 0;
      peer.held = peer.held.filter(({ window }) => window + HELD_WINDOWS >= position.window);
      peer.heldBytes = peer.held.reduce((sum, { bytes }) => sum + bytes, 0);
    }
    return true;
  }

  connect(name: string): void {
    this.disconnect(name);
    const peer = { queue: new SendQueue(), takesConsensus: true, outstanding: 0, budgeted: 0, heldBytes: 0 };
    this.#peers.set(name, { ...peer, budgets: new Map(), held: [] });
  }

  disconnect(name: string): void {
    if (this.#peers.delete(name)) this.#identifiers.forgetPeer(name);
  }

  /** The peer does not serve the protocol of bodies and votes: it gets none. */
  refusesConsensus(name: string): void {
    const peer = this.#peers.get(name);
    if (peer !== undefined) peer.takesConsensus = false;
  }

  /** What a peer sent, before anything costly is done with it (chapter 07 §5.2, steps 7 to 9). */
  receive(from: string, object: GossipObject): Arrival {
    const peer = this.#peers.get(from);
    const described = this.#describe(object);
    if (peer === undefined) return refuse("wrong-window", 0);
    if (described === undefined) return refuse("malformed", POINTS.malformed);
    const known = this.#identifiers.get(described.id);
    if (known !== undefined) {
      known.peers.add(from);
      return refuse("duplicate", 0);
    }
    const refused = this.#pointsOf(object);
    if (refused !== undefined) return refuse("refused-before", refused);
    return this.#checkBudget(peer, described);
  }

  /** What became of an object that {@link receive} let through. Gives the points it costs the peer. */
  judged(from: string, object: GossipObject, { verdict, code }: Judgement): number {
    const described = this.#describe(object);
    if (described === undefined) return 0;
    const { window } = this.#position;
    switch (verdict) {
      case "accept":
      case "hold": {
        // Only now: identifiers leave the signature out, and a garbage copy must not hide the real object.
        this.#identifiers.add(described.id, window).peers.add(from);
        const peer = this.#peers.get(from);
        if (verdict === "hold" && peer !== undefined) {
          peer.held.push({ window, bytes: object.payload.length });
          peer.heldBytes += object.payload.length;
        }
        return 0;
      }
      case "ignore":
        this.#identifiers.get(described.id)?.peers.add(from);
        return 0;
      case "reject": {
        const points = code === BAD_SIGNATURE ? POINTS.badSignature : POINTS.invalid;
        this.#refused.set(byteKey(this.#crypto.sha256(object.payload)), points);
        if (this.#refused.size > REFUSED_MAX) this.#refused.delete(this.#refused.keys().next().value!);
        return points;
      }
    }
  }

  /**
   * To all peers that have not got it, `except` one. What this node told before and tells again without an `except` is a
   * repetition (chapter 03 §6.3): it goes to everybody. Gives the peers it waits for.
   */
  broadcast(object: GossipObject, except?: string): string[] {
    const described = this.#describe(object);
    if (described === undefined) return [];
    const known = this.#identifiers.add(described.id, this.#position.window);
    const isRepetition = known.isTold && except === undefined;
    known.isTold = true;
    const told: string[] = [];
    for (const [name, peer] of this.#peers) {
      if (name === except || (known.peers.has(name) && !isRepetition)) continue;
      if (this.#enqueue(peer, object, described, isRepetition)) told.push(name);
    }
    return told;
  }

  /** To one peer, whether or not it has got it: it may have dropped it when it came too early. */
  send(to: string, object: GossipObject): void {
    const peer = this.#peers.get(to);
    const described = this.#describe(object);
    if (peer !== undefined && described !== undefined) this.#enqueue(peer, object, described, true);
  }

  /** What goes to the peer next; undefined where nothing waits or too much is without an answer. */
  next(to: string): GossipObject | undefined {
    const peer = this.#peers.get(to);
    if (peer === undefined || peer.outstanding >= OUTSTANDING_MAX) return undefined;
    for (let queued = peer.queue.shift(); queued !== undefined; queued = peer.queue.shift()) {
      const { id, window } = queued.described;
      const isStale = window !== undefined && window + WINDOWS_BEHIND_MAX < this.#position.window;
      const known = this.#identifiers.get(id)?.peers;
      // Since it was queued, the peer may have brought it itself.
      if (isStale || !takes(peer, queued) || (known?.has(to) === true && !queued.isRepeated)) continue;
      known?.add(to);
      peer.outstanding++;
      return queued;
    }
    return undefined;
  }

  /** The peer answered what {@link next} gave, or will not. `isLost`: it never got it, and may get it again. */
  settled(to: string, object: GossipObject, isLost: boolean): void {
    const peer = this.#peers.get(to);
    if (peer === undefined) return;
    peer.outstanding--;
    const described = isLost ? this.#describe(object) : undefined;
    if (described !== undefined) this.#identifiers.get(described.id)?.peers.delete(to);
  }

  /** Of a payload that was refused before. */
  #pointsOf({ payload }: GossipObject): number | undefined {
    return this.#refused.size === 0 ? undefined : this.#refused.get(byteKey(this.#crypto.sha256(payload)));
  }

  #describe(object: GossipObject): Described | undefined {
    const known = this.#described.get(object.payload);
    if (known !== undefined) return known;
    const described = describe(this.#crypto, object);
    if (described !== undefined) this.#described.set(object.payload, described);
    return described;
  }

  #checkBudget(peer: PeerState, { id, window, depth, budget }: Described): Arrival {
    const { window: open, round } = this.#position;
    let { key, max } = budget;
    let points: number = POINTS.rate;
    if (window !== undefined) {
      if (window + WINDOWS_BEHIND_MAX < open) return refuse("wrong-window", 0);
      if (window > open + WINDOWS_AHEAD_MAX) {
        [key, max, points] = ["ahead", FAR_AHEAD_MAX, 0];
      } else if (depth !== undefined && window === open && depth > round + DEPTHS_AHEAD_MAX) {
        return refuse("wrong-depth", 0);
      }
    }
    const isHeldTooMuch = peer.held.length >= HELD_OBJECTS_MAX || peer.heldBytes >= HELD_BYTES_MAX;
    if (isHeldTooMuch && (window === undefined || window > open)) return refuse("held-too-much", 0);
    const counted = peer.budgets.get(key) ?? new Set();
    if (counted.has(id)) return TAKE;
    if (counted.size >= max) return refuse("over-budget", points);
    if (peer.budgeted >= BUDGET_IDENTIFIERS_MAX) return refuse("over-budget", POINTS.rate);
    counted.add(id);
    peer.budgeted++;
    peer.budgets.set(key, counted);
    return TAKE;
  }

  #enqueue(peer: PeerState, object: GossipObject, described: Described, isRepeated: boolean): boolean {
    return takes(peer, object) && peer.queue.push({ ...object, described, isRepeated });
  }
}

function takes({ takesConsensus }: PeerState, { type }: GossipObject): boolean {
  return takesConsensus || (type !== MESSAGE.proposalBody && type !== MESSAGE.proposalVote);
}

function refuse(refusal: Refusal, points: number): Arrival {
  return { take: false, refusal, points };
}
