/** Step 3b (chapter 05 §4.8, §4.9): candidates become nodes. */
import type { Hash32, NodeId } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { isAdmissible, isSelectionWindow, orderQueue, selectCandidates, selectionSlots } from "../entry/queue.ts";
import { hasExpired, nodeFromCandidate, operatorAccountFromCandidate } from "../entry/records.ts";
import type { NetworkRules } from "../genesis/rules.ts";
import type { CandidateRecord, NodeRecord } from "../state/records.ts";
import type { CandidatePool, StateDraft } from "../state/table.ts";

export interface AdmissionOutcome {
  /** In order of admission: at most one in `per-window`, up to the number of slots in `selection`. */
  readonly admitted: readonly NodeRecord[];
  /** Not admissible at their turn (PW-4, PW-8), in queue order. */
  readonly dropped: readonly NodeId[];
}

const NOBODY: AdmissionOutcome = { admitted: [], dropped: [] };

/**
 * PW-1 to PW-4: walks the queue, which is the pool as it stood after the window before (`settled`), so that a candidate is
 * never admitted in its window of registration; the first admissible one is admitted.
 */
export function admitHeadOfQueue(
  crypto: Crypto,
  settled: CandidatePool,
  draft: StateDraft,
  window: bigint,
): AdmissionOutcome {
  if (window === 0n) return NOBODY;
  const waiting = [...settled.rows()].filter((candidate) => !hasExpired(candidate, window));
  const dropped: NodeId[] = [];
  for (const candidate of orderQueue(waiting)) {
    draft.candidates.remove(candidate.nodeId);
    if (isAdmissible(crypto, candidate, draft, window)) {
      return { admitted: [admit(draft, candidate, window, "create-operator-account")], dropped };
    }
    dropped.push(candidate.nodeId);
  }
  return { admitted: [], dropped };
}

/** The reference's draw every `selectionInterval` windows: the lowest selection keys of the pool as it stands now. */
export function admitSelected(
  crypto: Crypto,
  rules: NetworkRules,
  draft: StateDraft,
  window: bigint,
  timechainValue: Hash32,
  aggregate: Hash32,
  activeNodes: bigint,
): AdmissionOutcome {
  if (!isSelectionWindow(window, rules.params.selectionInterval)) return NOBODY;
  const slots = selectionSlots(activeNodes, rules.params.admissionDivisor);
  const selected = selectCandidates(crypto, draft.candidates.rows(), timechainValue, aggregate, slots);
  const admitted = selected.map((candidate) => {
    draft.candidates.remove(candidate.nodeId);
    return admit(draft, candidate, window, "leave-missing-account");
  });
  return { admitted, dropped: [] };
}

function admit(
  draft: StateDraft,
  candidate: CandidateRecord,
  window: bigint,
  whenMissing: "create-operator-account" | "leave-missing-account",
): NodeRecord {
  const node = nodeFromCandidate(candidate, window);
  draft.nodes.put(node);
  const operator = draft.accounts.get(candidate.operatorAccountId);
  if (operator !== undefined) {
    draft.accounts.put({ ...operator, isNodeOperator: true });
  } else if (whenMissing === "create-operator-account") {
    draft.accounts.put(operatorAccountFromCandidate(candidate, window));
  }
  return node;
}
