/**
 * The addresses that this node knows, in buckets (chapter 07 §4.8): 96 × 64 heard of, 32 × 64 proven by a handshake. Who tells
 * addresses fills the few buckets that a secret gives to the source's and the address's network, and no others.
 */
import { byteKey, concatBytes, type NodeId } from "../../protocol/bytes.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { groupBytes, groupOf, isSameAddress, reachOf, type Address } from "./address.ts";
import type { AsnMap } from "./asnMap.ts";
import { Backoff } from "./backoff.ts";
import { sample, type Chance } from "./clock.ts";
import {
  BUCKET_SIZE,
  DRAWS_MAX,
  NEW_BUCKETS,
  NEW_FAILURES_MAX,
  PRUNE_T,
  VERIFIED_BUCKETS,
  VERIFIED_FAILURES_MAX,
} from "./limits.ts";
import { PeerTable, type PeerRecord } from "./table.ts";

/** Where a node is said to be. */
export interface Claim {
  readonly nodeId: NodeId;
  readonly address: Address;
  readonly startWindow: bigint;
}

/** A record and what the book keeps beside it. */
export interface Entry {
  readonly record: PeerRecord;
  readonly group: string;
  /** The network of who told it. */
  readonly sourceGroup: string;
  readonly isVerified: boolean;
  readonly isPublic: boolean;
  readonly backoff: Backoff;
}

interface Place {
  readonly nodeId: NodeId;
  readonly group: string;
  readonly sourceGroup: string;
  readonly isPublic: boolean;
  readonly isInVerified: boolean;
  readonly bucket: string[];
  readonly backoff: Backoff;
}

export class AddressBook {
  readonly #crypto: Crypto;
  readonly #secret: Uint8Array;
  readonly #asnMap: AsnMap;
  readonly #chance: Chance;
  readonly #table = new PeerTable();
  readonly #places = new Map<string, Place>();
  readonly #new = buckets(NEW_BUCKETS);
  readonly #verified = buckets(VERIFIED_BUCKETS);

  /** `secret`: 32 random bytes that this node keeps for itself. */
  constructor(crypto: Crypto, secret: Uint8Array, asnMap: AsnMap, chance: Chance) {
    this.#crypto = crypto;
    this.#secret = secret;
    this.#asnMap = asnMap;
    this.#chance = chance;
  }

  get size(): number {
    return this.#table.size;
  }

  asnOf(address: Address): number | undefined {
    return this.#asnMap.asnOf(address);
  }

  get verifiedCount(): number {
    return this.#verified.reduce((sum, bucket) => sum + bucket.length, 0);
  }

  *entries(): IterableIterator<Entry> {
    for (const key of this.#places.keys()) yield this.#entryAt(key);
  }

  get(nodeId: NodeId): Entry | undefined {
    const key = byteKey(nodeId);
    return this.#places.has(key) ? this.#entryAt(key) : undefined;
  }

  /**
   * Takes an address that somebody told, as new. The address of a known node changes only when the node itself says so, or
   * when nothing proves the one that is known. `seenMinute` counts τ₁ of the wall clock.
   */
  learn(claim: Claim, sourceGroup: string, isFromItself: boolean, seenMinute: bigint): void {
    const known = this.get(claim.nodeId);
    if (known !== undefined && isSameAddress(known.record, claim.address)) {
      this.#table.insert({ ...known.record, lastSeenWindow: seenMinute });
      return;
    }
    if (known !== undefined) {
      const isDoubtful = !known.isVerified && known.backoff.failures > 0;
      if (!isFromItself && !isDoubtful) return;
      this.remove(claim.nodeId);
    }
    this.#place(claim, sourceGroup, this.#new, new Backoff(), seenMinute);
  }

  /** A handshake at this address has proven the node. */
  verify(claim: Claim, sourceGroup: string, seenMinute: bigint): void {
    const known = this.get(claim.nodeId);
    const backoff = known?.backoff ?? new Backoff();
    const isThere = known?.isVerified === true && isSameAddress(known.record, claim.address);
    if (isThere) {
      this.#table.insert({ ...known.record, lastSeenWindow: seenMinute });
      return;
    }
    this.remove(claim.nodeId);
    this.#place(claim, known?.sourceGroup ?? sourceGroup, this.#verified, backoff, seenMinute);
  }

  /** An attempt failed: an unproven address is forgotten after three, a proven one is unproven again after ten. */
  fail(nodeId: NodeId, nowMs: number): void {
    const known = this.get(nodeId);
    if (known === undefined) return;
    known.backoff.failed(nowMs, this.#chance);
    const { failures } = known.backoff;
    if (!known.isVerified && failures >= NEW_FAILURES_MAX) this.remove(nodeId);
    if (known.isVerified && failures >= VERIFIED_FAILURES_MAX) this.#demote(known);
  }

  remove(nodeId: NodeId): void {
    const key = byteKey(nodeId);
    const place = this.#places.get(key);
    if (place === undefined) return;
    place.bucket.splice(place.bucket.indexOf(key), 1);
    this.#places.delete(key);
    this.#table.remove(nodeId);
  }

  /** Forgets what nobody has mentioned for eight hours and nothing has proven. */
  prune(currentMinute: bigint): void {
    if (this.#table.prune(currentMinute, PRUNE_T) === 0) return;
    const left = new Set([...this.#table.records].map(({ nodeId }) => byteKey(nodeId)));
    for (const [key, { bucket }] of this.#places) {
      if (left.has(key)) continue;
      bucket.splice(bucket.indexOf(key), 1);
      this.#places.delete(key);
    }
  }

  /** An address to connect to: one coin for the table, then a bucket, then an entry; `fits` may refuse up to 500 draws. */
  draw(fits: (entry: Entry) => boolean): Entry | undefined {
    return this.#drawFrom([this.#new, this.#verified], fits);
  }

  /** An address that nobody has proven, for a feeler. */
  drawNew(fits: (entry: Entry) => boolean): Entry | undefined {
    return this.#drawFrom([this.#new], fits);
  }

  /** Up to `count` proven addresses, each equally likely. */
  sampleVerified(count: number): PeerRecord[] {
    return sample(this.#chance, this.#verified.flat(), count).map((key) => this.#entryAt(key).record);
  }

  /** Puts back what {@link entries} gave before a restart. */
  restore(claim: Claim, sourceGroup: string, isVerified: boolean, seenMinute: bigint): void {
    if (this.#table.get(claim.nodeId) !== undefined) return;
    this.#place(claim, sourceGroup, isVerified ? this.#verified : this.#new, new Backoff(), seenMinute);
  }

  #place(claim: Claim, sourceGroup: string, table: string[][], backoff: Backoff, seenMinute: bigint): void {
    const { nodeId, address, startWindow } = claim;
    const group = groupOf(address);
    const bucket = this.#bucketOf(table, sourceGroup, group);
    if (bucket.length >= BUCKET_SIZE) this.#makeRoom(bucket);
    const { ipVersion, ip, port } = address;
    const asn = this.#asnMap.asnOf(address);
    const prefix16 = ip.slice(0, 2) as PeerRecord["prefix16"];
    const role = "outbound";
    this.#table.insert({ nodeId, ipVersion, ip, port, startWindow, lastSeenWindow: seenMinute, asn, prefix16, role });
    const isInVerified = table === this.#verified;
    if (isInVerified) this.#table.markVerified(nodeId);
    bucket.push(byteKey(nodeId));
    const isPublic = reachOf(address) === "public";
    this.#places.set(byteKey(nodeId), { nodeId, group, sourceGroup, isPublic, isInVerified, bucket, backoff });
  }

  /** The one with the most failures goes, among equals the one seen longest ago. */
  #makeRoom(bucket: readonly string[]): void {
    let worst: Entry | undefined;
    for (const key of bucket) {
      const entry = this.#entryAt(key);
      if (worst === undefined || compareWorth(entry, worst) < 0) worst = entry;
    }
    if (worst !== undefined) this.remove(worst.record.nodeId);
  }

  #demote({ record, sourceGroup }: Entry): void {
    this.remove(record.nodeId);
    const claim = { nodeId: record.nodeId, address: record, startWindow: record.startWindow };
    this.#place(claim, sourceGroup, this.#new, new Backoff(), record.lastSeenWindow);
  }

  #bucketOf(table: string[][], sourceGroup: string, group: string): string[] {
    const digest = this.#crypto.sha256(concatBytes(this.#secret, groupBytes(sourceGroup), groupBytes(group)));
    const number = new DataView(digest.buffer, digest.byteOffset, 4).getUint32(0);
    return table[number % table.length]!;
  }

  #drawFrom(tables: readonly string[][][], fits: (entry: Entry) => boolean): Entry | undefined {
    const pick = <T>(items: readonly T[]): T => items[this.#chance.below(items.length)]!;
    const filled = tables.map((table) => table.filter(({ length }) => length > 0)).filter(({ length }) => length > 0);
    for (let draws = 0; filled.length > 0 && draws < DRAWS_MAX; draws++) {
      const entry = this.#entryAt(pick(pick(pick(filled))));
      if (fits(entry)) return entry;
    }
    return undefined;
  }

  #entryAt(key: string): Entry {
    const { nodeId, isInVerified, group, sourceGroup, isPublic, backoff } = this.#places.get(key)!;
    return { record: this.#table.get(nodeId)!, group, sourceGroup, isPublic, isVerified: isInVerified, backoff };
  }
}

const buckets = (count: number): string[][] => Array.from({ length: count }, () => []);

function compareWorth(a: Entry, b: Entry): number {
  const failures = b.backoff.failures - a.backoff.failures;
  if (failures !== 0) return failures;
  return a.record.lastSeenWindow < b.record.lastSeenWindow ? -1 : 1;
}
