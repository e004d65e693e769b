/** May a registration enter the pool? (chapter 05 §5.1, §5.2; R1 and R2 are the codec's, R9 the barrier's, R10 local policy) */
import { byteKey, type AccountId, type NodeId } from "../bytes.ts";
import type { AccountLookup, ValidationOptions } from "../accounts/validate.ts";
import type { Crypto } from "../crypto.ts";
import type { NetworkRules } from "../genesis/rules.ts";
import { nodeIdOf, SUITE_MLDSA65 } from "../identity/ids.ts";
import { nodeRegistration, type NodeRegistration } from "../objects/nodeRegistration.ts";
import type { CandidateRecord } from "../state/records.ts";
import type { CandidatePool, NodeTable } from "../state/table.ts";
import { isSelfKeyedOperator } from "./records.ts";

/** All reasons why a registration does not enter the pool; the last one is the barrier's (R9), which the transition tests. */
export type RegistrationFailure = ValidationFailure | "vdf-chain-too-short";

export type ValidationFailure = "unsupported-suite" | "invalid-signature" | AdmissibilityFailure;

/** Failures that depend on the tables or on the window, which may have changed when a registration is applied. */
export type AdmissibilityFailure =
  | "node-id-already-in-node-table"
  | "node-id-already-in-candidate-pool"
  | "operator-account-not-found"
  | "operator-account-already-node"
  | "operator-account-already-candidate"
  | "w-start-out-of-range";

export interface RegistrationTables {
  readonly nodes: Pick<NodeTable, "get">;
  readonly candidates: Pick<CandidatePool, "get" | "rows">;
  readonly accounts: AccountLookup;
  /** Where many registrations are tested against one pool: asked by R7c instead of walking the pool for each. */
  readonly candidateOperators?: Pick<CandidateOperators, "has">;
}

/** The operator accounts that records of the pool name. Whoever inserts a record while it is in use adds its operator. */
export class CandidateOperators {
  readonly #operators = new Set<string>();

  constructor(pool: Iterable<CandidateRecord>) {
    for (const candidate of pool) this.add(candidate.operatorAccountId);
  }

  has(operator: AccountId): boolean {
    return this.#operators.has(byteKey(operator));
  }

  add(operator: AccountId): void {
    this.#operators.add(byteKey(operator));
  }
}

/**
 * R3 to R7b and, in `per-window`, R7c and R8: the first failure, or undefined. `tables` are the settled state before `wP`, the
 * window whose transition would apply the registration.
 */
export function validateRegistration(
  crypto: Crypto,
  registration: NodeRegistration,
  tables: RegistrationTables,
  rules: NetworkRules,
  wP: bigint,
  options: ValidationOptions = {},
): ValidationFailure | undefined {
  if (registration.suiteId !== SUITE_MLDSA65) return "unsupported-suite";
  if (options.signature !== "assume-valid") {
    const isSigned = nodeRegistration.verify(crypto, registration.nodePubkey, registration);
    if (!isSigned) return "invalid-signature";
  }
  return checkAdmissibility(crypto, registration, tables, rules, wP);
}

/**
 * §4.6: what the transition of `wP` tests again in sorted order, on the pool as it has grown so far: R5 to R8 in `per-window`,
 * nothing in `selection`. Gives the failure for which the registration is skipped, or undefined.
 */
export function admissibleAtApply(
  crypto: Crypto,
  registration: NodeRegistration,
  tables: RegistrationTables,
  rules: NetworkRules,
  wP: bigint,
): AdmissibilityFailure | undefined {
  if (rules.admission === "selection") return undefined;
  return checkAdmissibility(crypto, registration, tables, rules, wP);
}

function checkAdmissibility(
  crypto: Crypto,
  registration: NodeRegistration,
  tables: RegistrationTables,
  rules: NetworkRules,
  wP: bigint,
): AdmissibilityFailure | undefined {
  const isPerWindow = rules.admission === "per-window";
  const nodeId: NodeId = nodeIdOf(crypto, registration.nodePubkey);
  if (tables.nodes.get(nodeId) !== undefined) return "node-id-already-in-node-table";
  if (tables.candidates.get(nodeId) !== undefined) return "node-id-already-in-candidate-pool";
  const operator = tables.accounts.get(registration.operatorAccountId);
  if (operator === undefined && !(isPerWindow && isSelfKeyedOperator(crypto, registration))) {
    return "operator-account-not-found";
  }
  if (operator?.isNodeOperator === true) return "operator-account-already-node";
  if (!isPerWindow) return undefined;
  const candidateOperators = tables.candidateOperators ?? new CandidateOperators(tables.candidates.rows());
  if (candidateOperators.has(registration.operatorAccountId)) return "operator-account-already-candidate";
  return isStartInRange(registration.wStart, wP, rules.params.tau2Windows) ? undefined : "w-start-out-of-range";
}

/** R8: between τ₂ and 2τ₂ windows before `wP`. */
function isStartInRange(wStart: bigint, wP: bigint, tau2Windows: bigint): boolean {
  return wStart + tau2Windows <= wP && wP <= wStart + 2n * tau2Windows;
}
