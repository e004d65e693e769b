/** What a window's rules rest on: the Node Table before it, and what follows from that table (chapter 03 §6.2, §6.6). */
import { byteKey, type Hash32, type NodeId } from "../protocol/bytes.ts";
import type { Crypto } from "../protocol/crypto.ts";
import type { NetworkRules } from "../protocol/genesis/rules.ts";
import { drawTicket, entrantsOf, type Draw, type DrawnTicket } from "../protocol/lottery/draw.ts";
import { weightsAt, type Weights } from "../protocol/quorum/weights.ts";
import type { NodeRecord } from "../protocol/state/records.ts";
import { adaptEpoch, type EpochData } from "../protocol/transition/adaptEpoch.ts";

/** Immutable; made by the owner of the tables when window V opens. */
export interface WindowView {
  /** V. */
  readonly window: bigint;
  /** Node Table of S_{V−1}, ascending by id. */
  readonly nodes: readonly NodeRecord[];
  /** As proposal V−1 left it: not yet adapted to V. */
  readonly epoch: EpochData;
  /** cba(V−2). */
  readonly aggregate: Hash32;
}

export class WindowFacts {
  readonly window: bigint;
  readonly view: WindowView;
  readonly weights: Weights;
  /** Lottery target in force. */
  readonly target: bigint;
  /** Iterations from T_V to T_{V+1}. */
  readonly d: bigint;
  readonly #crypto: Crypto;
  readonly #rules: NetworkRules;
  readonly #nodes: ReadonlyMap<string, NodeRecord>;
  #tickets: ReadonlyMap<string, DrawnTicket> | undefined;

  /** Halts: `no-active-weight`, `next-d-overflow`. */
  constructor(crypto: Crypto, rules: NetworkRules, view: WindowView) {
    const adapted = adaptEpoch(rules, view.epoch, view.window);
    this.window = view.window;
    this.view = view;
    this.weights = weightsAt(view.nodes, view.window, rules);
    this.target = adapted.target;
    this.d = adapted.d;
    this.#crypto = crypto;
    this.#rules = rules;
    this.#nodes = new Map(view.nodes.map((node) => [byteKey(node.nodeId), node]));
  }

  get(nodeId: NodeId): NodeRecord | undefined {
    return this.#nodes.get(byteKey(nodeId));
  }

  /** The draw of this window, whose T is `timechainValue`. */
  draw(timechainValue: Hash32): Draw {
    return { window: this.window, timechainValue, aggregate: this.view.aggregate };
  }

  /** Everybody's ticket by node: of the nodes active in this window. There is one T of a window, so they are computed once. */
  tickets(timechainValue: Hash32): ReadonlyMap<string, DrawnTicket> {
    const draw = this.draw(timechainValue);
    this.#tickets ??= new Map(
      entrantsOf(this.view.nodes, this.window, this.#rules).map((entrant) => [
        byteKey(entrant.nodeId),
        drawTicket(this.#crypto, draw, entrant),
      ]),
    );
    return this.#tickets;
  }
}
