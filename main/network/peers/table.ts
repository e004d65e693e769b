/** The addresses that a node knows, which of them are proven, and which to prefer (chapter 07 §4.7). No clock, no chance. */
import { byteKey, compareBytes, type Bytes, type NodeId } from "../../protocol/bytes.ts";
import type { IpVersion } from "../messages/peerList.ts";

export const PEER_RECORDS_MAX = 8192;
/** Unverified records that nobody has seen for this many τ₁ are forgotten. */
const IDLE_TAU1_MAX = 8n;
const IPV4_START = 12;
const PREFIX_SIZE = 2;

export type PeerRole = "outbound" | "inbound" | "bootstrap" | "anchor";

export interface PeerRecord {
  readonly nodeId: NodeId;
  readonly ipVersion: IpVersion;
  /** IPv4 in the last four bytes. */
  readonly ip: Bytes<16>;
  readonly port: number;
  readonly startWindow: bigint;
  readonly lastSeenWindow: bigint;
  /** Undefined where no map of autonomous systems tells it. */
  readonly asn: number | undefined;
  /** Names the network of an IPv6 address; for IPv4 the address itself does. */
  readonly prefix16: Bytes<2>;
  readonly role: PeerRole;
}

export class PeerTable {
  readonly #records = new Map<string, PeerRecord>();
  readonly #verified = new Set<string>();

  get size(): number {
    return this.#records.size;
  }

  /** In the order of their coming. */
  get records(): IterableIterator<PeerRecord> {
    return this.#records.values();
  }

  get(nodeId: NodeId): PeerRecord | undefined {
    return this.#records.get(byteKey(nodeId));
  }

  isVerified(nodeId: NodeId): boolean {
    return this.#verified.has(byteKey(nodeId));
  }

  /** Of a known node only `lastSeenWindow` and `role` are taken, and only from a later sight. A full table evicts one. */
  insert(record: PeerRecord): void {
    const key = byteKey(record.nodeId);
    const known = this.#records.get(key);
    if (known === undefined) {
      if (this.#records.size >= PEER_RECORDS_MAX) this.#evict();
      this.#records.set(key, record);
    } else if (record.lastSeenWindow > known.lastSeenWindow) {
      this.#records.set(key, { ...known, lastSeenWindow: record.lastSeenWindow, role: record.role });
    }
  }

  /** The node has completed a handshake. Without effect, and false, for a node that the table does not hold. */
  markVerified(nodeId: NodeId): boolean {
    const key = byteKey(nodeId);
    if (!this.#records.has(key)) return false;
    this.#verified.add(key);
    return true;
  }

  remove(nodeId: NodeId): void {
    const key = byteKey(nodeId);
    this.#records.delete(key);
    this.#verified.delete(key);
  }

  /** Forgets unverified records last seen more than 8·`tau1Windows` windows ago, and gives their number. */
  prune(currentWindow: bigint, tau1Windows: bigint): number {
    const cutoff = currentWindow - IDLE_TAU1_MAX * tau1Windows;
    const before = this.#records.size;
    for (const [key, { lastSeenWindow }] of this.#records) {
      if (!this.#verified.has(key) && lastSeenWindow < cutoff) this.#records.delete(key);
    }
    return before - this.#records.size;
  }

  /**
   * Up to `countMax` records, verified before others, latest sight first, no two of one prefix, autonomous system or cohort.
   * A cohort is `cohortWindows` start windows long, one for 0.
   */
  select(countMax: number, cohortWindows: bigint): PeerRecord[] {
    const preferred = [...this.#records].sort(
      ([keyA, a], [keyB, b]) =>
        Number(this.#verified.has(keyB)) - Number(this.#verified.has(keyA)) ||
        compareBigint(b.lastSeenWindow, a.lastSeenWindow) ||
        compareBytes(a.nodeId, b.nodeId),
    );
    const cohortOf = ({ startWindow }: PeerRecord): bigint =>
      cohortWindows === 0n ? startWindow : startWindow / cohortWindows;
    const prefixes = new Set<number>();
    const systems = new Set<number>();
    const cohorts = new Set<bigint>();
    const selected: PeerRecord[] = [];
    for (const [, record] of preferred) {
      if (selected.length >= countMax) break;
      const prefix = prefixOf(record);
      const cohort = cohortOf(record);
      if (prefixes.has(prefix) || cohorts.has(cohort) || (record.asn !== undefined && systems.has(record.asn)))
        continue;
      prefixes.add(prefix);
      cohorts.add(cohort);
      if (record.asn !== undefined) systems.add(record.asn);
      selected.push(record);
    }
    return selected;
  }

  /** The one seen longest ago, unverified ones first, then the lowest node_id. */
  #evict(): void {
    let worst: PeerRecord | undefined;
    const isAnyUnverified = this.#verified.size < this.#records.size;
    for (const [key, record] of this.#records) {
      if (isAnyUnverified && this.#verified.has(key)) continue;
      if (worst === undefined || compareAge(record, worst) < 0) worst = record;
    }
    if (worst !== undefined) this.remove(worst.nodeId);
  }
}

export type DiversityFault = "duplicate-node-id" | "same-prefix16" | "same-asn";

/** The first record that repeats something of one before it. Cohorts are not compared. */
export function checkDiversity(records: readonly PeerRecord[]): DiversityFault | undefined {
  const nodes = new Set<string>();
  const prefixes = new Set<number>();
  const systems = new Set<number>();
  for (const record of records) {
    const key = byteKey(record.nodeId);
    const prefix = prefixOf(record);
    if (nodes.has(key)) return "duplicate-node-id";
    if (prefixes.has(prefix)) return "same-prefix16";
    if (record.asn !== undefined && systems.has(record.asn)) return "same-asn";
    nodes.add(key);
    prefixes.add(prefix);
    if (record.asn !== undefined) systems.add(record.asn);
  }
  return undefined;
}

/** The network that an address belongs to; IPv4 and IPv6 share one space. */
export function prefixOf({ ipVersion, ip, prefix16 }: PeerRecord): number {
  const [high, low] = ipVersion === 4 ? ip.subarray(IPV4_START, IPV4_START + PREFIX_SIZE) : prefix16;
  return high! * 256 + low!;
}

function compareAge(a: PeerRecord, b: PeerRecord): number {
  return compareBigint(a.lastSeenWindow, b.lastSeenWindow) || compareBytes(a.nodeId, b.nodeId);
}

function compareBigint(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}
