/** Step 3a (chapter 05 §4.7): candidates whose time has run out leave the pool. */
import type { NodeId } from "../bytes.ts";
import { hasExpired } from "../entry/records.ts";
import type { StateDraft } from "../state/table.ts";

/** Gives the removed ids, ascending. */
export function expireCandidates(draft: StateDraft, window: bigint): NodeId[] {
  const expired = [...draft.candidates.rows()].filter((candidate) => hasExpired(candidate, window));
  for (const { nodeId } of expired) draft.candidates.remove(nodeId);
  return expired.map(({ nodeId }) => nodeId);
}
