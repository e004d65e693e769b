/**
 * The transition S_{W−1} → S_W (chapter 03 §6.7): the steps in the order and under the numbers of its table, one file each.
 * A pure function of the settled state and the window's inputs; nothing is changed unless the caller applies the result.
 */
import { compareBytes, type AccountId, type Hash32, type NodeId } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import type { NetworkRules } from "../genesis/rules.ts";
import { nodeRegistration, type NodeRegistration } from "../objects/nodeRegistration.ts";
import { countActiveNodes } from "../state/lifecycle.ts";
import { rootsOf, updateTrees, type StateRoots, type StateTrees } from "../state/roots.ts";
import { StateDraft, type State, type StateChanges } from "../state/table.ts";
import { isEpochBoundary } from "../timechain/epoch.ts";
import { adaptEpoch, recordProposal, type EpochData } from "./adaptEpoch.ts";
import { admitHeadOfQueue, admitSelected, type AdmissionOutcome } from "./admitCandidates.ts";
import { applyControlSet, type ControlSetOutcome } from "./applyControlSet.ts";
import { auditSupply } from "./auditSupply.ts";
import { creditEmission } from "./creditEmission.ts";
import { evictNodes } from "./evictNodes.ts";
import { expireCandidates } from "./expireCandidates.ts";
import { pruneAccounts } from "./pruneAccounts.ts";
import { recordPresence } from "./recordPresence.ts";
import { rotateCheckpoints } from "./rotateCheckpoints.ts";
import { settleOperations, type CementedOperation, type Settlement } from "./settleOperations.ts";
import { snapshotAccounts } from "./snapshotAccounts.ts";

/** The steps by name, as they are reported to {@link WindowOptions.onStep}. */
export type TransitionStep =
  "settle" | "control set" | "expiry" | "admission" | "emission" | "presence" | "epoch" | "roots";

export interface WindowOptions {
  /** Called after each step: a large window takes long enough to be watched. */
  readonly onStep?: (step: TransitionStep) => void;
}

/** Everything that the window W−1 left behind. */
export interface Settled {
  readonly state: State;
  readonly trees: StateTrees;
  readonly epoch: EpochData;
}

/** What the decided proposal of window W brings. All lists are sets: their order has no influence. */
export interface WindowInputs {
  readonly window: bigint;
  /** T_W. */
  readonly timechainValue: Hash32;
  /** cba(W−2). */
  readonly aggregate: Hash32;
  /** Signers of the included bundles of W−1. */
  readonly bundleSigners: readonly NodeId[];
  readonly operations: readonly CementedOperation[];
  readonly registrations: readonly NodeRegistration[];
  /** Winner of window W−1; nobody is paid in window 0. */
  readonly winnerId: NodeId;
  /** Weight of the active signers of the included bundles, in permille of all active weight (chapter 03 §4.4). */
  readonly participationPermille: number;
  readonly includedReveals: number;
  /** Overrides the count of active nodes: the reference process passes the length of its Node Table (chapter 05 §6.3). */
  readonly activeNodes?: bigint;
  /** Overrides D of the step to T_W: a follower of an rc.1 producer finds it from both values (chapter 03 §4.3). */
  readonly d?: bigint;
}

export interface WindowEvents extends Settlement, ControlSetOutcome, AdmissionOutcome {
  readonly expired: readonly NodeId[];
  /** The account that received the emission; undefined in window 0. */
  readonly rewarded: AccountId | undefined;
  readonly pruned: readonly AccountId[];
  readonly evicted: readonly NodeId[];
}

export interface WindowResult {
  readonly events: WindowEvents;
  readonly changes: StateChanges;
  readonly epoch: EpochData;
  /** New versions; the caller releases those of S_{W−1}, or these, when it is done with them. */
  readonly trees: StateTrees;
  readonly roots: StateRoots;
}

/**
 * Throws `ProtocolError` where the state cannot go on: `EmissionFailure`, an overflow of a counter, a broken audit. For a
 * received proposal that is a rejection, in the node's own derivation a halt (chapter 02 §5.3).
 */
export function applyWindow(
  crypto: Crypto,
  rules: NetworkRules,
  settled: Settled,
  inputs: WindowInputs,
  { onStep }: WindowOptions = {},
): WindowResult {
  const { params } = rules;
  const { state } = settled;
  const { window, timechainValue, aggregate } = inputs;
  const draft = new StateDraft(state);
  const activeNodes = inputs.activeNodes ?? countActiveNodes(state.nodes, window, rules);

  // 0 settle
  const settlement = settleOperations(crypto, state.accounts, draft, inputs.operations, window, params.tau2Windows);
  onStep?.("settle");

  // 1 control set
  const control = applyControlSet(crypto, rules, draft, inControlSetOrder(crypto, inputs.registrations), {
    window,
    timechainValue,
    aggregate,
    pending: BigInt(draft.candidates.size),
    activeNodes,
  });
  onStep?.("control set");

  // 3a expiry
  const expired = expireCandidates(draft, window);
  onStep?.("expiry");

  // 3b admission
  const admission =
    rules.admission === "per-window"
      ? admitHeadOfQueue(crypto, state.candidates, draft, window)
      : admitSelected(crypto, rules, draft, window, timechainValue, aggregate, activeNodes);
  onStep?.("admission");

  // 2 emission
  const newcomer = rules.admission === "per-window" ? admission.admitted[0]?.nodeId : undefined;
  const rewarded =
    window === 0n ? undefined : creditEmission(draft, params.emissionMoneta, newcomer ?? inputs.winnerId);
  onStep?.("emission");

  // 3.5 presence
  recordPresence(draft, inputs.bundleSigners, window);
  onStep?.("presence");

  let pruned: AccountId[] = [];
  let evicted: NodeId[] = [];
  if (isEpochBoundary(window, params.tau2Windows)) {
    // 3.6 rotation
    rotateCheckpoints(draft);

    // τ₂ tasks
    if (rules.tau2Maintenance) {
      snapshotAccounts(draft);
      pruned = pruneAccounts(draft, window, params.pruningIdleWindows);
      evicted = evictNodes(draft, window, rules);
      auditSupply(draft.accounts, window, params.emissionMoneta);
    }
  }
  const epochBefore = inputs.d === undefined ? settled.epoch : { ...settled.epoch, d: inputs.d };
  const epoch = adaptEpoch(rules, epochBefore, window);
  onStep?.("epoch");

  // 4 roots
  const changes = draft.changes();
  const trees = updateTrees(crypto, settled.trees, changes);
  onStep?.("roots");
  return {
    events: { ...settlement, ...control, expired, ...admission, rewarded, pruned, evicted },
    changes,
    epoch: recordProposal(epoch, inputs.participationPermille, inputs.includedReveals),
    trees,
    roots: rootsOf(crypto, trees),
  };
}

/** Of the objects cemented in one window, by identifier (chapter 03 §4.17). */
function inControlSetOrder(crypto: Crypto, registrations: readonly NodeRegistration[]): NodeRegistration[] {
  return registrations
    .map((registration) => ({ registration, identifier: nodeRegistration.identify(crypto, registration) }))
    .sort((a, b) => compareBytes(a.identifier, b.identifier))
    .map(({ registration }) => registration);
}
