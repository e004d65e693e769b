/** w_W and A_W: what each node's word counts in a window (chapter 03 §4.14). */
import { byteKey, type NodeId } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import type { NetworkRules } from "../genesis/rules.ts";
import { isActive } from "../state/lifecycle.ts";
import type { NodeRecord } from "../state/records.ts";
import { isCemented, type QuorumParams } from "./quorum.ts";

/** The weights of one window: chain lengths of its active nodes, 0 for everybody else. */
export class Weights {
  readonly #params: QuorumParams;
  readonly #weights: ReadonlyMap<string, bigint>;
  /** A_W. */
  readonly total: bigint;

  /** Halts with `ProtocolError("no-active-weight")` where nobody weighs anything: then everything would be cemented. */
  constructor(params: QuorumParams, active: Iterable<Pick<NodeRecord, "nodeId" | "chainLength">>) {
    this.#params = params;
    this.#weights = new Map(Array.from(active, ({ nodeId, chainLength }) => [byteKey(nodeId), chainLength]));
    this.total = sum(this.#weights.values());
    if (this.total === 0n) throw new ProtocolError("no-active-weight");
  }

  of(nodeId: NodeId): bigint {
    return this.#weights.get(byteKey(nodeId)) ?? 0n;
  }

  /** Weight of `nodeIds`, taken as a set. */
  sumOf(nodeIds: Iterable<NodeId>): bigint {
    return sum(Array.from(new Set(Array.from(nodeIds, byteKey)), (key) => this.#weights.get(key) ?? 0n));
  }

  isQuorum(weight: bigint): boolean {
    return isCemented(this.#params, weight, this.total);
  }
}

/** Weights for everything that concerns `window`, from the Node Table of S_(window − 1). Halts: `no-active-weight`. */
export function weightsAt(nodes: Iterable<NodeRecord>, window: bigint, rules: NetworkRules): Weights {
  return new Weights(
    rules.params,
    [...nodes].filter((node) => isActive(node, window, rules)),
  );
}

function sum(values: Iterable<bigint>): bigint {
  let total = 0n;
  for (const value of values) total += value;
  return total;
}
