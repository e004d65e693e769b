/** The last few decided windows and the open one, and who may propose it (chapter 03 §4.13, §6.2). */
import { byteKey, type Hash32, type NodeId } from "../protocol/bytes.ts";
import type { Crypto } from "../protocol/crypto.ts";
import { invariant } from "../protocol/errors.ts";
import type { NetworkRules } from "../protocol/genesis/rules.ts";
import { nodeIdOf } from "../protocol/identity/ids.ts";
import { penalisedNodes, proposerAt, proposerCascade } from "../protocol/lottery/cascade.ts";
import type { ProposalBody, ProposalHeader } from "../protocol/objects/consensus.ts";
import { WindowFacts, type WindowView } from "./facts.ts";

export interface DecidedProposal {
  readonly header: ProposalHeader;
  readonly hash: Hash32;
  readonly body: ProposalBody;
}

/** L_W rests on the draw of W − 2, whose own penalties rest on L_{W−1}, hence on W − 3. */
export const LOOKBACK_WINDOWS = 3n;

export class Chain {
  readonly bootstrap: NodeId;
  readonly #crypto: Crypto;
  readonly #rules: NetworkRules;
  readonly #facts = new Map<bigint, WindowFacts>();
  readonly #decided = new Map<bigint, DecidedProposal>();
  readonly #cascades = new Map<bigint, readonly NodeId[]>();
  #window = -1n;

  constructor(crypto: Crypto, rules: NetworkRules) {
    this.#crypto = crypto;
    this.#rules = rules;
    this.bootstrap = nodeIdOf(crypto, rules.params.bootstrapNodePubkey);
  }

  /** W, the next window to decide. */
  get window(): bigint {
    return this.#window;
  }

  /** Of the open window. */
  get facts(): WindowFacts {
    const facts = this.#facts.get(this.#window);
    invariant(facts !== undefined, "a window is open");
    return facts;
  }

  /** Of the window before, undefined in window 0. */
  get previous(): DecidedProposal | undefined {
    return this.#decided.get(this.#window - 1n);
  }

  /** L_W. */
  get cascade(): readonly NodeId[] {
    return this.#cascades.get(this.#window) ?? [];
  }

  factsOf(window: bigint): WindowFacts | undefined {
    return this.#facts.get(window);
  }

  /** Opens a window over S_{W−1}; all but the first one given follow a decided one. Halts as {@link WindowFacts} does. */
  open(view: WindowView): void {
    this.#facts.set(view.window, new WindowFacts(this.#crypto, this.#rules, view));
    this.#window = view.window;
    const oldest = view.window - LOOKBACK_WINDOWS;
    for (const kept of [this.#facts, this.#decided, this.#cascades]) {
      for (const window of kept.keys()) if (window < oldest) kept.delete(window);
    }
    this.#cascades.set(view.window, this.#computeCascade(view.window));
  }

  decide(decided: DecidedProposal): void {
    this.#decided.set(decided.header.windowIndex, decided);
  }

  /** Who may propose the open window at `depth` ≥ 1. */
  proposerAt(depth: number): NodeId {
    return proposerAt(this.#window, this.cascade, depth, this.bootstrap);
  }

  /** Keys of the nodes whose reveals of the window before are not included. */
  penalised(): ReadonlySet<string> {
    const previous = this.previous;
    if (previous === undefined) return new Set();
    const { fallbackDepth, proposerNodeId } = previous.header;
    const cascade = this.#cascades.get(this.#window - 1n) ?? [];
    return new Set(penalisedNodes(cascade, fallbackDepth, proposerNodeId).map(byteKey));
  }

  /** Iterations from T_`window` to the next value; undefined where they depend on a window that is not decided (§4.4). */
  iterationsAfter(window: bigint): bigint | undefined {
    const { tau2Windows } = this.#rules.params;
    if (window === this.#window - 1n) return this.facts.view.epoch.d;
    return window / tau2Windows === this.#window / tau2Windows ? this.facts.d : undefined;
  }

  #computeCascade(window: bigint): NodeId[] {
    const nodes = this.facts;
    const drawn = this.#facts.get(window - 2n);
    const decided = this.#decided.get(window - 2n);
    const including = this.#decided.get(window - 1n);
    if (drawn === undefined || decided === undefined || including === undefined) {
      return proposerCascade(0n, { revealed: [], active: [], bootstrapNodeId: this.bootstrap, nodes });
    }
    const tickets = drawn.tickets(decided.header.timechainValue);
    const revealed = including.body.reveals.flatMap(({ nodeId }) => tickets.get(byteKey(nodeId)) ?? []);
    const active = [...tickets.values()];
    return proposerCascade(window, { revealed, active, bootstrapNodeId: this.bootstrap, nodes });
  }
}
