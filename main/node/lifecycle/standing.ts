/** How the settled tables see the own node, and what they would say to a registration now. */
import { equalBytes, type NodeId } from "../../protocol/bytes.ts";
import { MLDSA_SIGNATURE_SIZE, type Crypto, type Signature } from "../../protocol/crypto.ts";
import { registrationBarrier } from "../../protocol/entry/barrier.ts";
import { orderQueue } from "../../protocol/entry/queue.ts";
import { validateRegistration, type ValidationFailure } from "../../protocol/entry/validateRegistration.ts";
import type { NetworkRules } from "../../protocol/genesis/rules.ts";
import { countActiveNodes } from "../../protocol/state/lifecycle.ts";
import type { CandidateRecord, NodeRecord } from "../../protocol/state/records.ts";
import type { State } from "../../protocol/state/table.ts";
import type { RegistrationDraft } from "./state.ts";

export interface OwnStanding {
  readonly node: NodeRecord | undefined;
  readonly candidate: CandidateRecord | undefined;
  /** From 1, among `queueLength`; undefined without a place in the pool, and where admission is by lot. */
  readonly position: bigint | undefined;
  readonly queueLength: bigint;
  readonly activeNodes: bigint;
  /** Segments that a registration needs now (chapter 05 §4.4, §4.5). */
  readonly requiredLength: bigint;
  /** Why the registration that would be published now would be refused, its chain's length and start apart. */
  readonly refusal: ValidationFailure | undefined;
}

/** In {@link validateRegistration} the signature is taken for valid, so it is not looked at. */
const NO_SIGNATURE = new Uint8Array(MLDSA_SIGNATURE_SIZE) as Signature;

/** `state` is that after `window`; `draft` is what the node would publish, where it wants to. */
export function standingOf(
  crypto: Crypto,
  rules: NetworkRules,
  state: State,
  window: bigint,
  nodeId: NodeId,
  draft: RegistrationDraft | undefined,
): OwnStanding {
  const candidate = state.candidates.get(nodeId);
  const queueLength = BigInt(state.candidates.size);
  const activeNodes = countActiveNodes(state.nodes, window + 1n, rules);
  return {
    node: state.nodes.get(nodeId),
    candidate,
    position: candidate === undefined ? undefined : positionOf(rules, state, nodeId),
    queueLength,
    activeNodes,
    requiredLength: registrationBarrier(rules, queueLength, activeNodes),
    refusal: draft && refusalOf(crypto, rules, state, window, draft),
  };
}

function positionOf(rules: NetworkRules, state: State, nodeId: NodeId): bigint | undefined {
  if (rules.admission === "selection") return undefined;
  const queue = orderQueue(state.candidates.rows());
  return BigInt(queue.findIndex((candidate) => equalBytes(candidate.nodeId, nodeId)) + 1);
}

/** R8 is the deadline's, and a place that the node already has is no fault. */
const NOT_REFUSALS: ReadonlySet<ValidationFailure> = new Set([
  "w-start-out-of-range",
  "node-id-already-in-node-table",
  "node-id-already-in-candidate-pool",
]);

function refusalOf(
  crypto: Crypto,
  rules: NetworkRules,
  state: State,
  window: bigint,
  draft: RegistrationDraft,
): ValidationFailure | undefined {
  const registration = { ...draft, signature: NO_SIGNATURE };
  const options = { signature: "assume-valid" } as const;
  const failure = validateRegistration(crypto, registration, state, rules, window + 2n, options);
  return failure !== undefined && NOT_REFUSALS.has(failure) ? undefined : failure;
}
