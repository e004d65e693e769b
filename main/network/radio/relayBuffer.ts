/** What a relay does with envelopes, and those that it keeps (chapter 07 §4.16). */
import { byteKey, type Hash32 } from "../../protocol/bytes.ts";
import { isAcceptable, SEALED_ENVELOPE_OVERHEAD, type SealedEnvelope } from "./sealedEnvelope.ts";

/** Envelopes of one sender between two calls of {@link RelayBuffer.resetQuotas}. */
export const ENVELOPES_PER_SENDER_MAX = 256;
export const BUFFER_BYTES_MAX = 2 ** 30;
/** Senders that are counted, and entries of the lists of revocations and of favoured senders. */
export const SENDERS_MAX = 65_536;

export type RelayFault =
  | "invalid-structure"
  | "invalid-signature"
  | "sender-quota-exceeded"
  | "forwarding-revoked"
  | "decrypt-failure"
  | "total-quota-exceeded";

export type RelayOutcome =
  | { readonly verdict: "delivered"; readonly plaintext: Uint8Array }
  | { readonly verdict: "buffered" }
  | { readonly verdict: "rejected"; readonly fault: RelayFault };

/** What the caller has found out about an envelope. */
export interface Arrival {
  /** The digest that names the sender. */
  readonly sender: Hash32;
  readonly isSignatureValid: boolean;
  /** The recipient is this node. */
  readonly isForThisNode: boolean;
  /** Undefined where it could not be opened. */
  readonly plaintext: Uint8Array | undefined;
  readonly currentWindow: bigint;
}

export class RelayBuffer {
  readonly #tau1Windows: bigint;
  readonly #queues = new Map<string, SealedEnvelope[]>();
  readonly #counts = new Map<string, number>();
  readonly #revokedUntil = new Map<string, bigint>();
  readonly #favoured = new Set<string>();
  #bytes: number;

  /** `tau1Windows` is 60 on the live network. `otherBytes` are kept elsewhere and count towards the same cap. */
  constructor(tau1Windows: bigint, otherBytes = 0) {
    this.#tau1Windows = tau1Windows;
    this.#bytes = otherBytes;
  }

  get totalBytes(): number {
    return this.#bytes;
  }

  /** What waits, by recipient, in ascending order of the hints. */
  get queues(): { readonly recipientHint: Hash32; readonly envelopes: readonly SealedEnvelope[] }[] {
    return [...this.#queues]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, envelopes]) => ({ recipientHint: envelopes[0]!.recipientHint, envelopes }));
  }

  /** Checks of §4.16 in their order. A delivered envelope is not kept; equal ones are kept twice. */
  apply(envelope: SealedEnvelope, arrival: Arrival): RelayOutcome {
    const { sender, isSignatureValid, isForThisNode, plaintext, currentWindow } = arrival;
    const recipient = byteKey(envelope.recipientHint);
    if (!isAcceptable(envelope, currentWindow, this.#tau1Windows)) return rejected("invalid-structure");
    if (!isSignatureValid) return rejected("invalid-signature");
    if (!this.#count(sender)) return rejected("sender-quota-exceeded");
    const revokedUntil = this.#revokedUntil.get(recipient);
    if (revokedUntil !== undefined && currentWindow <= revokedUntil) return rejected("forwarding-revoked");
    if (isForThisNode) {
      return plaintext === undefined ? rejected("decrypt-failure") : { verdict: "delivered", plaintext };
    }
    const size = sizeOf(envelope);
    if (this.#bytes + size > BUFFER_BYTES_MAX) {
      if (!this.#favoured.has(byteKey(sender))) return rejected("total-quota-exceeded");
      this.#dropLowestQueue();
    }
    const queue = this.#queues.get(recipient) ?? [];
    queue.push(envelope);
    this.#queues.set(recipient, queue);
    this.#bytes += size;
    return { verdict: "buffered" };
  }

  /** Takes out what waits for a recipient. */
  collect(recipientHint: Hash32): readonly SealedEnvelope[] {
    return this.#drop(byteKey(recipientHint));
  }

  /** Removes what has expired; nothing else does. The owner calls it every 5 s. */
  prune(currentWindow: bigint): void {
    for (const [recipient, envelopes] of this.#queues) {
      const kept = envelopes.filter(({ ttlWindow }) => BigInt(ttlWindow) >= currentWindow);
      if (kept.length === envelopes.length) continue;
      this.#drop(recipient);
      if (kept.length === 0) continue;
      this.#queues.set(recipient, kept);
      for (const envelope of kept) this.#bytes += sizeOf(envelope);
    }
    for (const [recipient, until] of this.#revokedUntil) {
      if (until < currentWindow) this.#revokedUntil.delete(recipient);
    }
  }

  /** Begins a new τ₁ for every sender. */
  resetQuotas(): void {
    this.#counts.clear();
  }

  /** Nothing for this recipient is taken up to and including `untilWindow`. False: the list is full. */
  revoke(recipientHint: Hash32, untilWindow: bigint): boolean {
    const key = byteKey(recipientHint);
    if (!this.#revokedUntil.has(key) && this.#revokedUntil.size >= SENDERS_MAX) return false;
    this.#revokedUntil.set(key, untilWindow);
    return true;
  }

  /** Makes room for envelopes of this sender when the buffer is full. False: the list is full. */
  favour(sender: Hash32): boolean {
    if (this.#favoured.size >= SENDERS_MAX) return false;
    this.#favoured.add(byteKey(sender));
    return true;
  }

  /** False above the quota; a sender that cannot be counted any more is above it. */
  #count(sender: Hash32): boolean {
    const key = byteKey(sender);
    const count = (this.#counts.get(key) ?? 0) + 1;
    if (count > ENVELOPES_PER_SENDER_MAX || (count === 1 && this.#counts.size >= SENDERS_MAX)) return false;
    this.#counts.set(key, count);
    return true;
  }

  #dropLowestQueue(): void {
    let lowest: string | undefined;
    for (const recipient of this.#queues.keys()) {
      if (lowest === undefined || recipient < lowest) lowest = recipient;
    }
    if (lowest !== undefined) this.#drop(lowest);
  }

  #drop(recipient: string): readonly SealedEnvelope[] {
    const envelopes = this.#queues.get(recipient) ?? [];
    this.#queues.delete(recipient);
    for (const envelope of envelopes) this.#bytes -= sizeOf(envelope);
    return envelopes;
  }
}

function sizeOf({ ciphertext }: SealedEnvelope): number {
  return SEALED_ENVELOPE_OVERHEAD + ciphertext.length;
}

function rejected(fault: RelayFault): RelayOutcome {
  return { verdict: "rejected", fault };
}
