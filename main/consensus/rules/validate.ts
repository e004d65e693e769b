/** A proposal in its context: checks 3 to 14 of chapter 03 §5.4, as far as what it names is held. */
import { byteKey, equalBytes, type Hash32 } from "../../protocol/bytes.ts";
import { controlRoot } from "../../protocol/merkle/proposalRoots.ts";
import type { BundledConfirmation, NamedHash, ProposalBody } from "../../protocol/objects/consensus.ts";
import type { Weights } from "../../protocol/quorum/weights.ts";
import type { StateRoots } from "../../protocol/state/roots.ts";
import type { Effect } from "../effects.ts";
import { expectedOf, transitionKey, type Expected } from "../expected.ts";
import type { BodyFailure, Proposal, ProposalFailure, Standing } from "../pools/proposals.ts";
import type { Held } from "../pools/variants.ts";
import type { NodeState } from "../state.ts";
import { checkHeaderInContext } from "../validation/header.ts";
import { REFUSED_BODIES_MAX } from "../limits.ts";
import { askForTransition } from "./transition.ts";

/** Up to this depth a proposal that leaves out a bundle that was there in time gets no vote (check 14). */
const SOFT_RULE_DEPTH_MAX = 2;

export function validateProposals(state: NodeState, out: Effect[]): boolean {
  if (!state.isOpen || state.timechainValue === undefined) return false;
  let isChanged = false;
  for (const proposal of state.proposals.all()) {
    const next = advanceProposal(state, out, proposal);
    const { standing } = next;
    if (next === proposal) continue;
    isChanged ||= standing.at !== "waiting";
    state.proposals.put(next);
    if (standing.at !== "invalid") continue;
    const { hash, header } = proposal;
    const fault = { code: "invalid-proposal", nodeId: header.proposerNodeId, hash, failure: standing.failure } as const;
    out.push({ kind: "report", fault });
  }
  return isChanged;
}

function advanceProposal(state: NodeState, out: Effect[], proposal: Proposal): Proposal {
  const { standing, body } = proposal;
  if (standing.at === "computing") return judgeTransition(state, proposal, standing);
  if (standing.at !== "waiting") return proposal;
  if (!isCertified(state, proposal) && !standing.missing.every((hash) => isHeld(state, hash))) return proposal;
  if (body === undefined) {
    state.want([proposal.hash]);
    return proposal;
  }
  const checked = checkInContext(state, proposal, body);
  if ("failure" in checked) return { ...proposal, standing: { at: "invalid", failure: checked.failure } };
  if ("badBody" in checked) return refuseBody(state, proposal, body);
  if ("missing" in checked) {
    state.want(checked.missing);
    return { ...proposal, standing: { at: "waiting", missing: checked.missing } };
  }
  const key = transitionKey(state, body);
  askForTransition(state, out, key, checked.inputs);
  return { ...proposal, standing: { at: "computing", key, inputs: checked.inputs } };
}

function refuseBody(state: NodeState, proposal: Proposal, body: ProposalBody): Proposal {
  const digest = state.objects.identify("body", body);
  state.want([proposal.hash]);
  return {
    ...proposal,
    body: undefined,
    standing: { at: "waiting", missing: [] },
    refusedBodies: [...proposal.refusedBodies, digest].slice(-REFUSED_BODIES_MAX),
  };
}

type Checked =
  | Expected
  | { readonly missing: readonly Hash32[] }
  | { readonly failure: ProposalFailure }
  | { readonly badBody: BodyFailure };

/** Checks 3 to 12. */
function checkInContext(state: NodeState, proposal: Proposal, body: ProposalBody): Checked {
  const { window, chain, crypto } = state;
  const { header } = proposal;
  const headerFailure = checkHeaderInContext(state, header);
  if (headerFailure !== undefined) return { failure: headerFailure };
  const before = chain.factsOf(window - 1n);
  const included = resolve(state, window - 1n, body.bundles);
  const isFinal = isCertified(state, proposal);
  const evidence = resolve(state, window, isFinal ? [] : body.evidence);
  if (included === "mismatch") return { failure: "insufficient-bundles" };
  if (evidence === "mismatch") return { badBody: "insufficient-evidence" };
  const missing = [...included.missing, ...evidence.missing];
  if (missing.length > 0) return { missing };
  if (!isEnough(before?.weights, included.bundles)) return { failure: "insufficient-bundles" };
  const weights = window === 0n || isFinal ? undefined : chain.facts.weights;
  if (!isEnough(weights, evidence.bundles)) return { badBody: "insufficient-evidence" };
  const expected = expectedOf(
    state,
    included.bundles,
    isFinal ? { certified: body.reveals } : { evidence: evidence.bundles },
  );
  if ("missing" in expected) return expected;
  if (!areSameNames(body.reveals, expected.reveals)) return { badBody: "included-reveals-mismatch" };
  const isWinner =
    equalBytes(header.winnerId, expected.winnerId) && equalBytes(header.winnerEndpoint, expected.winnerEndpoint);
  if (!isWinner) return { failure: "wrong-winner" };
  const control = expected.registrations;
  const root = controlRoot(
    crypto,
    control.map(({ registration }) => registration),
  );
  if (!equalBytes(root, header.controlRoot)) return { failure: "root-mismatch" };
  const isControlSet =
    body.controlHashes.length === control.length &&
    body.controlHashes.every((hash, i) => equalBytes(hash, control[i]!.hash));
  return isControlSet ? expected : { badBody: "control-set-mismatch" };
}

/** A quorum has checked it: what only served to check it need not be at hand. */
function isCertified(state: NodeState, { hash }: Proposal): boolean {
  return state.votes.commits().some(({ value }) => equalBytes(value, hash));
}

function resolve(state: NodeState, window: bigint, names: readonly NamedHash[]) {
  const bundles: Held<BundledConfirmation>[] = [];
  const missing: Hash32[] = [];
  for (const { nodeId, hash } of names) {
    const held = state.bundles.get(hash);
    if (held === undefined) missing.push(hash);
    else if (held.object.windowIndex !== window || !equalBytes(held.object.nodeId, nodeId)) return "mismatch";
    else bundles.push(held);
  }
  return { bundles, missing };
}

/** Without weights, in window 0, the list must be empty. */
function isEnough(weights: Weights | undefined, bundles: readonly Held<BundledConfirmation>[]): boolean {
  if (weights === undefined) return bundles.length === 0;
  return weights.isQuorum(weights.sumOf(bundles.map(({ object }) => object.nodeId)));
}

/** Check 13. */
function judgeTransition(
  state: NodeState,
  proposal: Proposal,
  { key, inputs }: Extract<Standing, { at: "computing" }>,
): Proposal {
  const { header, body } = proposal;
  const outcome = state.transitions.get(byteKey(key));
  if (outcome === undefined || outcome === "asked") return proposal;
  if ("roots" in outcome && areSameRoots(outcome.roots, header)) {
    const omits = isOmitting(state, header.fallbackDepth, body!);
    return { ...proposal, standing: { at: "valid", key, inputs, omits } };
  }
  // What a quorum attested was signed well: a fetched copy that is not is a peer's fault.
  const badCopies = "roots" in outcome ? outcome.badlySigned.filter((hash) => state.operations.unpin(hash)) : [];
  if (badCopies.length === 0) return { ...proposal, standing: { at: "invalid", failure: "wrong-state-root" } };
  state.transitions.delete(byteKey(key));
  state.want(badCopies);
  return { ...proposal, standing: { at: "waiting", missing: badCopies } };
}

function areSameRoots(a: StateRoots, b: StateRoots): boolean {
  return (
    equalBytes(a.nodeRoot, b.nodeRoot) &&
    equalBytes(a.candidateRoot, b.candidateRoot) &&
    equalBytes(a.accountRoot, b.accountRoot) &&
    equalBytes(a.stateRoot, b.stateRoot)
  );
}

/** Check 14: a bundle that was here when T_W came should have reached the proposer as well. */
function isOmitting(state: NodeState, depth: number, body: ProposalBody): boolean {
  if (depth > SOFT_RULE_DEPTH_MAX) return false;
  const listed = new Set(body.bundles.map(({ nodeId }) => byteKey(nodeId)));
  return [...(state.heldAtTick.get(state.window) ?? [])].some((node) => !listed.has(node));
}

function areSameNames(a: readonly NamedHash[], b: readonly NamedHash[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ nodeId, hash }, i) => {
      const other = b[i]!;
      return equalBytes(nodeId, other.nodeId) && equalBytes(hash, other.hash);
    })
  );
}

export function isHeld(state: NodeState, hash: Hash32): boolean {
  return (
    state.bundles.get(hash) !== undefined ||
    state.reveals.get(hash) !== undefined ||
    state.operations.get(hash) !== undefined ||
    state.registrations.get(hash) !== undefined ||
    state.proposals.get(hash)?.body !== undefined
  );
}
