/** The peers of a node: dials, accepts, keeps, refuses (chapter 07 §4.3). Its parts decide; this file joins them. */
import { equalBytes, type NodeId } from "../../protocol/bytes.ts";
import { nodeIdOf } from "../../protocol/identity/ids.ts";
import { formatPeerId, peerIdOf } from "../../protocol/identity/peerId.ts";
import { BYE, encodeBye } from "../messages/liveness.ts";
import { decodeEnvelope, encodeEnvelope } from "../messages/envelope.ts";
import { MESSAGE } from "../messages/registry.ts";
import type { PeerEntry } from "../messages/peerList.ts";
import type { Connection, Peer, PeerIdText, PeerListener, PeerNetwork, Served, Usefulness } from "../ports.ts";
import { formatMultiaddr, hostOf, parseMultiaddr, reachOf } from "./address.ts";
import { AddressBook } from "./addressBook.ts";
import { OutgoingPace } from "./budget.ts";
import type { Carrier, Violation } from "./carrier.ts";
import { Conduct } from "./conduct.ts";
import { chooseEvicted } from "./evict.ts";
import { Exchange, minuteOf } from "./exchange.ts";
import { journal } from "./journal.ts";
import { LeastRecentMap } from "./leastRecent.ts";
import {
  ANCHORS_MAX,
  ANSWER_PERCENT,
  BACKOFF_MS_MAX,
  BYE_LINGER_MS,
  CONDUCT_RECORDS_MAX,
  DUPLICATE_MS,
  DUPLICATE_MS_MAX,
  HEARTBEAT_MS,
  HEARTBEAT_MS_MIN,
  INBOUND_MAX,
  INBOUND_PER_ADDRESS_MAX,
  PEERS_FILE_PERIOD_MS,
  PENALTY_OVERSIZE,
  PENALTY_MALFORMED,
  PINGS_UNDER_WAY_MAX,
  SILENCE_MS_MAX,
  STATE_SAVE_PERIOD_MS,
  STOP_MS_MAX,
  TAU1_MS,
  TICK_MS,
  TICKS_PER_HEARTBEAT_MIN,
  UNREACHED_AFTER_MS,
} from "./limits.ts";
import { Outbound, type Dial, type Outcome } from "./outbound.ts";
import { writePeersFile, type ListedPeer } from "./peersFile.ts";
import { Serving } from "./serving.ts";
import { chooseKept, PeerSession, type Link, type Purpose } from "./session.ts";
import type { PeerEventCode, PeerSettings } from "./settings.ts";
import { readStateFile, writeStateFile, type Anchor, type StoredState } from "./stateFile.ts";

/** `outbound-only`: this node dials, nobody reaches it, as behind a NAT. */
export type Reachability = "unknown" | "inbound-seen" | "outbound-only";

export interface PeerStatus {
  readonly inbound: number;
  readonly outbound: number;
  readonly reachability: Reachability;
  readonly bans: number;
  readonly addresses: number;
  readonly verifiedAddresses: number;
}

const SECRET_SIZE = 32;
const MANIFEST_SOURCE = "manifest";
/** Outbound peers from which the silence of inbound ones says something. */
const OUTBOUND_FOR_VERDICT_MIN = 1;

export class PeerManager implements PeerNetwork {
  readonly peerId: PeerIdText;
  readonly nodeId: NodeId;

  readonly #settings: PeerSettings;
  readonly #sessions = new Map<PeerIdText, PeerSession>();
  /** Also of sessions that are leaving. */
  readonly #sessionOf = new Map<Connection, PeerSession>();
  readonly #leaving = new Set<PeerSession>();
  readonly #paces = new LeastRecentMap<OutgoingPace>(CONDUCT_RECORDS_MAX);
  readonly #farewells = new Set<Promise<void>>();
  #listener: PeerListener | undefined;
  #running: Running | undefined;
  #isStopping = false;
  #hasInboundSeen = false;
  #startedMs = 0;
  #requestId = 0n;
  #cancelTick: () => void = () => undefined;
  #nextSaveMs = 0;
  #nextPeersFileMs = 0;
  #saving: Promise<void> = Promise.resolve();

  constructor(settings: PeerSettings) {
    this.#settings = settings;
    this.peerId = formatPeerId(peerIdOf(settings.crypto, settings.publicKey));
    this.nodeId = nodeIdOf(settings.crypto, settings.publicKey);
  }

  get peers(): readonly PeerSession[] {
    return [...this.#sessions.values()];
  }

  /** Undefined before the start and for a node that does not listen. */
  get listening(): string | undefined {
    return this.#running?.listening;
  }

  get status(): PeerStatus {
    const outbound = this.peers.filter(({ isOutbound }) => isOutbound).length;
    return {
      inbound: this.#sessions.size - outbound,
      outbound,
      reachability: this.#reachability(outbound),
      bans: this.#running?.conduct.bans.length ?? 0,
      addresses: this.#running?.book.size ?? 0,
      verifiedAddresses: this.#running?.book.verifiedCount ?? 0,
    };
  }

  async start(listener: PeerListener, served: readonly Served<Peer>[]): Promise<void> {
    const { clock, listen, manifest, stateFile } = this.#settings;
    this.#listener = listener;
    const stored =
      stateFile === undefined
        ? undefined
        : await readStateFile(stateFile, (fault) =>
            this.#log("warn", "network-state-corrupt", { fault, file: stateFile }),
          );
    const running = this.#assemble(stored, served);
    this.#running = running;
    this.#startedMs = clock.nowMs();
    this.#nextSaveMs = this.#startedMs + STATE_SAVE_PERIOD_MS;
    this.#settings.journal(journal.networkStart(this.peerId, listen ?? "none", Math.max(0, manifest.length - 1)));
    if (listen !== undefined) {
      running.listening = await running.carrier.listen(listen);
      this.#settings.journal(journal.listening(running.listening, this.peerId));
    }
    this.#tick();
  }

  penalise(peer: PeerIdText, points: number, reason: string): void {
    this.#penalise(peer, points, reason, true);
  }

  praise(peer: PeerIdText, what: Usefulness): void {
    const session = this.#sessions.get(peer);
    if (session === undefined) return;
    const nowMs = this.#settings.clock.nowMs();
    session.lastObjectMs = nowMs;
    if (what !== "valid-proposal") return;
    session.lastProposalMs = nowMs;
    session.proposals++;
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined || this.#isStopping) return;
    this.#isStopping = true;
    this.#cancelTick();
    running.outbound.stop();
    const anchors = this.#anchors();
    for (const session of this.peers) this.#dismiss(session, BYE.normal, "shutdown", STOP_MS_MAX);
    await Promise.all(this.#farewells);
    await running.carrier.close();
    await this.#save(anchors);
    await this.#writePeersFile();
  }

  #assemble(stored: StoredState | undefined, served: readonly Served<Peer>[]): Running {
    const { settings, nodeId } = { settings: this.#settings, nodeId: this.nodeId };
    const { clock, chance, crypto, asnMap, allowPrivateAddresses } = settings;
    const secret = stored?.secret ?? (chance.bytes(SECRET_SIZE) as StoredState["secret"]);
    const book = new AddressBook(crypto, secret, asnMap, chance);
    for (const { sourceGroup, isVerified, lastSeenMinute, ...claim } of stored?.addresses ?? []) {
      book.restore(claim, sourceGroup, isVerified, lastSeenMinute);
    }
    book.prune(minuteOf(clock));
    const conduct = new Conduct(clock, stored?.bans ?? []);
    const startWindowOf = (node: NodeId) => settings.startWindowOf?.(node);
    const nextRequestId = () => this.#nextRequestId();
    const penalise = (session: PeerSession, points: number, reason: string, isInvalid: boolean) =>
      this.#penalise(session.peerId, points, reason, isInvalid);
    const ownEntry = () => this.#ownEntry();
    const exchange = new Exchange({
      clock,
      nodeId,
      book,
      allowPrivateAddresses,
      get ownEntry() {
        return ownEntry();
      },
      startWindowOf,
      nextRequestId,
      advertised: (node) => this.#running?.outbound.advertised(node),
      penalise,
    });
    const serving = new Serving({
      clock,
      log: settings.log,
      sessionOf: (connection) => this.#sessionOf.get(connection),
      isLeaving: (session) => this.#leaving.has(session),
      heard: (session) => this.#heard(session),
      countMessage: ({ peerId }) => conduct.countMessage(peerId),
      penalise,
      answerPeerList: (session, maxCount) => exchange.answer(session, maxCount),
      saidBye: (session, reason) => this.#saidBye(session, reason),
      dismiss: (session, reason, cause) => {
        this.#running?.outbound.hold(session, BACKOFF_MS_MAX);
        this.#dismiss(session, reason, cause);
      },
    });
    const carrier = settings.openCarrier({
      served: serving.wrap(served),
      admits: (remote) => this.#admits(remote),
      accepted: (connection) => this.#accept(connection),
      violated: (connection, violation) => this.#violated(connection, violation),
    });
    const peers = () => this.peers;
    const outbound = new Outbound(
      {
        clock,
        chance,
        book,
        self: { peerId: this.peerId, nodeId },
        keepManifestPeers: settings.keepManifestPeers ?? false,
        get sessions() {
          return peers();
        },
        isBanned: (peerId, node) =>
          (peerId !== undefined && conduct.isBanned(peerId)) || (node !== undefined && conduct.isNodeBanned(node)),
        isAddressAllowed: (address) => exchange.isAddressAllowed(address),
        startWindowOf,
        connect: (multiaddr, expected, signal) => carrier.dial(multiaddr, expected, signal),
        take: (connection, dial) => this.#take(connection, dial),
        dialing: ({ label, address, peerId }) => {
          if (peerId !== undefined) settings.journal(journal.dialing(label, formatMultiaddr(address), peerId));
        },
        dialFailed: ({ peerId }, error) => settings.journal(journal.dialFailed(peerId, messageOf(error))),
        release: (session, cause) => this.#dismiss(session, BYE.lookingForBetterPeers, cause),
        invalidManifestPeer: ({ label, peerId }) =>
          this.#log("warn", "manifest-peer-invalid", { label: label.slice(0, 64), peer: peerId.slice(0, 64) }),
      },
      settings.manifest,
      stored?.anchors ?? [],
    );
    return { secret, book, conduct, exchange, carrier, outbound, listening: undefined };
  }

  // --- connections come -------------------------------------------------------------------------------------------------

  #admits(remote: string): boolean {
    return !this.#isStopping && !this.#isHostRefused(remote);
  }

  #isHostRefused(remote: string): boolean {
    const address = parseMultiaddr(remote);
    const isOwnMachine = reachOf(address) === "loopback";
    return !isOwnMachine && this.#running!.conduct.isHostBanned(hostOf(address));
  }

  #accept(connection: Connection): void {
    const running = this.#running!;
    const nodeId = nodeIdOf(this.#settings.crypto, connection.publicKey);
    const refusal = this.#refusal(connection, nodeId);
    if (refusal !== undefined) return connection.close(refusal);
    const { allowPrivateAddresses } = this.#settings;
    if (allowPrivateAddresses || reachOf(parseMultiaddr(connection.remote)) === "public") this.#hasInboundSeen = true;
    const known = this.#sessions.get(connection.peerId);
    if (known === undefined && !this.#makeRoom(connection)) {
      this.#log("info", "inbound-full", { peer: connection.peerId });
      return connection.close("all places are taken");
    }
    const session = this.#introduce(connection, nodeId, undefined);
    if (known === undefined) void running.exchange.join(session);
  }

  #take(connection: Connection, dial: Dial): Outcome {
    const running = this.#running!;
    const nodeId = nodeIdOf(this.#settings.crypto, connection.publicKey);
    if (equalBytes(nodeId, this.nodeId)) {
      this.#log("info", "dialed-itself", { peer: this.peerId });
      connection.close("own key");
      return "self";
    }
    if (dial.nodeId !== undefined && !equalBytes(nodeId, dial.nodeId)) {
      connection.close("another node than expected");
      return "wrong-node";
    }
    const refusal = this.#refusal(connection, nodeId);
    if (refusal !== undefined) {
      connection.close(refusal);
      return "refused";
    }
    const startWindow = this.#settings.startWindowOf?.(nodeId) ?? running.book.get(nodeId)?.record.startWindow ?? 0n;
    const claim = { nodeId, address: dial.address, startWindow };
    if (running.exchange.isAddressAllowed(dial.address)) {
      running.book.verify(claim, MANIFEST_SOURCE, minuteOf(this.#settings.clock));
    }
    dial.backoff.notBeforeMs = 0;
    if (dial.purpose === "feeler") {
      dial.backoff.failures = 0;
      connection.close("feeler");
      return "taken";
    }
    const isKnown = this.#sessions.has(connection.peerId);
    const session = this.#introduce(connection, nodeId, dial.purpose);
    if (!isKnown) void running.exchange.join(session);
    return "taken";
  }

  #refusal({ peerId }: Connection, nodeId: NodeId): string | undefined {
    if (this.#isStopping) return "shutdown";
    if (equalBytes(nodeId, this.nodeId)) return "own key";
    const { conduct } = this.#running!;
    return conduct.isBanned(peerId) || conduct.isNodeBanned(nodeId) ? "banned" : undefined;
  }

  /** A place for one more inbound peer, if need be somebody else's. */
  #makeRoom({ peerId, remote }: Connection): boolean {
    const inbound = this.peers.filter(({ isOutbound }) => !isOutbound);
    const address = parseMultiaddr(remote);
    const isCrowded = inbound.filter((session) => hostOf(session.remote) === hostOf(address)).length;
    if (reachOf(address) === "public" && isCrowded >= INBOUND_PER_ADDRESS_MAX) return false;
    if (inbound.length < INBOUND_MAX) return true;
    const evicted = chooseEvicted(inbound);
    if (evicted === undefined) return false;
    this.#log("info", "peer-evicted", { peer: evicted.peerId, by: peerId });
    this.#dismiss(evicted, BYE.resourceLimits, "evicted");
    return true;
  }

  #introduce(connection: Connection, nodeId: NodeId, purpose: Purpose | undefined): PeerSession {
    const { clock } = this.#settings;
    const link: Link = { connection, purpose, sinceMs: clock.nowMs() };
    const { peerId, remote, isDialer } = connection;
    const known = this.#sessions.get(peerId);
    const session = known ?? new PeerSession(clock, nodeId, link, this.#paceOf(peerId), (self) => this.#heard(self));
    if (known !== undefined) this.#addLink(known, link);
    this.#sessionOf.set(connection, session);
    this.#sessions.set(peerId, session);
    this.#settings.journal(journal.established(peerId, this.#labelOf(peerId), remote, isDialer));
    void connection.closed.then((cause) => this.#linkEnded(session, link, cause));
    if (known === undefined) {
      this.#listener!.connected(session);
      this.#ping(session);
    }
    return session;
  }

  #paceOf(peerId: PeerIdText): OutgoingPace {
    return this.#paces.get(peerId, () => new OutgoingPace(this.#settings.clock.nowMs()));
  }

  /** At most two: of several by one dialer the oldest is what a restart has left behind. */
  #addLink(session: PeerSession, link: Link): void {
    session.duplicateSinceMs ??= link.sinceMs;
    const older = session.links.filter(({ connection }) => connection.isDialer === link.connection.isDialer);
    session.links.push(link);
    if (older.length > 1 || session.links.length > 2) older[0]?.connection.close("replaced by a newer connection");
  }

  /** Two connections have lived side by side long enough for both ends to see them. */
  #resolveDuplicate(session: PeerSession, nowMs: number): void {
    const { links, duplicateSinceMs, isLikeRc1 } = session;
    if (duplicateSinceMs === undefined) return;
    if (links.length < 2) {
      session.duplicateSinceMs = undefined;
      return;
    }
    const ageMs = nowMs - duplicateSinceMs;
    if (ageMs < DUPLICATE_MS || (isLikeRc1 === undefined && ageMs < DUPLICATE_MS_MAX)) return;
    session.duplicateSinceMs = undefined;
    // An rc.1 node forgets a peer when one of two connections ends: both have to go.
    const kept = isLikeRc1 === true ? undefined : chooseKept(this.nodeId, session);
    for (const { connection } of links.filter((link) => link !== kept)) connection.close("second connection");
  }

  // --- and go -----------------------------------------------------------------------------------------------------------

  #linkEnded(session: PeerSession, link: Link, cause: string): void {
    const { connection } = link;
    this.#sessionOf.delete(connection);
    session.links.splice(session.links.indexOf(link), 1);
    this.#settings.journal(journal.closed(session.peerId, this.#labelOf(session.peerId), cause));
    if (session.links.length > 0) return;
    session.ended();
    if (this.#leaving.delete(session)) return;
    this.#forget(session, link);
  }

  #forget(session: PeerSession, link: Link | undefined): void {
    if (this.#sessions.get(session.peerId) !== session) return;
    this.#sessions.delete(session.peerId);
    if (link !== undefined) this.#running!.outbound.lost(session, link);
    this.#listener!.disconnected(session);
  }

  /** Says Bye, waits a moment for the answer, closes. Nobody hears of the peer from now on. */
  #dismiss(session: PeerSession, reason: number, cause: string, withinMs = BYE_LINGER_MS): void {
    if (this.#leaving.has(session) || session.links.length === 0) return;
    this.#leaving.add(session);
    this.#forget(session, session.inUse);
    const payload = encodeBye({ reason });
    const request = encodeEnvelope({ msgType: MESSAGE.bye, requestId: this.#nextRequestId(), payload });
    const farewell = new Promise<void>((resolve) => {
      const cancel = this.#settings.clock.after(withinMs, resolve);
      void session
        .requestAtOnce(request, withinMs)
        .catch(() => undefined)
        .finally(() => {
          cancel();
          resolve();
        });
    }).then(() => session.close(cause));
    this.#farewells.add(farewell);
    void farewell.finally(() => this.#farewells.delete(farewell));
  }

  #saidBye(session: PeerSession, reason: number): void {
    const { clock } = this.#settings;
    const isUnwanted = reason === BYE.protocolViolation || reason === BYE.versionMismatch;
    const isFull = reason === BYE.resourceLimits || reason === BYE.lookingForBetterPeers;
    if (isUnwanted || isFull) this.#running!.outbound.hold(session, isUnwanted ? BACKOFF_MS_MAX : TAU1_MS);
    this.#leaving.add(session);
    this.#forget(session, session.inUse);
    clock.after(BYE_LINGER_MS, () => session.close(`bye ${reason}`));
  }

  // --- what time brings -------------------------------------------------------------------------------------------------

  #tick(): void {
    const { clock } = this.#settings;
    const running = this.#running!;
    const heartbeatMs = this.#heartbeatMs;
    const tickMs = Math.min(TICK_MS, heartbeatMs / TICKS_PER_HEARTBEAT_MIN);
    this.#cancelTick = clock.after(tickMs, () => this.#tick());
    const nowMs = clock.nowMs();
    for (const session of this.peers) {
      this.#resolveDuplicate(session, nowMs);
      if (nowMs - session.lastReplyMs >= SILENCE_MS_MAX) session.close("no reply for three minutes");
      // Timers are not exact: what is due within half a tick is due.
      else if (nowMs - session.lastPingSentMs > heartbeatMs - tickMs / 2) this.#ping(session);
      else if (nowMs - session.lastPingSentMs > (heartbeatMs * ANSWER_PERCENT) / 100 - tickMs / 2) this.#judge(session);
    }
    running.outbound.tick();
    void running.exchange.renew(this.peers, running.outbound.isHungry);
    if (nowMs >= this.#nextSaveMs) {
      this.#nextSaveMs = nowMs + STATE_SAVE_PERIOD_MS;
      running.book.prune(minuteOf(clock));
      void this.#save(this.#anchors());
    }
    if (nowMs >= this.#nextPeersFileMs) {
      this.#nextPeersFileMs = nowMs + PEERS_FILE_PERIOD_MS;
      void this.#writePeersFile();
    }
  }

  #ping(session: PeerSession): void {
    if (session.pingsUnderWay >= PINGS_UNDER_WAY_MAX) return;
    const { clock } = this.#settings;
    const requestId = this.#nextRequestId();
    const sentMs = clock.nowMs();
    session.lastPingSentMs = sentMs;
    session.pingsUnderWay++;
    void session
      .requestAtOnce(encodeEnvelope({ msgType: MESSAGE.ping, requestId, payload: new Uint8Array(0) }))
      .then((reply) => {
        if (decodeEnvelope(reply).msgType !== MESSAGE.pong) return;
        session.lastPongMs = clock.nowMs();
        session.pingMs = Math.min(session.pingMs, session.lastPongMs - sentMs);
        this.#settings.journal(journal.heartbeat(session.peerId, requestId));
      })
      // A peer that does not answer is judged by its silence.
      .catch(() => undefined)
      .finally(() => session.pingsUnderWay--);
  }

  /** Once a window where windows are short: who is to take part in each of them must be heard in each. */
  get #heartbeatMs(): number {
    const windowMs = 1000 * (this.#settings.windowSeconds?.() ?? Infinity);
    return Math.min(HEARTBEAT_MS, Math.max(HEARTBEAT_MS_MIN, windowMs));
  }

  #judge(session: PeerSession): void {
    if (session.isSilent || session.isHeardSince(session.lastPingSentMs)) return;
    session.isSilent = true;
    this.#settings.onSilence?.();
  }

  #heard(session: PeerSession): void {
    if (session.heard()) this.#settings.onSilence?.();
  }

  // --- judgement --------------------------------------------------------------------------------------------------------

  #violated(connection: Connection, violation: Violation): void {
    const points = violation === "request-too-large" ? PENALTY_OVERSIZE : PENALTY_MALFORMED;
    this.#penalise(connection.peerId, points, violation, true);
  }

  #penalise(peerId: PeerIdText, points: number, reason: string, isInvalid: boolean): void {
    const { conduct, outbound } = this.#running!;
    if (conduct.isBanned(peerId)) return;
    const sentence = conduct.penalise(peerId, points, reason, isInvalid);
    if (sentence === undefined) return;
    const session = this.#sessions.get(peerId);
    const host = session !== undefined && !session.isOutbound ? hostOf(session.remote) : undefined;
    conduct.ban(peerId, session?.nodeId, host, sentence);
    this.#log("warn", "peer-banned", { peer: peerId, reason, minutes: sentence.forMs / TAU1_MS });
    if (session !== undefined) {
      outbound.hold(session, sentence.forMs);
      this.#dismiss(session, BYE.protocolViolation, `banned: ${reason}`);
    }
    void this.#save(this.#anchors());
  }

  #reachability(outbound: number): Reachability {
    if (this.#hasInboundSeen) return "inbound-seen";
    const { clock, listen } = this.#settings;
    if (listen === undefined) return "outbound-only";
    const isTime = clock.nowMs() - this.#startedMs >= UNREACHED_AFTER_MS;
    return isTime && outbound >= OUTBOUND_FOR_VERDICT_MIN ? "outbound-only" : "unknown";
  }

  // --- what is kept -----------------------------------------------------------------------------------------------------

  #ownEntry(): PeerEntry | undefined {
    const { announce, startWindowOf } = this.#settings;
    const { listening, exchange } = this.#running!;
    const text = announce ?? listening;
    if (text === undefined) return undefined;
    const address = parseMultiaddr(text);
    if (!exchange.isAddressAllowed(address)) return undefined;
    return { ...address, nodeId: this.nodeId, startWindow: startWindowOf?.(this.nodeId) ?? 0n };
  }

  /** The outbound peers connected for longest. */
  #anchors(): readonly Anchor[] {
    const { book } = this.#running!;
    return this.peers
      .filter(({ isOutbound }) => isOutbound)
      .sort((a, b) => a.sinceMs - b.sinceMs)
      .slice(0, ANCHORS_MAX)
      .map(({ peerId, nodeId, remote }) => {
        const startWindow = book.get(nodeId)?.record.startWindow ?? 0n;
        return { peerId, nodeId, address: remote, startWindow };
      });
  }

  #save(anchors: readonly Anchor[]): Promise<void> {
    const { stateFile: file } = this.#settings;
    if (file === undefined) return Promise.resolve();
    const { secret, book, conduct } = this.#running!;
    const addresses = [...book.entries()].map(({ record, sourceGroup, isVerified }) => ({
      nodeId: record.nodeId,
      address: record,
      startWindow: record.startWindow,
      sourceGroup,
      isVerified,
      lastSeenMinute: record.lastSeenWindow,
    }));
    const state = { secret, anchors, bans: conduct.bans, addresses };
    this.#saving = this.#saving
      .then(() => writeStateFile(file, state))
      .catch((error: unknown) => this.#log("warn", "network-state-not-written", { file, reason: messageOf(error) }));
    return this.#saving;
  }

  async #writePeersFile(): Promise<void> {
    const { peersFile, clock } = this.#settings;
    if (peersFile === undefined) return;
    const { path, node } = peersFile;
    try {
      const status = await peersFile.status();
      if (status === undefined || this.#running === undefined) return;
      const peers = this.#listedPeers();
      await writePeersFile(path, { node, unixMs: clock.unixMs(), localPeerId: this.peerId, status, peers });
    } catch (error) {
      this.#log("warn", "peers-file-not-written", { file: path, reason: messageOf(error) });
    }
  }

  /** Who is connected, and of the manifest also who is not. */
  #listedPeers(): ListedPeer[] {
    const nowMs = this.#settings.clock.nowMs();
    const connected = this.peers.map(({ peerId, lastPongMs }) => ({
      peerId,
      label: this.#labelOf(peerId),
      isConnected: true,
      lastHeartbeatSecondsAgo: lastPongMs === undefined ? undefined : Math.floor((nowMs - lastPongMs) / 1000),
    }));
    const missing = this.#running!.outbound.manifestPeers.filter(({ peerId }) => !this.#sessions.has(peerId));
    const absent = missing.map(({ peerId, label }) => {
      return { peerId, label, isConnected: false, lastHeartbeatSecondsAgo: undefined };
    });
    return [...connected, ...absent];
  }

  #labelOf(peerId: PeerIdText): string {
    return this.#running!.outbound.labelOf(peerId);
  }

  #nextRequestId(): bigint {
    this.#requestId += 1n;
    return this.#requestId;
  }

  #log(level: "info" | "warn" | "error", code: PeerEventCode, params: Record<string, string | number>): void {
    this.#settings.log({ level, code, params });
  }
}

/** What exists from the start on. */
interface Running {
  readonly secret: StoredState["secret"];
  readonly book: AddressBook;
  readonly conduct: Conduct;
  readonly exchange: Exchange;
  readonly carrier: Carrier;
  readonly outbound: Outbound;
  listening: string | undefined;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
