/**
 * The operations that a node holds until they settle, by slot (chapter 04 §4.11, limits of §7.9). A slot is the place behind
 * one frontier of one account: (sender, prev_hash). Two different operations for one slot are an equivocation of the key's
 * owner; both are kept, so that whichever the network cements is at hand. All of this is policy: it never overrides a
 * cemented set.
 */
import { byteKey, concatBytes, equalBytes, type AccountId, type Hash32 } from "../bytes.ts";
import { operation as operationClass, type Operation } from "../objects/operations.ts";

/** Windows that a slot stays open without a quorum. */
const SLOT_TIMEOUT_WINDOWS = 13n;
const SLOTS_PER_SENDER_MAX = 2;
/** Once full, this part of the limit is freed at once: ranking all slots costs far more than dropping some. */
const EVICTED_PART = 10;

export interface HeldOperation {
  readonly operation: Operation;
  readonly opHash: Hash32;
}

export interface Slot {
  readonly sender: AccountId;
  readonly prevHash: Hash32;
  /** The one seen first: the only one that this node may attest. */
  readonly first: HeldOperation;
  /** A different one, if there is: the slot is equivocated. */
  readonly second: HeldOperation | undefined;
  /** Window in which the slot was opened or, once equivocated, that of the detection. */
  readonly since: bigint;
}

/**
 * `new`: relay it, it may be attested. `equivocation`: relay it once, do not attest it. `duplicate`: known. `surplus`: a third
 * operation in a slot or a third slot of a sender; dropped without consequence.
 */
export type SlotVerdict = "new" | "equivocation" | "duplicate" | "surplus";

export class OperationSlots {
  readonly #bytesMax: number;
  readonly #bySender = new Map<string, Slot[]>();
  #bytes = 0;

  /** `bytesMax` bounds the encoded operations held; 10⁸ is the least that a node should offer. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Encoded bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  slotOf({ sender, prevHash }: Pick<Operation, "sender" | "prevHash">): Slot | undefined {
    return this.#slotsOf(sender).find((slot) => equalBytes(slot.prevHash, prevHash));
  }

  *slots(): Iterable<Slot> {
    for (const slots of this.#bySender.values()) yield* slots;
  }

  /**
   * Takes in an operation that decoded and whose signature is valid. `priorityOf` ranks senders when the limit is passed: the
   * lowest lose their slots.
   */
  offer(held: HeldOperation, window: bigint, priorityOf: (sender: AccountId) => bigint): SlotVerdict {
    const { operation, opHash } = held;
    const { sender, prevHash } = operation;
    const slot = this.slotOf(operation);
    if (slot === undefined) {
      const slots = this.#slotsOf(sender);
      if (slots.length >= SLOTS_PER_SENDER_MAX) return "surplus";
      this.#put(sender, [...slots, { sender, prevHash, first: held, second: undefined, since: window }]);
    } else {
      const isKnown = [slot.first, slot.second].some(
        (known) => known !== undefined && equalBytes(known.opHash, opHash),
      );
      if (isKnown) return "duplicate";
      if (slot.second !== undefined) return "surplus";
      this.#replace(slot, { ...slot, second: held, since: window });
    }
    this.#bytes += sizeOf(held);
    if (this.#bytes > this.#bytesMax) this.#evict(priorityOf);
    return slot === undefined ? "new" : "equivocation";
  }

  /** An operation of `sender` settled: only a slot behind the new frontier still has a future. */
  settle(sender: AccountId, frontier: Hash32): void {
    for (const slot of this.#slotsOf(sender)) if (!equalBytes(slot.prevHash, frontier)) this.#remove(slot);
  }

  /** Forgets and gives the slots in which nothing reached a quorum for 13 windows; their owners may use them anew. */
  expire(window: bigint): Slot[] {
    const expired = [...this.slots()].filter((slot) => window >= slot.since + SLOT_TIMEOUT_WINDOWS);
    for (const slot of expired) this.#remove(slot);
    return expired;
  }

  #evict(priorityOf: (sender: AccountId) => bigint): void {
    const ranked = Array.from(this.slots(), (slot) => ({ slot, priority: priorityOf(slot.sender) }));
    ranked.sort((a, b) => (a.priority < b.priority ? -1 : a.priority > b.priority ? 1 : 0));
    const target = this.#bytesMax - this.#bytesMax / EVICTED_PART;
    for (const { slot } of ranked) {
      if (this.#bytes <= target) return;
      this.#remove(slot);
    }
  }

  #slotsOf(sender: AccountId): readonly Slot[] {
    return this.#bySender.get(byteKey(sender)) ?? [];
  }

  #put(sender: AccountId, slots: Slot[]): void {
    if (slots.length === 0) this.#bySender.delete(byteKey(sender));
    else this.#bySender.set(byteKey(sender), slots);
  }

  #replace(slot: Slot, by: Slot): void {
    this.#put(
      slot.sender,
      this.#slotsOf(slot.sender).map((each) => (each === slot ? by : each)),
    );
  }

  #remove(slot: Slot): void {
    this.#put(
      slot.sender,
      this.#slotsOf(slot.sender).filter((each) => each !== slot),
    );
    this.#bytes -= sizeOf(slot.first) + (slot.second === undefined ? 0 : sizeOf(slot.second));
  }
}

/** What a node attested, by slot: for 13 windows it attests nothing else there (chapter 03 §5.6). */
export class Attestations {
  readonly #bySlot = new Map<string, { readonly opHash: Hash32; readonly window: bigint }>();

  /** Remembers the operations of the bundle of `window` and forgets what is too old to bind. */
  record(listed: Iterable<HeldOperation>, window: bigint): void {
    for (const [key, attested] of this.#bySlot) if (!isBinding(attested.window, window)) this.#bySlot.delete(key);
    for (const { operation, opHash } of listed) this.#bySlot.set(slotKey(operation), { opHash, window });
  }

  /** What the node is bound to in the slot of `operation`, at `window`. */
  in(operation: Pick<Operation, "sender" | "prevHash">, window: bigint): Hash32 | undefined {
    const attested = this.#bySlot.get(slotKey(operation));
    return attested !== undefined && isBinding(attested.window, window) ? attested.opHash : undefined;
  }

  /** After an equivocation timed out: the owner must be able to go on (decision E15). */
  forget(slot: Pick<Slot, "sender" | "prevHash">): void {
    this.#bySlot.delete(slotKey(slot));
  }
}

function isBinding(attestedIn: bigint, window: bigint): boolean {
  return window <= attestedIn + SLOT_TIMEOUT_WINDOWS;
}

function slotKey({ sender, prevHash }: Pick<Operation, "sender" | "prevHash">): string {
  return byteKey(concatBytes(sender, prevHash));
}

function sizeOf({ operation }: HeldOperation): number {
  return operationClass.encode(operation).length;
}
