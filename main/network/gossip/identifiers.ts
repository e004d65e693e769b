/** Identifiers whose objects were found good, and the peers that have them. */
import { IDENTIFIER_WINDOWS, IDENTIFIERS_MAX } from "./limits.ts";

export interface Known {
  readonly window: bigint;
  /** Who sent it or got it. */
  readonly peers: Set<string>;
  /** This node has told the others about it. */
  isTold: boolean;
}

export class Identifiers {
  /** Oldest first. */
  readonly #known = new Map<string, Known>();

  get size(): number {
    return this.#known.size;
  }

  get(id: string): Known | undefined {
    return this.#known.get(id);
  }

  /** Remembers it from `window` on. */
  add(id: string, window: bigint): Known {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const added: Known = { window, peers: new Set(), isTold: false };
    this.#known.set(id, added);
    if (this.#known.size > IDENTIFIERS_MAX) this.#known.delete(this.#known.keys().next().value!);
    return added;
  }

  /** What is old enough when `window` is open. */
  forgetAt(window: bigint): void {
    for (const [id, known] of this.#known) {
      if (known.window + IDENTIFIER_WINDOWS >= window) return;
      this.#known.delete(id);
    }
  }

  forgetPeer(peer: string): void {
    for (const { peers } of this.#known.values()) peers.delete(peer);
  }
}
