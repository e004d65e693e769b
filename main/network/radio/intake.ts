/** Takes radio frames in and puts fragments together (chapter 07 §4.15, library intake). */
import { byteKey, concatBytes, type Hash32 } from "../../protocol/bytes.ts";
import { isFragmentFrame, type FragmentFrame } from "./fragmentFrame.ts";

export interface IntakeLimits {
  /** Frames of one sender between two calls of {@link MeshIntake.resetRates}. */
  readonly framesPerSender: number;
  readonly noncesPerSender: number;
}

export const INTAKE_LIMITS: IntakeLimits = { framesPerSender: 8, noncesPerSender: 64 };
/**
 * Senders that are known at one time; frames of another one are refused until the owner forgets some. With 64 nonces each
 * they keep the table of nonces below the 4 MB of §2.3; every message half put together has used a nonce up, too.
 */
export const SENDERS_MAX = 512;
export type IntakeFault = "invalid-structure" | "nonce-replay" | "low-memory" | "rate-limit";

/** `message`: the fragment completed it. */
export type IntakeOutcome =
  { readonly fault: IntakeFault } | { readonly fault?: undefined; readonly message: Uint8Array | undefined };

interface Assembly {
  readonly totalFragments: number;
  readonly payloads: Map<number, Uint8Array>;
}

interface Sender {
  frames: number;
  readonly nonces: Set<string>;
  /** By recipient. */
  readonly assemblies: Map<string, Assembly>;
}

export class MeshIntake {
  readonly #limits: IntakeLimits;
  readonly #senders = new Map<string, Sender>();

  constructor(limits: IntakeLimits = INTAKE_LIMITS) {
    this.#limits = limits;
  }

  nonceCount(sender: Hash32): number {
    return this.#senders.get(byteKey(sender))?.nonces.size ?? 0;
  }

  /**
   * `sender` is the digest that names the sender, `nonce` must be new with every frame of it. What is refused before the
   * rate is counted costs the sender nothing; a refused frame never uses its nonce up.
   */
  take(frame: FragmentFrame, sender: Hash32, nonce: Hash32): IntakeOutcome {
    if (!isFragmentFrame(frame)) return { fault: "invalid-structure" };
    const from = this.#sender(sender);
    const nonceKey = byteKey(nonce);
    if (from?.nonces.has(nonceKey) === true) return { fault: "nonce-replay" };
    if (from === undefined || from.nonces.size >= this.#limits.noncesPerSender) return { fault: "low-memory" };
    from.frames++;
    if (from.frames > this.#limits.framesPerSender) return { fault: "rate-limit" };

    const recipient = byteKey(frame.recipientHint);
    const assembly = from.assemblies.get(recipient) ?? newAssembly(frame);
    if (assembly.totalFragments !== frame.totalFragments) return { fault: "invalid-structure" };
    assembly.payloads.set(frame.fragmentIndex, frame.payload);
    from.nonces.add(nonceKey);
    from.assemblies.set(recipient, assembly);
    if (assembly.payloads.size < assembly.totalFragments) return { message: undefined };
    from.assemblies.delete(recipient);
    const parts = Array.from({ length: assembly.totalFragments }, (_, index) => assembly.payloads.get(index)!);
    return { message: concatBytes(...parts) };
  }

  /** Begins a new rate window for every sender. */
  resetRates(): void {
    for (const sender of this.#senders.values()) sender.frames = 0;
  }

  /** Forgets what is half put together: the owner calls it for a sender that was silent for τ₁. */
  dropAssemblies(sender: Hash32): void {
    this.#senders.get(byteKey(sender))?.assemblies.clear();
  }

  /** Forgets everything of a sender, its nonces too: the owner calls it 7·τ₁ after its last frame, not before. */
  forget(sender: Hash32): void {
    this.#senders.delete(byteKey(sender));
  }

  #sender(sender: Hash32): Sender | undefined {
    const key = byteKey(sender);
    const known = this.#senders.get(key);
    if (known !== undefined || this.#senders.size >= SENDERS_MAX) return known;
    const added: Sender = { frames: 0, nonces: new Set(), assemblies: new Map() };
    this.#senders.set(key, added);
    return added;
  }
}

function newAssembly({ totalFragments }: FragmentFrame): Assembly {
  return { totalFragments, payloads: new Map() };
}
