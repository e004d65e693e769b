/** Step 3a (chapter 05 §4.7): candidates whose time has run out leave the pool. */
import type { NodeId } from "../bytes.ts";
import type { CandidateRecord } from "../state/records.ts";
import type { StateDraft } from "../state/table.ts";

export function hasExpired(candidate: CandidateRecord, window: bigint): boolean {
  return candidate.expires <= window;
}

/** Gives the removed ids, ascending. */
export function expireCandidates(draft: StateDraft, window: bigint): NodeId[] {
  const expired = [...draft.candidates.rows()].filter((candidate) => hasExpired(candidate, window));
  for (const { nodeId } of expired) draft.candidates.remove(nodeId);
  return expired.map(({ nodeId }) => nodeId);
}
