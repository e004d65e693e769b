/** Step 1 (chapter 05 §4.6): the NodeRegistrations of the control set enter the Candidate Pool. */
import { compareBytes, type Hash32, type NodeId } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { registrationBarrier } from "../entry/barrier.ts";
import { candidateFromRegistration } from "../entry/records.ts";
import { registrationSortKey } from "../entry/sortKeys.ts";
import { admissibleAtApply, CandidateOperators, type RegistrationFailure } from "../entry/validateRegistration.ts";
import type { NetworkRules } from "../genesis/rules.ts";
import { nodeIdOf } from "../identity/ids.ts";
import type { NodeRegistration } from "../objects/nodeRegistration.ts";
import type { StateDraft } from "../state/table.ts";

export interface RefusedRegistration {
  readonly nodeId: NodeId;
  readonly failure: RegistrationFailure;
}

export interface ControlSetOutcome {
  /** Ascending by registration sort key, as are the refused ones. */
  readonly registered: readonly NodeId[];
  readonly refused: readonly RefusedRegistration[];
}

/** What the window gives to its registrations. */
export interface ControlSetContext {
  readonly window: bigint;
  /** T_W. */
  readonly timechainValue: Hash32;
  /** cba(W−2). */
  readonly aggregate: Hash32;
  /** Pool size before this step. */
  readonly pending: bigint;
  /** Counted on S_{W−1}. */
  readonly activeNodes: bigint;
}

/**
 * `registrations` are in control-set order. In the order of their sort keys each is tested against the pool as it has grown so far: a refused one is
 * skipped and does not raise the pressure for the next (decision E18).
 */
export function applyControlSet(
  crypto: Crypto,
  rules: NetworkRules,
  draft: StateDraft,
  registrations: readonly NodeRegistration[],
  context: ControlSetContext,
): ControlSetOutcome {
  const { window, pending, activeNodes } = context;
  const candidateOperators = new CandidateOperators(draft.candidates.rows());
  const tables = { accounts: draft.accounts, nodes: draft.nodes, candidates: draft.candidates, candidateOperators };
  const registered: NodeId[] = [];
  const refused: RefusedRegistration[] = [];
  for (const registration of inSortKeyOrder(crypto, registrations, context)) {
    const nodeId = nodeIdOf(crypto, registration.nodePubkey);
    const required = registrationBarrier(rules, pending + BigInt(registered.length), activeNodes);
    const failure =
      admissibleAtApply(crypto, registration, tables, rules, window) ??
      (registration.vdfChainLength < required ? "vdf-chain-too-short" : undefined);
    if (failure !== undefined) {
      refused.push({ nodeId, failure });
      continue;
    }
    draft.candidates.put(candidateFromRegistration(crypto, registration, window, rules.params));
    candidateOperators.add(registration.operatorAccountId);
    registered.push(nodeId);
  }
  return { registered, refused };
}

/** Stable: registrations with one node key have one sort key, and keep the order in which the control set lists them. */
function inSortKeyOrder(
  crypto: Crypto,
  registrations: readonly NodeRegistration[],
  { timechainValue, aggregate }: ControlSetContext,
): NodeRegistration[] {
  return registrations
    .map((registration) => ({
      registration,
      sortKey: registrationSortKey(crypto, timechainValue, aggregate, registration.nodePubkey),
    }))
    .sort((a, b) => compareBytes(a.sortKey, b.sortKey))
    .map(({ registration }) => registration);
}
