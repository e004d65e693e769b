/** Who is asked, how much at a time, and what became of those who lied, were slow or had nothing. */
import { setTimeout as sleep } from "node:timers/promises";

import type { Crypto } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { PeerIdText, PeerNetwork } from "../../network/ports.ts";
import { peerFailure, SyncPeer, type PeerFailure } from "./syncPeer.ts";

/** What a joiner needs of the network: who is connected at this moment, and a way to complain. */
export type SyncNetwork = Pick<PeerNetwork, "peers" | "penalise">;

/** Of one peer (chapter 07 §4.5). */
const OUTSTANDING_MAX = 4;
/** Results of one ordered transfer that wait for an earlier one: of up to 1 MiB. */
const AHEAD_MAX = 16;
/** How often it is looked whether somebody has come or may be asked again. */
const TICK_MS = 100;
/** A peer that gave no answer is left alone so long, and the double the next time. */
const PAUSE_MS = 1000;
const PAUSE_MS_MAX = 60_000;
const BUSY_MS = 2000;
const SLOW_POINTS = 10;
const MALFORMED_POINTS = 25;
/** A part that is not what the roots say: nobody sends that by accident (chapter 02 §4.12: "ban the sender"). */
const LIE_POINTS = 100;

export interface PeerFault {
  readonly peerId: PeerIdText;
  /** Name of what was wrong with what it sent, or `no-answer`. */
  readonly fault: string;
}

interface Standing {
  readonly peer: SyncPeer;
  isExcluded: boolean;
  notBeforeMs: number;
  failures: number;
}

export class PeerPool {
  readonly #crypto: Crypto;
  readonly #network: SyncNetwork;
  readonly #onFault: (fault: PeerFault) => void;
  readonly #standings = new Map<PeerIdText, Standing>();
  readonly faults: PeerFault[] = [];

  constructor(crypto: Crypto, network: SyncNetwork, onFault: (fault: PeerFault) => void) {
    this.#crypto = crypto;
    this.#network = network;
    this.#onFault = onFault;
  }

  /** Connected, and neither liars nor without the service. */
  get peers(): SyncPeer[] {
    return this.#connected().map(({ peer }) => peer);
  }

  /** Of those, whom one may ask at this moment. */
  get ready(): SyncPeer[] {
    const nowMs = performance.now();
    return this.#connected()
      .filter(({ notBeforeMs }) => notBeforeMs <= nowMs)
      .map(({ peer }) => peer);
  }

  /** Of all replies of all peers. */
  get bytesReceived(): number {
    let total = 0;
    for (const { peer } of this.#standings.values()) total += peer.bytesReceived;
    return total;
  }

  /** It sent what is wrong, and is not asked again. */
  exclude(peer: SyncPeer, fault: string): void {
    const standing = this.#standings.get(peer.peerId);
    if (standing === undefined || standing.isExcluded) return;
    standing.isExcluded = true;
    this.#note(peer, fault, LIE_POINTS);
  }

  failed(peer: SyncPeer, failure: PeerFailure): void {
    const standing = this.#standings.get(peer.peerId);
    if (standing === undefined) return;
    switch (failure) {
      case "not-served":
        standing.isExcluded = true;
        return;
      case "malformed":
        standing.isExcluded = true;
        this.#note(peer, failure, MALFORMED_POINTS);
        return;
      case "busy":
        standing.notBeforeMs = performance.now() + BUSY_MS;
        return;
      case "unavailable":
        return;
      case "failed":
        if (standing.failures === 0) this.#note(peer, "no-answer", SLOW_POINTS);
        standing.notBeforeMs = performance.now() + Math.min(PAUSE_MS * 2 ** standing.failures, PAUSE_MS_MAX);
        standing.failures++;
    }
  }

  answered(peer: SyncPeer): void {
    const standing = this.#standings.get(peer.peerId);
    if (standing !== undefined) standing.failures = 0;
  }

  /** Another anchor: its chunks are counted anew. */
  forgetAnchor(): void {
    for (const { peer } of this.#standings.values()) peer.totalChunks = undefined;
  }

  #note(peer: SyncPeer, fault: string, points: number): void {
    const found = { peerId: peer.peerId, fault };
    this.faults.push(found);
    this.#network.penalise(peer.peerId, points, fault);
    this.#onFault(found);
  }

  #connected(): Standing[] {
    return this.#network.peers.flatMap((peer) => {
      let standing = this.#standings.get(peer.peerId);
      if (standing === undefined) {
        standing = { peer: new SyncPeer(this.#crypto, peer), isExcluded: false, notBeforeMs: 0, failures: 0 };
        this.#standings.set(peer.peerId, standing);
      }
      standing.peer.connection = peer;
      return standing.isExcluded ? [] : [standing];
    });
  }
}

export interface Transfer<Item, Value> {
  readonly items: readonly Item[];
  /** Whom to ask; all that are ready unless given. */
  readonly mayAsk?: (peer: SyncPeer) => boolean;
  /** Throws `ProtocolError<PeerFailure>`. */
  readonly fetch: (peer: SyncPeer, item: Item, signal: AbortSignal) => Promise<Value>;
  /** What is wrong with it: then its sender is excluded, and another one is asked. */
  readonly accept: (item: Item, value: Value) => Promise<string | undefined>;
  /** Results are accepted in the order of the items. */
  readonly isOrdered?: boolean;
  /** Nobody has had anything of it for so long: gives up with `unavailable`. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/** Fetches all items from all peers, a few at a time from each. Throws `unavailable` and `cancelled`. */
export async function transfer<Item, Value>(pool: PeerPool, options: Transfer<Item, Value>): Promise<void> {
  await new Transferring(pool, options).run();
}

class Transferring<Item, Value> {
  readonly #pool: PeerPool;
  readonly #options: Transfer<Item, Value>;
  /** Places of items that nobody fetches at the moment, ascending. */
  #waiting: number[];
  readonly #underWay = new Map<PeerIdText, number>();
  /** Those who said that they have none of it. */
  readonly #without = new Set<PeerIdText>();
  readonly #arrived = new Map<number, { readonly value: Value; readonly peer: SyncPeer }>();
  readonly #stopping = new AbortController();
  readonly #signal: AbortSignal;
  #accepted = 0;
  #isAccepting = false;
  #failure: unknown;
  #lastMs = performance.now();
  #wake: (() => void) | undefined;

  constructor(pool: PeerPool, options: Transfer<Item, Value>) {
    this.#pool = pool;
    this.#options = options;
    this.#waiting = options.items.map((_, place) => place);
    this.#signal = AbortSignal.any([options.signal, this.#stopping.signal]);
  }

  async run(): Promise<void> {
    const { items, patienceMs, signal } = this.#options;
    try {
      while (this.#accepted < items.length) {
        if (signal.aborted) throw new ProtocolError("cancelled");
        if (this.#failure !== undefined) throw this.#failure as Error;
        this.#startAll();
        const isIdle = [...this.#underWay.values()].every((count) => count === 0);
        if (isIdle && (this.#isHopeless || performance.now() - this.#lastMs > patienceMs))
          throw peerFailure("unavailable");
        await this.#next();
      }
    } finally {
      this.#stopping.abort();
    }
  }

  /** Others are there, but nobody of those who may be asked has it. */
  get #isHopeless(): boolean {
    const { mayAsk } = this.#options;
    const { peers } = this.#pool;
    return peers.length > 0 && peers.every((peer) => this.#without.has(peer.peerId) || mayAsk?.(peer) === false);
  }

  #next(): Promise<unknown> {
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    return Promise.race([woken, sleep(TICK_MS)]);
  }

  #startAll(): void {
    const { mayAsk } = this.#options;
    const peers = this.#pool.ready.filter(
      (peer) => !this.#without.has(peer.peerId) && (mayAsk === undefined || mayAsk(peer)),
    );
    // One each in turn, so that a few items go to different peers.
    for (let isStarted = true; isStarted;) {
      isStarted = false;
      for (const peer of peers) {
        const count = this.#underWay.get(peer.peerId) ?? 0;
        const place = this.#waiting[0];
        const isTooFar = this.#options.isOrdered === true && place !== undefined && place >= this.#accepted + AHEAD_MAX;
        if (place === undefined || isTooFar || count >= OUTSTANDING_MAX) continue;
        this.#waiting.shift();
        this.#underWay.set(peer.peerId, count + 1);
        void this.#fetch(peer, place);
        isStarted = true;
      }
    }
  }

  async #fetch(peer: SyncPeer, place: number): Promise<void> {
    const { fetch, items, isOrdered } = this.#options;
    try {
      const value = await fetch(peer, items[place]!, this.#signal);
      this.#pool.answered(peer);
      this.#arrived.set(place, { value, peer });
      if (isOrdered === true) await this.#acceptInOrder();
      else await this.#accept(place);
    } catch (error) {
      if (!this.#signal.aborted) this.#hear(peer, place, error);
    } finally {
      this.#underWay.set(peer.peerId, this.#underWay.get(peer.peerId)! - 1);
      this.#wake?.();
    }
  }

  async #acceptInOrder(): Promise<void> {
    if (this.#isAccepting) return;
    this.#isAccepting = true;
    try {
      while (this.#arrived.has(this.#accepted) && !this.#signal.aborted) {
        if (!(await this.#accept(this.#accepted))) return;
      }
    } catch (error) {
      // Of the state worker, not of a peer.
      this.#failure ??= error;
    } finally {
      this.#isAccepting = false;
    }
  }

  async #accept(place: number): Promise<boolean> {
    const { value, peer } = this.#arrived.get(place)!;
    this.#arrived.delete(place);
    let fault: string | undefined;
    try {
      fault = await this.#options.accept(this.#options.items[place]!, value);
    } catch (error) {
      this.#failure ??= error;
      return false;
    }
    this.#lastMs = performance.now();
    if (fault === undefined) {
      this.#accepted++;
      return true;
    }
    this.#pool.exclude(peer, fault);
    this.#giveBack(place);
    return false;
  }

  #hear(peer: SyncPeer, place: number, error: unknown): void {
    this.#giveBack(place);
    if (!(error instanceof ProtocolError)) {
      this.#failure ??= error;
      return;
    }
    const code = (error as ProtocolError).code as PeerFailure | "cancelled";
    if (code === "cancelled") return;
    if (code === "unavailable") this.#without.add(peer.peerId);
    this.#pool.failed(peer, code);
  }

  #giveBack(place: number): void {
    this.#waiting.push(place);
    this.#waiting.sort((a, b) => a - b);
  }
}
