/**
 * The life of a node as a pure machine: (state, event) → (state, actions), rows of chapter 05 §6.4. The tables decide: whoever
 * is in the Node Table is Active, whoever is in the Candidate Pool is Registered, whatever the state was before. A chain is
 * only given up for a fact (a window past its bound, a word of the person), never for an estimate.
 */
import { equalBytes, isAllZero, type AccountId, type NodeId } from "../../protocol/bytes.ts";
import type { Crypto, PublicKey } from "../../protocol/crypto.ts";
import { invariant } from "../../protocol/errors.ts";
import { expiryWindow } from "../../protocol/entry/records.ts";
import type { NetworkRules } from "../../protocol/genesis/rules.ts";
import { nodeIdOf, SUITE_MLDSA65 } from "../../protocol/identity/ids.ts";
import { nodeRegistration, TYPE_NODE_REGISTRATION } from "../../protocol/objects/nodeRegistration.ts";
import type { CandidateRecord, NodeRecord } from "../../protocol/state/records.ts";
import { rewardOf } from "../../protocol/state/supply.ts";
import { candidateVdfInit } from "../../protocol/timechain/candidateChain.ts";
import { isPublishable, isVoid } from "./deadline.ts";
import type {
  ChainState,
  Hindrance,
  LifecycleAction,
  LifecycleEvent,
  LifecycleNews,
  LifecycleState,
  Publication,
  RegistrationDraft,
  RestartCause,
  WindowFacts,
} from "./state.ts";

/** What does not change during the life of a node. */
export interface Self {
  readonly crypto: Crypto;
  readonly rules: NetworkRules;
  readonly nodePubkey: PublicKey;
}

export interface Step {
  readonly state: LifecycleState;
  readonly actions: readonly LifecycleAction[];
}

/**
 * Of a node that has no file yet: the bootstrap node is Active from genesis on, and everybody where an unfinished decree has
 * zeros for its key; everybody else begins at Bootstrap.
 */
export function freshState({ rules, nodePubkey }: Self): LifecycleState {
  const { bootstrapNodePubkey } = rules.params;
  const isBootstrap = equalBytes(nodePubkey, bootstrapNodePubkey) || isAllZero(bootstrapNodePubkey);
  return {
    phase: isBootstrap ? "Active" : "Bootstrap",
    ...{
      operatorAccountId: undefined,
      notBefore: undefined,
      chain: undefined,
      publication: undefined,
      registration: undefined,
    },
    ...{ admissionWindow: undefined, hindrance: undefined, lastRestart: undefined },
  };
}

/** What a start of the program does again: a chain that is not finished goes on. */
export function resumeActions({ phase, chain }: LifecycleState): readonly LifecycleAction[] {
  return phase === "CandidateVdf" && chain !== undefined && chain.done < chain.target
    ? [{ kind: "run-chain", chain }]
    : [];
}

export function step(self: Self, state: LifecycleState, event: LifecycleEvent): Step {
  switch (event.kind) {
    case "join":
      return join(state, event);
    case "withdraw":
      return withdraw(state);
    case "start-over":
      return state.phase === "CandidateVdf" ? awaitStart(state, "requested") : unchanged(state);
    case "segment":
      return recordSegment(state, event.done, event.value);
    case "window":
      return applyWindow(self, state, event);
  }
}

/** Asking again with another account changes the account of a registration that is not yet applied. */
function join(
  state: LifecycleState,
  { operatorAccountId, notBefore }: LifecycleEvent & { readonly kind: "join" },
): Step {
  if (state.phase === "Registered" || state.phase === "Active") return unchanged(state);
  return { state: { ...state, operatorAccountId, notBefore, hindrance: undefined }, actions: [] };
}

/** A registration that is in the pool, and a node, cannot be withdrawn: no such object exists. */
function withdraw(state: LifecycleState): Step {
  if (state.phase === "Registered" || state.phase === "Active") return unchanged(state);
  const left = { operatorAccountId: undefined, lastRestart: undefined } as const;
  return { state: { ...withoutChain(state), phase: "Bootstrap", ...left }, actions: [REST] };
}

function recordSegment(state: LifecycleState, done: bigint, value: ChainState["value"]): Step {
  const { chain } = state;
  if (state.phase !== "CandidateVdf" || chain === undefined || done > chain.target) return unchanged(state);
  // A chain that went back takes with it what was published of its lost part.
  const publication =
    state.publication !== undefined && state.publication.vdfChainLength > done ? undefined : state.publication;
  const next = { ...state, publication, chain: { ...chain, done, value } };
  if (done < chain.target) return { state: next, actions: [] };
  return { state: next, actions: [REST, tell({ kind: "chain-finished", segments: done })] };
}

function applyWindow(self: Self, state: LifecycleState, facts: WindowFacts): Step {
  const { node, candidate } = facts.standing;
  if (node !== undefined) return state.phase === "Active" ? unchanged(state) : becomeActive(self, state, node);
  if (candidate !== undefined) {
    return state.phase === "Registered" ? unchanged(state) : becomeRegistered(self, state, candidate);
  }
  switch (state.phase) {
    case "Active":
      return prepend(
        [tell({ kind: "lost-place", cause: "evicted" })],
        awaitStart({ ...state, admissionWindow: undefined }, "evicted"),
      );
    case "Registered": {
      const window = state.registration?.window ?? 0n;
      const hasExpired = facts.window >= expiryWindow(window, self.rules.params);
      return losePlace(self, state, facts, hasExpired ? "registration-expired" : "registration-dropped");
    }
    case "Bootstrap":
      return beginChain(self, state, facts, state.lastRestart);
    case "CandidateVdf":
      return proceed(self, state, facts);
  }
}

function becomeActive(self: Self, state: LifecycleState, { startWindow, operatorAccountId }: NodeRecord): Step {
  const active: LifecycleState = {
    ...withoutChain(state),
    ...{ phase: "Active", operatorAccountId, admissionWindow: startWindow, lastRestart: undefined },
  };
  const wasExpected = state.phase === "Registered" || state.phase === "CandidateVdf";
  const bonus = self.rules.admission === "per-window" ? rewardOf(self.rules.params.emissionMoneta) : 0n;
  const news: LifecycleNews = wasExpected
    ? { kind: "admitted", window: startWindow, bonus, operatorAccountId }
    : { kind: "already-a-node", startWindow };
  return { state: active, actions: [REST, tell(news)] };
}

/** The chain is kept: it serves again where the registration is lost. */
function becomeRegistered(self: Self, state: LifecycleState, candidate: CandidateRecord): Step {
  const { operatorAccountId, registrationWindow } = candidate;
  const noderegHash = nodeRegistration.identify(self.crypto, { ...candidate, type: TYPE_NODE_REGISTRATION });
  const registered: LifecycleState = {
    ...state,
    ...{ phase: "Registered", operatorAccountId, hindrance: undefined, publication: undefined },
    registration: { window: registrationWindow, noderegHash },
  };
  return { state: registered, actions: [REST, tell({ kind: "registered", window: registrationWindow })] };
}

/** Out of the pool without an admission: with the old chain where R8 still allows it, else with a new one. */
function losePlace(self: Self, state: LifecycleState, facts: WindowFacts, cause: RestartCause): Step {
  const lost = tell({ kind: "lost-place", cause });
  const { chain } = state;
  const without = { ...state, registration: undefined };
  if (chain !== undefined && isUsable(self, chain, facts.window)) {
    const candidate: LifecycleState = { ...without, phase: "CandidateVdf", lastRestart: cause };
    const taken = tell({ kind: "chain-taken-up", done: chain.done, cause });
    return { state: candidate, actions: [lost, taken, ...resumeActions(candidate)] };
  }
  return prepend([lost], restart(self, without, facts, cause));
}

function isUsable(self: Self, { wStart }: ChainState, window: bigint): boolean {
  const { tau2Windows } = self.rules.params;
  return isPublishable(window < wStart + tau2Windows ? wStart + tau2Windows : window, wStart, tau2Windows);
}

function restart(self: Self, state: LifecycleState, facts: WindowFacts, cause: RestartCause): Step {
  const { state: waiting, actions } = awaitStart(state, cause);
  return prepend(actions, beginChain(self, waiting, facts, cause));
}

/** Back to Bootstrap, still wanting to join: the next window that closes in step with the network seeds a new chain. */
function awaitStart(state: LifecycleState, cause: RestartCause): Step {
  return { state: { ...withoutChain(state), phase: "Bootstrap", lastRestart: cause }, actions: [REST] };
}

function beginChain(self: Self, state: LifecycleState, facts: WindowFacts, cause: RestartCause | undefined): Step {
  if (state.operatorAccountId === undefined || !facts.isSynchronised) return unchanged(state);
  if (state.notBefore !== undefined && facts.window < state.notBefore) return unchanged(state);
  const { crypto, rules, nodePubkey } = self;
  const { window: wStart, timechainValue, aggregate, d } = facts;
  const nodeId: NodeId = nodeIdOf(crypto, nodePubkey);
  const init = candidateVdfInit(crypto, timechainValue, aggregate, nodeId);
  const target = rules.params.tau2Windows;
  const chain: ChainState = { wStart, init, d, target, done: 0n, value: init };
  return {
    state: { ...withoutChain(state), phase: "CandidateVdf", chain, lastRestart: cause },
    actions: [{ kind: "run-chain", chain }, tell({ kind: "chain-begun", wStart, target, cause })],
  };
}

/** A window of a candidate: too late, refused, too short or published. */
function proceed(self: Self, state: LifecycleState, facts: WindowFacts): Step {
  const { chain } = candidateParts(state);
  const { tau2Windows } = self.rules.params;
  // While the node catches up, the windows that it applies are of the past, and so may be what they say.
  if (!facts.isSynchronised) return unchanged(state);
  if (isVoid(facts.window, chain.wStart, tau2Windows)) return restart(self, state, facts, causeOfVoid(chain, facts));

  const refused = facts.refusal === undefined ? [] : [tell({ kind: "refused", failure: facts.refusal })];
  const current = facts.refusal === undefined ? state : { ...state, publication: undefined };
  const { requiredLength } = facts.standing;
  const required = requiredLength > tau2Windows ? requiredLength : tau2Windows;
  const next = chain.done < required ? lengthen(self, current, required) : publish(self, current, facts, required);
  return prepend(refused, next);
}

function causeOfVoid(chain: ChainState, facts: WindowFacts): RestartCause {
  if (chain.done >= chain.target) return "not-registered-in-time";
  return facts.isFastEnough === false ? "too-slow" : "deadline-missed";
}

/**
 * A finished chain that is too short for the pressure of now goes on (chapter 05 §4.2, step 5), up to the 2τ₂ that R8 allows
 * at network speed; beyond that entry is closed until pressure falls.
 */
function lengthen(self: Self, state: LifecycleState, required: bigint): Step {
  const { chain } = candidateParts(state);
  if (chain.done < chain.target) return hinder(state, undefined);
  if (required > 2n * self.rules.params.tau2Windows) return hinder(state, "entry-closed");
  const longer = { ...chain, target: required };
  const told = tell({ kind: "chain-extended", from: chain.target, to: required });
  return {
    state: { ...state, chain: longer, hindrance: undefined },
    actions: [{ kind: "run-chain", chain: longer }, told],
  };
}

/** Once a window until it is applied; the same object as long as it will do. */
function publish(self: Self, state: LifecycleState, facts: WindowFacts, required: bigint): Step {
  const { chain, operatorAccountId } = candidateParts(state);
  if (facts.standing.refusal !== undefined) return hinder(state, facts.standing.refusal);
  const clear = { ...state, hindrance: undefined };
  if (!isPublishable(facts.window, chain.wStart, self.rules.params.tau2Windows)) return unchanged(clear);

  const before = state.publication;
  const serves =
    before !== undefined &&
    equalBytes(before.operatorAccountId, operatorAccountId) &&
    before.vdfChainLength >= required;
  const publication = serves ? before : { operatorAccountId, proofEndpoint: chain.value, vdfChainLength: chain.done };
  const draft = draftOf(self, chain, publication);
  const noderegHash = nodeRegistration.identify(self.crypto, draft);
  const told = serves ? [] : [tell({ kind: "published", window: facts.window, noderegHash })];
  return { state: { ...clear, publication }, actions: [{ kind: "publish", draft }, ...told] };
}

function hinder(state: LifecycleState, hindrance: Hindrance | undefined): Step {
  const isNew = hindrance !== undefined && hindrance !== state.hindrance;
  return { state: { ...state, hindrance }, actions: isNew ? [tell({ kind: "hindered", hindrance })] : [] };
}

/** What every state of the phase CandidateVdf has. */
function candidateParts({ chain, operatorAccountId }: LifecycleState): {
  readonly chain: ChainState;
  readonly operatorAccountId: AccountId;
} {
  invariant(chain !== undefined && operatorAccountId !== undefined, "a candidate has a chain and an operator account");
  return { chain, operatorAccountId };
}

/** The registration that the node would publish, for the test of it against the tables. */
export function prospectiveDraft(self: Self, state: LifecycleState): RegistrationDraft | undefined {
  if (state.phase !== "CandidateVdf") return undefined;
  const { chain, operatorAccountId } = candidateParts(state);
  return draftOf(self, chain, { operatorAccountId, proofEndpoint: chain.value, vdfChainLength: chain.done });
}

function draftOf({ nodePubkey }: Self, { wStart }: ChainState, publication: Publication): RegistrationDraft {
  return { type: TYPE_NODE_REGISTRATION, suiteId: SUITE_MLDSA65, nodePubkey, wStart, ...publication };
}

const REST: LifecycleAction = { kind: "rest-chain" };

const tell = (news: LifecycleNews): LifecycleAction => ({ kind: "tell", news });

const unchanged = (state: LifecycleState): Step => ({ state, actions: [] });

const prepend = (before: readonly LifecycleAction[], { state, actions }: Step): Step => ({
  state,
  actions: [...before, ...actions],
});

function withoutChain(state: LifecycleState): LifecycleState {
  return { ...state, chain: undefined, publication: undefined, registration: undefined, hindrance: undefined };
}
