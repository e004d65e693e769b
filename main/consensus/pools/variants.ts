/** Bundles, or reveals, of the windows around the open one: what one node signed for one window (chapter 03 §6.2, §10). */
import { byteKey, type Hash32, type NodeId } from "../../protocol/bytes.ts";
import { VARIANTS_MAX } from "../limits.ts";

interface OfWindow {
  readonly nodeId: NodeId;
  readonly windowIndex: bigint;
}

export interface Held<T> {
  readonly object: T;
  readonly hash: Hash32;
}

/**
 * `first` counts; `second` is evidence that its author signed two; `surplus` was dropped, which only a wanted one never is.
 */
export type Placement = "first" | "second" | "duplicate" | "surplus";

export class VariantPool<T extends OfWindow> {
  readonly #windows = new Map<bigint, Map<string, Held<T>[]>>();
  readonly #byHash = new Map<string, Held<T>>();

  get(hash: Hash32): Held<T> | undefined {
    return this.#byHash.get(byteKey(hash));
  }

  /** Where `object` would go. */
  place(object: T, hash: Hash32, isWanted: boolean): Placement {
    if (this.#byHash.has(byteKey(hash))) return "duplicate";
    const count = this.#variantsOf(object.windowIndex, object.nodeId).length;
    if (count === 0) return "first";
    return count < VARIANTS_MAX || isWanted ? "second" : "surplus";
  }

  add(object: T, hash: Hash32): void {
    const held = { object, hash };
    const key = byteKey(object.nodeId);
    const nodes = this.#windows.get(object.windowIndex) ?? new Map<string, Held<T>[]>();
    this.#windows.set(object.windowIndex, nodes);
    nodes.set(key, [...(nodes.get(key) ?? []), held]);
    this.#byHash.set(byteKey(hash), held);
  }

  /** For own objects, which have no bounds to keep. */
  addOnce(object: T, hash: Hash32): void {
    if (this.get(hash) === undefined) this.add(object, hash);
  }

  /** The first seen of each node. */
  firstOf(window: bigint, nodeId: NodeId): Held<T> | undefined {
    return this.#variantsOf(window, nodeId)[0];
  }

  firsts(window: bigint): Held<T>[] {
    return Array.from(this.#windows.get(window)?.values() ?? [], (variants) => variants[0]!);
  }

  /** All variants of a window. */
  all(window: bigint): Held<T>[] {
    return [...(this.#windows.get(window)?.values() ?? [])].flat();
  }

  /** Removes what turned out not to be valid, now that its context is known. */
  retain(window: bigint, isValid: (object: T) => boolean): void {
    const nodes = this.#windows.get(window);
    if (nodes === undefined) return;
    for (const [key, variants] of nodes) {
      const valid = variants.filter(({ object }) => isValid(object));
      for (const held of variants) if (!valid.includes(held)) this.#byHash.delete(byteKey(held.hash));
      if (valid.length === 0) nodes.delete(key);
      else nodes.set(key, valid);
    }
  }

  forgetBefore(window: bigint): void {
    for (const known of this.#windows.keys()) {
      if (known >= window) continue;
      for (const { hash } of this.all(known)) this.#byHash.delete(byteKey(hash));
      this.#windows.delete(known);
    }
  }

  #variantsOf(window: bigint, nodeId: NodeId): readonly Held<T>[] {
    return this.#windows.get(window)?.get(byteKey(nodeId)) ?? [];
  }
}
