/**
 * Which objects a quorum's bundles of a window confirm, as bundles come in: a person sees a payment confirmed before the next
 * window settles it (chapter 04 §4.12). For showing only; the machine decides by what a proposal names.
 */
import type { WindowView } from "../../consensus/facts.ts";
import { byteKey, type Hash32 } from "../../protocol/bytes.ts";
import type { NetworkRules } from "../../protocol/genesis/rules.ts";
import type { BundledConfirmation } from "../../protocol/objects/consensus.ts";
import { weightsAt, type Weights } from "../../protocol/quorum/weights.ts";

/** Bundles of the window after the open one wait for its weights. */
const AHEAD_MAX = 4096;

export class Confirmations {
  readonly #rules: NetworkRules;
  #window = -1n;
  #weights: Weights | undefined;
  #counted = new Set<string>();
  #listed = new Map<string, bigint>();
  #confirmed = new Set<string>();
  #ahead: BundledConfirmation[] = [];

  constructor(rules: NetworkRules) {
    this.#rules = rules;
  }

  /** A window opens; gives what bundles that came before it confirm. */
  open({ window, nodes }: WindowView): Hash32[] {
    this.#window = window;
    this.#weights = weightsAt(nodes, window, this.#rules);
    this.#counted = new Set();
    this.#listed = new Map();
    this.#confirmed = new Set();
    const waiting = this.#ahead;
    this.#ahead = [];
    return waiting.flatMap((bundle) => this.add(bundle));
  }

  /** A bundle that the machine took; gives what it confirms that was not confirmed before. */
  add(bundle: BundledConfirmation): Hash32[] {
    const { nodeId, windowIndex, opHashes } = bundle;
    if (windowIndex === this.#window + 1n && this.#ahead.length < AHEAD_MAX) this.#ahead.push(bundle);
    const weights = this.#weights;
    // The first of a node counts.
    if (windowIndex !== this.#window || weights === undefined || this.#counted.has(byteKey(nodeId))) return [];
    this.#counted.add(byteKey(nodeId));
    return opHashes.filter((hash) => {
      const key = byteKey(hash);
      const weight = (this.#listed.get(key) ?? 0n) + weights.of(nodeId);
      this.#listed.set(key, weight);
      if (this.#confirmed.has(key) || !weights.isQuorum(weight)) return false;
      this.#confirmed.add(key);
      return true;
    });
  }
}
