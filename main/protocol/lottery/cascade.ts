/** Who may propose a window, and in which order (chapter 03 §4.13). */
import { byteKey, equalBytes, type NodeId } from "../bytes.ts";
import type { NodeTable } from "../state/table.ts";
import { inCandidateOrder, type Candidate } from "./winner.ts";

/** The bootstrap node alone proposes the windows before this one. */
const FIRST_LOOKBACK_WINDOW = 2n;

/** What L_W follows from; V is W − 2. */
export interface CascadeSources {
  /** Authors of the included reveals of V. */
  readonly revealed: readonly Candidate[];
  /** All nodes active in V with their computed tickets. */
  readonly active: readonly Candidate[];
  readonly bootstrapNodeId: NodeId;
  /** Node Table of S_(W − 1): who has left it is left out. */
  readonly nodes: Pick<NodeTable, "get">;
}

/** L_W, each node once: who revealed, then who was active, each in candidate order, then the bootstrap node. */
export function proposerCascade(window: bigint, sources: CascadeSources): NodeId[] {
  const { revealed, active, bootstrapNodeId, nodes } = sources;
  if (window < FIRST_LOOKBACK_WINDOW) return [bootstrapNodeId];
  const order = [...inCandidateOrder(revealed), ...inCandidateOrder(active)].map(({ nodeId }) => nodeId);
  const distinct = new Map([...order, bootstrapNodeId].map((nodeId) => [byteKey(nodeId), nodeId]));
  return [...distinct.values()].filter((nodeId) => nodes.get(nodeId) !== undefined);
}

/**
 * The proposer at `fallbackDepth` ≥ 1 of a cascade. The list wraps around, so that it cannot end on one silent node; an
 * empty one leaves the bootstrap node.
 */
export function proposerAt(
  window: bigint,
  cascade: readonly NodeId[],
  fallbackDepth: number,
  bootstrap: NodeId,
): NodeId {
  const entry = cascade.length === 0 ? fallbackDepth : ((fallbackDepth - 1) % cascade.length) + 1;
  return fallbackProposer(window, cascade, entry, bootstrap);
}

/**
 * The reference's helper: entry `fallbackDepth` of a sorted list, the bootstrap node beyond its end and in windows 0 and 1.
 * Depth 0, which no valid header has, behaves as 1.
 */
export function fallbackProposer(
  window: bigint,
  sortedCandidates: readonly NodeId[],
  fallbackDepth: number,
  bootstrap: NodeId,
): NodeId {
  if (window < FIRST_LOOKBACK_WINDOW) return bootstrap;
  return sortedCandidates[Math.max(fallbackDepth, 1) - 1] ?? bootstrap;
}

/**
 * Who let a window pass: the nodes before `fallbackDepth` of the decided header, except its actual proposer. Their reveals
 * of that window are not included.
 */
export function penalisedNodes(cascade: readonly NodeId[], fallbackDepth: number, proposer: NodeId): NodeId[] {
  return cascade.slice(0, fallbackDepth - 1).filter((nodeId) => !equalBytes(nodeId, proposer));
}
