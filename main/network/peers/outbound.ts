/** Whom this node dials, and when (chapter 07 §4.3, §4.6, §4.8, §4.9). */
import { byteKey, equalBytes, fromHex, type NodeId } from "../../protocol/bytes.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { ManifestPeer } from "../../protocol/genesis/manifest.ts";
import { parsePeerId } from "../../protocol/identity/peerId.ts";
import type { Connection, PeerIdText } from "../ports.ts";
import { addressKey, formatMultiaddr, groupOf, parseMultiaddr, reachOf, type Address } from "./address.ts";
import type { AddressBook, Entry } from "./addressBook.ts";
import { Backoff } from "./backoff.ts";
import { sample, type Chance, type Clock } from "./clock.ts";
import { isDiverse, laxityMax, type Standing } from "./diversity.ts";
import { UNKNOWN_LABEL } from "./journal.ts";
import {
  ADVERTISED_MAX,
  BACKOFF_RESET_UPTIME_MS,
  BOOTSTRAP_AT_ONCE_MAX,
  BOOTSTRAP_NEEDED_BELOW,
  DIALS_AT_ONCE_MAX,
  DIAL_TIMEOUT_MS,
  DRAWS_MAX,
  FEELER_PERIOD_MS,
  NEW_FAILURES_MAX,
  OUTBOUND_MAX,
  OUTBOUND_RELAXED_BELOW,
  OUTBOUND_WITHOUT_MANIFEST_MIN,
  RECORDS_RELAXED_BELOW,
  TAU1_MS,
  TAU2_MS,
} from "./limits.ts";
import type { Link, PeerSession, Purpose } from "./session.ts";
import type { Anchor } from "./stateFile.ts";

const COHORT_WINDOWS = 20_160n;

/** What one dial is for. */
export interface Dial {
  readonly purpose: Purpose;
  readonly address: Address;
  readonly label: string;
  readonly peerId: PeerIdText | undefined;
  readonly nodeId: NodeId | undefined;
  readonly backoff: Backoff;
}

/** What became of a dial. */
export type Outcome = "taken" | "self" | "wrong-node" | "refused";

export interface OutboundOwner {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly book: AddressBook;
  readonly self: { readonly peerId: PeerIdText; readonly nodeId: NodeId };
  readonly keepManifestPeers: boolean;
  readonly sessions: readonly PeerSession[];
  isBanned(peerId: PeerIdText | undefined, nodeId: NodeId | undefined): boolean;
  isAddressAllowed(address: Address): boolean;
  startWindowOf(nodeId: NodeId): bigint | undefined;
  connect(multiaddr: string, expected: PeerIdText | undefined, signal: AbortSignal): Promise<Connection>;
  /** Judges a connection of ours; ends it unless it is `taken`. */
  take(connection: Connection, dial: Dial): Outcome;
  dialing(dial: Dial): void;
  dialFailed(dial: Dial, error: unknown): void;
  release(session: PeerSession, cause: string): void;
  invalidManifestPeer(peer: ManifestPeer): void;
}

interface ManifestTarget extends Dial {
  readonly peerId: PeerIdText;
}

export class Outbound {
  readonly #owner: OutboundOwner;
  readonly #manifest: readonly ManifestTarget[];
  /** Whether this node is one of the manifest's: they stay together. */
  readonly #isOfManifest: boolean;
  #anchors: readonly (Dial & { readonly peerId: PeerIdText })[];
  readonly #underWay = new Map<Dial, AbortController>();
  readonly #ownAddresses = new Set<string>();
  /** Nodes that are connected and have said where they listen, which nobody has proven yet. */
  readonly #advertised = new Map<string, NodeId>();
  #nextFeelerMs: number;
  #nextRotationMs: number;
  #isHungry = false;
  #isStopped = false;

  constructor(owner: OutboundOwner, manifest: readonly ManifestPeer[], anchors: readonly Anchor[]) {
    this.#owner = owner;
    this.#isOfManifest = manifest.some(({ peerId }) => peerId === owner.self.peerId);
    this.#manifest = manifest
      .filter(({ peerId }) => peerId !== owner.self.peerId)
      .flatMap((peer) => this.#targetOf(peer));
    this.#anchors = anchors.map(({ nodeId, address, peerId }) => ({
      purpose: "anchor",
      address,
      label: this.labelOf(peerId),
      peerId,
      nodeId,
      backoff: new Backoff(),
    }));
    const nowMs = owner.clock.nowMs();
    this.#nextFeelerMs = nowMs + FEELER_PERIOD_MS;
    this.#nextRotationMs = nowMs + TAU2_MS;
  }

  get manifestPeers(): readonly { readonly peerId: PeerIdText; readonly label: string }[] {
    return this.#manifest;
  }

  labelOf(peerId: PeerIdText): string {
    return this.#manifest.find((target) => target.peerId === peerId)?.label ?? UNKNOWN_LABEL;
  }

  /** More peers are wanted and the last look found no address to try. */
  get isHungry(): boolean {
    return this.#isHungry;
  }

  /** Begins whatever is due. */
  tick(): void {
    if (this.#isStopped) return;
    this.#dialAnchors();
    this.#dialManifest();
    this.#dialSelected();
    this.#releaseBootstrap();
    this.#proveAdvertised();
    this.#feel();
    this.#rotate();
  }

  /** A connection of ours that was in use has ended. */
  lost(session: PeerSession, { connection, sinceMs }: Link): void {
    if (!connection.isDialer) return;
    const { clock, chance } = this.#owner;
    const nowMs = clock.nowMs();
    for (const backoff of this.#backoffsOf(session)) {
      if (nowMs - sinceMs >= BACKOFF_RESET_UPTIME_MS) backoff.reset(nowMs, chance);
      else backoff.failed(nowMs, chance);
    }
  }

  /** Not to be dialled for this long: it asked for it, or it is banned. */
  hold(session: PeerSession, forMs: number): void {
    const untilMs = this.#owner.clock.nowMs() + forMs;
    for (const backoff of this.#backoffsOf(session)) backoff.holdUntil(untilMs);
  }

  /**
   * A peer says where it listens. A node that everybody comes to, as a bootstrap node is, would never dial these addresses,
   * prove them and pass them on: so each gets a feeler.
   */
  advertised(nodeId: NodeId): void {
    if (this.#advertised.size < ADVERTISED_MAX) this.#advertised.set(byteKey(nodeId), nodeId);
  }

  stop(): void {
    this.#isStopped = true;
    for (const abort of this.#underWay.values()) abort.abort();
  }

  #dialAnchors(): void {
    this.#anchors = this.#anchors.filter(
      ({ backoff, peerId }) => backoff.failures < NEW_FAILURES_MAX && !this.#isConnected(peerId),
    );
    for (const anchor of this.#anchors) if (this.#isDue(anchor)) this.#start(anchor);
  }

  #dialManifest(): void {
    const wanted = this.#manifestWanted();
    const isHeld = ({ peerId }: ManifestTarget) => this.#isConnected(peerId);
    const held = this.#manifest.filter((target) => isHeld(target) || this.#underWay.has(target)).length;
    const free = this.#manifest.filter((target) => !isHeld(target) && this.#isDue(target));
    // A newcomer spreads over the manifest; its own nodes dial in the order of the file.
    const chosen = this.#isOfManifest ? free : sample(this.#owner.chance, free, free.length);
    for (const target of chosen.slice(0, Math.max(0, wanted - held))) this.#start(target);
  }

  /** So many of the manifest's peers shall be connected. */
  #manifestWanted(): number {
    if (this.#isOfManifest || this.#owner.keepManifestPeers) return OUTBOUND_MAX;
    const isNeeded =
      this.#othersCount() < BOOTSTRAP_NEEDED_BELOW || this.#outbound().length < OUTBOUND_WITHOUT_MANIFEST_MIN;
    return isNeeded ? BOOTSTRAP_AT_ONCE_MAX : 0;
  }

  #dialSelected(): void {
    this.#isHungry = false;
    for (;;) {
      const outbound = this.#outbound();
      if (outbound.length >= OUTBOUND_MAX || this.#underWay.size >= DIALS_AT_ONCE_MAX) return;
      const entry = this.#select(outbound);
      if (entry === undefined) {
        this.#isHungry = true;
        return;
      }
      this.#start(dialOf(entry, "selected"));
    }
  }

  #select(outbound: readonly Standing[]): Entry | undefined {
    const drawn = this.#draw(outbound, 0);
    if (drawn !== undefined || outbound.length >= OUTBOUND_RELAXED_BELOW) return drawn;
    const most = laxityMax(outbound.length, this.#countFitting(outbound, 0, RECORDS_RELAXED_BELOW));
    for (let laxity = 0; laxity <= most; laxity++) {
      const entry = this.#draw(outbound, laxity);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  #draw(outbound: readonly Standing[], laxity: number): Entry | undefined {
    const { book } = this.#owner;
    // In a small book it is cheaper to look at all than to draw in vain.
    if (book.size < DRAWS_MAX && this.#countFitting(outbound, laxity, 1) === 0) return undefined;
    return book.draw((entry) => this.#isUsable(entry) && isDiverse(outbound, this.#standingOf(entry), laxity));
  }

  /** How many known addresses could join, counted up to `enough`. */
  #countFitting(outbound: readonly Standing[], laxity: number, enough: number): number {
    let count = 0;
    for (const entry of this.#owner.book.entries()) {
      if (!isDiverse(outbound, this.#standingOf(entry), laxity) || !this.#isUsable(entry)) continue;
      if (++count >= enough) break;
    }
    return count;
  }

  /** Enough others are there: the manifest's peers are left to newcomers. */
  #releaseBootstrap(): void {
    if (this.#manifestWanted() > 0) return;
    for (const session of [...this.#owner.sessions]) {
      if (session.purpose === "manifest") this.#owner.release(session, "enough other peers");
    }
  }

  #proveAdvertised(): void {
    for (const [key, nodeId] of this.#advertised) {
      if (this.#underWay.size >= DIALS_AT_ONCE_MAX) return;
      this.#advertised.delete(key);
      const entry = this.#owner.book.get(nodeId);
      if (entry !== undefined && !entry.isVerified && this.#mayDial(entry)) this.#start(dialOf(entry, "feeler"));
    }
  }

  #feel(): void {
    const nowMs = this.#owner.clock.nowMs();
    if (nowMs < this.#nextFeelerMs) return;
    this.#nextFeelerMs = nowMs + FEELER_PERIOD_MS;
    const entry = this.#owner.book.drawNew((drawn) => this.#isUsable(drawn));
    if (entry !== undefined) this.#start(dialOf(entry, "feeler"));
  }

  /** One peer a τ₂: one that brought nothing new while others did, else any that may be replaced. */
  #rotate(): void {
    const { clock, chance, sessions } = this.#owner;
    if (clock.nowMs() < this.#nextRotationMs) return;
    this.#nextRotationMs = clock.nowMs() + TAU2_MS;
    const selected = sessions.filter(({ purpose }) => purpose === "selected");
    const isAnyUseful = sessions.some(({ proposals }) => proposals > 0);
    const idle = selected.filter(({ proposals }) => isAnyUseful && proposals === 0);
    const outbound = this.#outbound();
    const isReplaceable = outbound.length >= OUTBOUND_MAX && this.#countFitting(outbound, 0, 1) > 0;
    const [leaving] = sample(chance, idle.length > 0 ? idle : isReplaceable ? selected : [], 1);
    for (const session of sessions) session.proposals = 0;
    if (leaving !== undefined) this.#owner.release(leaving, "rotation");
  }

  #start(dial: Dial): void {
    const { clock } = this.#owner;
    const abort = new AbortController();
    this.#underWay.set(dial, abort);
    const cancelTimeout = clock.after(DIAL_TIMEOUT_MS, () => abort.abort(new Error("timeout")));
    void this.#run(dial, abort.signal).finally(() => {
      cancelTimeout();
      this.#underWay.delete(dial);
    });
  }

  async #run(dial: Dial, signal: AbortSignal): Promise<void> {
    const owner = this.#owner;
    owner.dialing(dial);
    let connection;
    try {
      connection = await owner.connect(formatMultiaddr(dial.address), dial.peerId, signal);
    } catch (error) {
      if (this.#isStopped) return;
      owner.dialFailed(dial, error);
      this.#finish(dial, outcomeOf(error));
      return;
    }
    this.#finish(dial, owner.take(connection, dial));
  }

  #finish(dial: Dial, outcome: Outcome): void {
    const { book, clock } = this.#owner;
    if (outcome === "taken") return;
    this.#failed(dial);
    if (outcome === "wrong-node") dial.backoff.holdUntil(clock.nowMs() + TAU1_MS);
    if (outcome !== "self") return;
    this.#ownAddresses.add(addressKey(dial.address));
    if (dial.nodeId !== undefined) book.remove(dial.nodeId);
  }

  /** The backoff of an address in the book is that of its entry: one count serves both. */
  #failed({ purpose, nodeId, backoff }: Dial): void {
    const { book, clock, chance } = this.#owner;
    if (nodeId !== undefined && (purpose === "selected" || purpose === "feeler")) book.fail(nodeId, clock.nowMs());
    else backoff.failed(clock.nowMs(), chance);
  }

  #isDue(dial: Dial & { readonly peerId: PeerIdText }): boolean {
    const { clock } = this.#owner;
    return (
      dial.backoff.notBeforeMs <= clock.nowMs() &&
      !this.#underWay.has(dial) &&
      !this.#isBeingDialed(dial.address) &&
      !this.#ownAddresses.has(addressKey(dial.address)) &&
      !this.#owner.isBanned(dial.peerId, dial.nodeId)
    );
  }

  #isUsable(entry: Entry): boolean {
    const { record } = entry;
    return this.#mayDial(entry) && !this.#owner.sessions.some(({ nodeId }) => equalBytes(nodeId, record.nodeId));
  }

  #mayDial({ record, backoff, isPublic }: Entry): boolean {
    return (
      backoff.notBeforeMs <= this.#owner.clock.nowMs() &&
      (isPublic || this.#owner.isAddressAllowed(record)) &&
      !this.#isBeingDialed(record) &&
      !(this.#ownAddresses.size > 0 && this.#ownAddresses.has(addressKey(record))) &&
      !this.#owner.isBanned(undefined, record.nodeId)
    );
  }

  #isBeingDialed(address: Address): boolean {
    if (this.#underWay.size === 0) return false;
    const key = addressKey(address);
    return [...this.#underWay.keys()].some((dial) => addressKey(dial.address) === key);
  }

  #isConnected(peerId: PeerIdText): boolean {
    return this.#owner.sessions.some((session) => session.peerId === peerId);
  }

  /** Connected or being dialled; feelers do not stay. */
  #outbound(): Standing[] {
    const { sessions, book } = this.#owner;
    const dialed = [...this.#underWay.keys()].filter(({ purpose }) => purpose !== "feeler");
    return [
      ...sessions
        .filter(({ isOutbound }) => isOutbound)
        .map(({ remote, group, isPublic, nodeId }) => {
          return { group, isPublic, asn: book.asnOf(remote), cohort: this.#cohortOf(nodeId) };
        }),
      ...dialed.map(({ address, nodeId }) => {
        const isPublic = reachOf(address) === "public";
        return { group: groupOf(address), isPublic, asn: book.asnOf(address), cohort: this.#cohortOf(nodeId) };
      }),
    ];
  }

  #othersCount(): number {
    const ofManifest = new Set(this.#manifest.map(({ peerId }) => peerId));
    return this.#owner.sessions.filter(({ peerId }) => !ofManifest.has(peerId)).length;
  }

  #standingOf({ record, group, isPublic }: Entry): Standing {
    return { group, asn: record.asn, cohort: this.#cohortOf(record.nodeId), isPublic };
  }

  #cohortOf(nodeId: NodeId | undefined): bigint | undefined {
    const startWindow = nodeId && this.#owner.startWindowOf(nodeId);
    return startWindow === undefined ? undefined : startWindow / COHORT_WINDOWS;
  }

  #backoffsOf(session: PeerSession): Backoff[] {
    const target = this.#manifest.find(({ peerId }) => peerId === session.peerId);
    const anchor = this.#anchors.find(({ peerId }) => peerId === session.peerId);
    const entry = this.#owner.book.get(session.nodeId);
    return [target, anchor, entry].flatMap((it) => (it === undefined ? [] : [it.backoff]));
  }

  #targetOf(peer: ManifestPeer): ManifestTarget[] {
    try {
      const peerId = peer.peerId;
      parsePeerId(peerId);
      const nodeId = fromHex(peer.nodeIdHex) as NodeId | undefined;
      const address = parseMultiaddr(peer.multiaddr);
      return [{ purpose: "manifest", address, label: peer.label, peerId, nodeId, backoff: new Backoff() }];
    } catch {
      this.#owner.invalidManifestPeer(peer);
      return [];
    }
  }
}

function dialOf({ record, backoff }: Entry, purpose: Purpose): Dial {
  const { ipVersion, ip, port, nodeId } = record;
  return { purpose, address: { ipVersion, ip, port }, label: UNKNOWN_LABEL, peerId: undefined, nodeId, backoff };
}

/** Whoever makes connections may find out during the handshake who is there. */
function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof ProtocolError) || error.code !== "wrong-peer") return "refused";
  return error.params["reason"] === "own-key" ? "self" : "wrong-node";
}
