/** Who is admitted: the queue of `per-window` (chapter 05 §4.9) and the draw of `selection` (§4.8). */
import { compareBytes, type Hash32 } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { SUITE_MLDSA65 } from "../identity/ids.ts";
import type { CandidateRecord } from "../state/records.ts";
import type { NodeTable } from "../state/table.ts";
import type { AccountLookup } from "../accounts/validate.ts";
import { hasExpired, isSelfKeyedOperator } from "./records.ts";
import { selectionSortKey } from "./sortKeys.ts";

export interface AdmissionTables {
  readonly nodes: Pick<NodeTable, "get">;
  readonly accounts: AccountLookup;
}

/**
 * First come, first served (PW-1): by registration window, then proof endpoint, then node id. `candidates` is the pool after
 * the window before, without expired records.
 */
export function orderQueue(candidates: Iterable<CandidateRecord>): CandidateRecord[] {
  return [...candidates].sort(compareInQueue);
}

/**
 * PW-3: may this record be admitted in `window`? `tables` are those after the user operations of that window. A record at its
 * turn that may not is dropped.
 */
export function isAdmissible(
  crypto: Crypto,
  candidate: CandidateRecord,
  tables: AdmissionTables,
  window: bigint,
): boolean {
  if (hasExpired(candidate, window) || candidate.suiteId !== SUITE_MLDSA65) return false;
  if (tables.nodes.get(candidate.nodeId) !== undefined) return false;
  const operator = tables.accounts.get(candidate.operatorAccountId);
  return operator === undefined ? isSelfKeyedOperator(crypto, candidate) : !operator.isNodeOperator;
}

export function isSelectionWindow(window: bigint, selectionInterval: bigint): boolean {
  return window !== 0n && window % selectionInterval === 0n;
}

/** How many candidates one selection event admits at most. */
export function selectionSlots(active: bigint, admissionDivisor: bigint): bigint {
  const slots = active / admissionDivisor;
  return slots > 1n ? slots : 1n;
}

/** All candidates in the order of the selection event of a window, whose T and aggregate(W−2) are given. */
export function rankCandidates(
  crypto: Crypto,
  candidates: Iterable<CandidateRecord>,
  timechainValue: Hash32,
  aggregate: Hash32,
): CandidateRecord[] {
  return Array.from(candidates, (candidate) => ({
    candidate,
    sortKey: selectionSortKey(crypto, timechainValue, aggregate, candidate.nodeId),
  }))
    .sort((a, b) => compareBytes(a.sortKey, b.sortKey))
    .map(({ candidate }) => candidate);
}

/** The candidates that a selection event admits, in the order of their ranks. */
export function selectCandidates(
  crypto: Crypto,
  candidates: Iterable<CandidateRecord>,
  timechainValue: Hash32,
  aggregate: Hash32,
  slots: bigint,
): CandidateRecord[] {
  const ranked = rankCandidates(crypto, candidates, timechainValue, aggregate);
  return slots < BigInt(ranked.length) ? ranked.slice(0, Number(slots)) : ranked;
}

function compareInQueue(a: CandidateRecord, b: CandidateRecord): number {
  if (a.registrationWindow !== b.registrationWindow) return a.registrationWindow < b.registrationWindow ? -1 : 1;
  return compareBytes(a.proofEndpoint, b.proofEndpoint) || compareBytes(a.nodeId, b.nodeId);
}
