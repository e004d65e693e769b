/**
 * Operations and registrations until they settle, findable by identifier (chapter 04 §4.11, §7 item 9; chapter 05 §7.1), and those
 * that a proposal needs whatever has become of them.
 */
import { byteKey, type AccountId, type Hash32, type NodeId } from "../../protocol/bytes.ts";
import type { GatheredOperation } from "../../protocol/accounts/bundleRules.ts";
import { Attestations, OperationSlots, type SlotVerdict } from "../../protocol/accounts/equivocation.ts";
import type { NodeRegistration } from "../../protocol/objects/nodeRegistration.ts";
import { TYPE_CHANGE_KEY } from "../../protocol/objects/operations.ts";
import { OPERATION_BYTES_MAX, REGISTRATION_COPIES_MAX, REGISTRATIONS_MAX } from "../limits.ts";

/** A signature made with the key before may still travel for this long after a change of key settled. */
const KEY_CHANGE_GRACE_WINDOWS = 2n;

export class OperationPool {
  readonly attestations = new Attestations();
  readonly #slots = new OperationSlots(OPERATION_BYTES_MAX);
  readonly #byHash = new Map<string, GatheredOperation>();
  readonly #pinned = new Map<string, { readonly held: GatheredOperation; readonly window: bigint }>();
  readonly #priorities = new Map<string, bigint>();
  readonly #keyChanges = new Map<string, bigint>();
  readonly #heldBack = new Set<string>();

  get(opHash: Hash32): GatheredOperation | undefined {
    const key = byteKey(opHash);
    return this.#byHash.get(key) ?? this.#pinned.get(key)?.held;
  }

  /** In the order in which they were first seen; only what may be attested. */
  gathered(): GatheredOperation[] {
    return [...this.#slots.slots()].flatMap(({ first }) => this.#byHash.get(byteKey(first.opHash)) ?? []);
  }

  offer(held: GatheredOperation, window: bigint, priority: bigint): SlotVerdict {
    this.#priorities.set(byteKey(held.operation.sender), priority);
    const before = this.#slots.bytes;
    const verdict = this.#slots.offer(held, window, (sender) => this.#priorities.get(byteKey(sender)) ?? 0n);
    if (verdict === "new" || verdict === "equivocation") this.#byHash.set(byteKey(held.opHash), held);
    if (this.#slots.bytes < before) this.#forgetRemoved();
    return verdict;
  }

  /** Keeps `held` for proposals up to window + 1, also where it has no slot. */
  pin(held: GatheredOperation, window: bigint): void {
    this.#pinned.set(byteKey(held.opHash), { held, window });
  }

  /** Drops a pinned copy whose signature nobody has verified; false where there is none. */
  unpin(opHash: Hash32): boolean {
    const key = byteKey(opHash);
    return this.#pinned.get(key)?.held.verifiedWith === undefined && this.#pinned.delete(key);
  }

  /** After a decided window: `settled` took effect. */
  close(settled: readonly Hash32[], window: bigint): void {
    for (const opHash of settled) {
      const operation = this.get(opHash)?.operation;
      if (operation === undefined) continue;
      this.#slots.settle(operation.sender, opHash);
      if (operation.type === TYPE_CHANGE_KEY) this.#keyChanges.set(byteKey(operation.sender), window);
    }
    for (const slot of this.#slots.expire(window)) {
      if (slot.second !== undefined) this.attestations.forget(slot);
    }
    for (const [key, pinned] of this.#pinned) if (pinned.window + 1n < window) this.#pinned.delete(key);
    for (const [key, changed] of this.#keyChanges) {
      if (changed + KEY_CHANGE_GRACE_WINDOWS < window) this.#keyChanges.delete(key);
    }
    this.#forgetRemoved();
  }

  /** Held because it is not valid yet; not to be relayed until it is. */
  holdBack(opHash: Hash32): void {
    this.#heldBack.add(byteKey(opHash));
  }

  /** False where it was not held back. */
  release(opHash: Hash32): boolean {
    return this.#heldBack.delete(byteKey(opHash));
  }

  heldBack(): GatheredOperation[] {
    return Array.from(this.#heldBack).flatMap((key) => this.#byHash.get(key) ?? []);
  }

  hasChangedKey(sender: AccountId): boolean {
    return this.#keyChanges.has(byteKey(sender));
  }

  #forgetRemoved(): void {
    this.#byHash.clear();
    const senders = new Set<string>();
    for (const slot of this.#slots.slots()) {
      senders.add(byteKey(slot.sender));
      for (const held of [slot.first, slot.second]) {
        if (held !== undefined) this.#byHash.set(byteKey(held.opHash), held);
      }
    }
    for (const key of this.#heldBack) if (!this.#byHash.has(key)) this.#heldBack.delete(key);
    for (const key of this.#priorities.keys()) if (!senders.has(key)) this.#priorities.delete(key);
  }
}

export interface HeldRegistration {
  readonly registration: NodeRegistration;
  readonly hash: Hash32;
  readonly nodeId: NodeId;
  /** Times that a copy with another signature replaced an earlier one. */
  readonly copies: number;
}

export class RegistrationPool {
  readonly #byNode = new Map<string, HeldRegistration>();
  readonly #pinned = new Map<string, { readonly held: HeldRegistration; readonly window: bigint }>();
  readonly #heldBack = new Set<string>();

  /** A pinned copy goes first: it is the one that a certified header commits to. */
  get(hash: Hash32): HeldRegistration | undefined {
    const key = byteKey(hash);
    const pinned = this.#pinned.get(key);
    if (pinned !== undefined) return pinned.held;
    for (const held of this.#byNode.values()) if (byteKey(held.hash) === key) return held;
    return undefined;
  }

  all(): HeldRegistration[] {
    return [...this.#byNode.values()];
  }

  /** One a node: the longer chain wins. The lowest chain leaves when the pool is full. */
  offer(held: HeldRegistration): "new" | "duplicate" | "surplus" {
    const key = byteKey(held.nodeId);
    const known = this.#byNode.get(key);
    if (known !== undefined && byteKey(known.hash) === byteKey(held.hash)) return "duplicate";
    if (known !== undefined && known.registration.vdfChainLength >= held.registration.vdfChainLength) return "surplus";
    this.#byNode.set(key, held);
    if (this.#byNode.size <= REGISTRATIONS_MAX) return "new";
    const lowest = this.all().reduce((a, b) => (b.registration.vdfChainLength < a.registration.vdfChainLength ? b : a));
    this.#byNode.delete(byteKey(lowest.nodeId));
    return lowest === held ? "surplus" : "new";
  }

  /**
   * A copy that differs in the signature alone: control_root commits to the bytes, so all nodes must come to hold the same
   * one. The smaller signature stays; after a few copies the last one does.
   */
  replaceCopy(known: HeldRegistration, copy: NodeRegistration): boolean {
    if (known.copies >= REGISTRATION_COPIES_MAX) return false;
    const replaced = { ...known, registration: copy, copies: known.copies + 1 };
    const key = byteKey(known.nodeId);
    if (this.#byNode.get(key) === known) this.#byNode.set(key, replaced);
    const pinned = this.#pinned.get(byteKey(known.hash));
    if (pinned !== undefined) this.#pinned.set(byteKey(known.hash), { ...pinned, held: replaced });
    return true;
  }

  pin(held: HeldRegistration, window: bigint): void {
    this.#pinned.set(byteKey(held.hash), { held, window });
  }

  /** As for operations. */
  holdBack(hash: Hash32): void {
    this.#heldBack.add(byteKey(hash));
  }

  release(hash: Hash32): boolean {
    return this.#heldBack.delete(byteKey(hash));
  }

  heldBack(): HeldRegistration[] {
    return this.all().filter(({ hash }) => this.#heldBack.has(byteKey(hash)));
  }

  /** Forgets what can no longer be registered, or is. */
  close(registered: ReadonlySet<string>, window: bigint, tau2Windows: bigint): void {
    for (const [key, { registration }] of this.#byNode) {
      if (registered.has(key) || window > registration.wStart + 2n * tau2Windows) this.#byNode.delete(key);
    }
    for (const [key, pinned] of this.#pinned) if (pinned.window + 1n < window) this.#pinned.delete(key);
    const kept = new Set(this.all().map(({ hash }) => byteKey(hash)));
    for (const key of this.#heldBack) if (!kept.has(key)) this.#heldBack.delete(key);
  }
}
