/**
 * What peers did wrong and who is banned for it (chapter 07 §5.3, §4.9): 100 points within τ₁ ban for 24 τ₁, more than half of
 * at least 20 messages invalid within a sliding τ₁ ban for τ₂. Outlives connections, since a reconnect must not clean a slate.
 */
import { byteKey, type NodeId } from "../../protocol/bytes.ts";
import type { PeerIdText } from "../ports.ts";
import type { Clock } from "./clock.ts";
import { LeastRecentMap } from "./leastRecent.ts";
import {
  BAN_BY_POINTS_MS,
  BANS_MAX,
  CONDUCT_RECORDS_MAX,
  OFFENDERS_PER_ADDRESS_MAX,
  PENALTY_POINTS_MAX,
  SHARE_MESSAGES_MIN,
  TAU1_MS,
  TAU2_MS,
} from "./limits.ts";

/** The sliding τ₁ advances in steps. */
const STEPS = 6;
const STEP_MS = TAU1_MS / STEPS;

export interface Ban {
  readonly peerId: PeerIdText;
  /** Unknown for a peer that was never connected to this process. */
  readonly nodeId: NodeId | undefined;
  readonly reason: string;
  /** Wall clock, since it outlives the process. */
  readonly untilUnixMs: number;
}

export type Sentence = Pick<Ban, "reason"> & { readonly forMs: number };

interface ConductRecord {
  pointsSinceMs: number;
  points: number;
  readonly messages: number[];
  readonly invalid: number[];
  step: number;
}

export class Conduct {
  readonly #clock: Clock;
  readonly #records = new LeastRecentMap<ConductRecord>(CONDUCT_RECORDS_MAX);
  readonly #bans = new Map<PeerIdText, Ban>();
  readonly #bannedNodes = new Map<string, PeerIdText>();
  /** Banned identities by source address, and until when the address itself is refused. */
  readonly #offenders = new LeastRecentMap<Set<PeerIdText>>(CONDUCT_RECORDS_MAX);

  constructor(clock: Clock, bans: readonly Ban[]) {
    this.#clock = clock;
    for (const ban of bans) this.#add(ban);
  }

  /** Those that still hold. */
  get bans(): readonly Ban[] {
    this.#dropEnded();
    return [...this.#bans.values()];
  }

  isBanned(peerId: PeerIdText): boolean {
    const ban = this.#bans.get(peerId);
    return ban !== undefined && ban.untilUnixMs > this.#clock.unixMs();
  }

  isNodeBanned(nodeId: NodeId): boolean {
    const peerId = this.#bannedNodes.size > 0 ? this.#bannedNodes.get(byteKey(nodeId)) : undefined;
    return peerId !== undefined && this.isBanned(peerId);
  }

  /** Several identities banned behind one address are taken for one offender. */
  isHostBanned(host: string): boolean {
    return this.#standingOffenders(host) >= OFFENDERS_PER_ADDRESS_MAX;
  }

  /** One message came, whatever it is worth. */
  countMessage(peerId: PeerIdText): void {
    const record = this.#touch(peerId);
    record.messages[0]!++;
  }

  /**
   * Counts `points` and, where `isInvalid`, one message among the invalid ones; says whether that is enough for a ban.
   */
  penalise(peerId: PeerIdText, points: number, reason: string, isInvalid: boolean): Sentence | undefined {
    const record = this.#touch(peerId);
    const nowMs = this.#clock.nowMs();
    if (nowMs - record.pointsSinceMs >= TAU1_MS) {
      record.pointsSinceMs = nowMs;
      record.points = 0;
    }
    record.points += points;
    if (isInvalid) record.invalid[0]!++;
    const invalid = sum(record.invalid);
    const messages = Math.max(sum(record.messages), invalid);
    if (messages >= SHARE_MESSAGES_MIN && 2 * invalid > messages) return { reason, forMs: TAU2_MS };
    return record.points >= PENALTY_POINTS_MAX ? { reason, forMs: BAN_BY_POINTS_MS } : undefined;
  }

  ban(peerId: PeerIdText, nodeId: NodeId | undefined, host: string | undefined, { reason, forMs }: Sentence): Ban {
    this.#dropEnded();
    this.#records.delete(peerId);
    const ban = { peerId, nodeId, reason, untilUnixMs: this.#clock.unixMs() + forMs };
    this.#add(ban);
    if (host !== undefined) this.#offenders.get(host, () => new Set()).add(peerId);
    return ban;
  }

  #add(ban: Ban): void {
    this.#bans.set(ban.peerId, ban);
    if (ban.nodeId !== undefined) this.#bannedNodes.set(byteKey(ban.nodeId), ban.peerId);
    while (this.#bans.size > BANS_MAX) this.#drop(this.#soonestEnd());
  }

  #drop({ peerId, nodeId }: Ban): void {
    this.#bans.delete(peerId);
    if (nodeId !== undefined) this.#bannedNodes.delete(byteKey(nodeId));
  }

  #standingOffenders(host: string): number {
    const offenders = this.#offenders.peek(host);
    if (offenders === undefined) return 0;
    for (const peerId of offenders) if (!this.isBanned(peerId)) offenders.delete(peerId);
    if (offenders.size === 0) this.#offenders.delete(host);
    return offenders.size;
  }

  #touch(peerId: PeerIdText): ConductRecord {
    const nowMs = this.#clock.nowMs();
    const step = Math.floor(nowMs / STEP_MS);
    const zeros = () => new Array<number>(STEPS).fill(0);
    const fresh = () => ({ pointsSinceMs: nowMs, points: 0, messages: zeros(), invalid: zeros(), step });
    const record = this.#records.get(peerId, fresh);
    for (let passed = Math.min(step - record.step, STEPS); passed > 0; passed--) {
      for (const counts of [record.messages, record.invalid]) {
        counts.unshift(0);
        counts.pop();
      }
    }
    record.step = step;
    return record;
  }

  #dropEnded(): void {
    const nowMs = this.#clock.unixMs();
    for (const ban of this.#bans.values()) if (ban.untilUnixMs <= nowMs) this.#drop(ban);
  }

  #soonestEnd(): Ban {
    let soonest: Ban | undefined;
    for (const ban of this.#bans.values())
      if (soonest === undefined || ban.untilUnixMs < soonest.untilUnixMs) soonest = ban;
    return soonest!;
  }
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
