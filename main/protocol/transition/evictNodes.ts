/** τ₂ task 3 (chapter 05 §4.11): nodes that have been silent for more than 8 τ₂ leave the Node Table. */
import { byteKey, type NodeId } from "../bytes.ts";
import type { NetworkRules } from "../genesis/rules.ts";
import { isEvictable } from "../state/lifecycle.ts";
import type { StateDraft } from "../state/table.ts";

/** Gives the removed ids, ascending. An operator that no other node names is no operator any more (decision E19). */
export function evictNodes(draft: StateDraft, window: bigint, rules: NetworkRules): NodeId[] {
  const evicted = [...draft.nodes.rows()].filter((node) => isEvictable(node, window, rules));
  for (const { nodeId } of evicted) draft.nodes.remove(nodeId);
  if (evicted.length === 0) return [];
  const stillOperating = new Set(Array.from(draft.nodes.rows(), (node) => byteKey(node.operatorAccountId)));
  for (const { operatorAccountId } of evicted) {
    const operator = draft.accounts.get(operatorAccountId);
    if (operator === undefined || stillOperating.has(byteKey(operatorAccountId))) continue;
    draft.accounts.put({ ...operator, isNodeOperator: false });
  }
  return evicted.map(({ nodeId }) => nodeId);
}
