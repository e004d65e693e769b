/** The leader of a round builds its proposal (chapter 03 §6.4). */
import { byteKey, compareBytes, equalBytes, ZERO_HASH } from "../../protocol/bytes.ts";
import { controlRoot, includedRoot } from "../../protocol/merkle/proposalRoots.ts";
import { proposalHeader, type BundledConfirmation, type NamedHash } from "../../protocol/objects/consensus.ts";
import type { StateRoots } from "../../protocol/state/roots.ts";
import type { Effect } from "../effects.ts";
import { expectedOf, transitionKey } from "../expected.ts";
import type { Held } from "../pools/variants.ts";
import { headerKey } from "../signedLog.ts";
import type { NodeState } from "../state.ts";
import { materialOf } from "./material.ts";
import { askForTransition } from "./transition.ts";

/** The version that headers of this program carry; never below that of the chain. */
const PROTOCOL_VERSION = 1;

function isMyTurn(state: NodeState): boolean {
  const { round, window, chain, self } = state;
  if (!state.isOpen || round.round === 0 || state.silence !== undefined) return false;
  if (!equalBytes(chain.proposerAt(round.round), self.nodeId)) return false;
  return !state.signed.has(headerKey(window, round.round));
}

/** Late bundles get a moment, unless there are none to wait for. */
function isGraceOver(state: NodeState): boolean {
  if (state.grace === "expired" || state.round.round > 1) return true;
  const { window, chain } = state;
  const isComplete = state.weightOfBundles(window) === chain.facts.weights.total;
  return (
    isComplete && (window === 0n || state.weightOfBundles(window - 1n) === chain.factsOf(window - 1n)?.weights.total)
  );
}

/** Fixes the lists of the proposal and asks for the roots that they lead to. */
export function buildProposal(state: NodeState, out: Effect[]): boolean {
  const { window, chain } = state;
  if (!isMyTurn(state) || !isGraceOver(state) || state.draft !== undefined) return false;
  const before = chain.factsOf(window - 1n);
  if (window > 0n && before?.weights.isQuorum(state.weightOfBundles(window - 1n)) !== true) return false;
  const included = window === 0n ? [] : state.bundles.firsts(window - 1n);
  const evidence = window === 0n ? [] : state.bundles.firsts(window);
  const expected = expectedOf(state, included, { evidence });
  if ("missing" in expected) {
    state.want(expected.missing);
    return false;
  }
  const body = {
    windowIndex: window,
    bundles: namesOf(included),
    evidence: namesOf(evidence),
    reveals: expected.reveals,
    controlHashes: expected.registrations.map(({ hash }) => hash),
  };
  state.draft = { depth: state.round.round, body, key: transitionKey(state, body), expected };
  askForTransition(state, out, state.draft.key, expected.inputs);
  return true;
}

/** Signs the header once the roots are there; its body, and all that it names, is logged with it. */
export function signProposal(state: NodeState, out: Effect[]): boolean {
  const { draft, crypto } = state;
  if (draft === undefined || !isMyTurn(state) || draft.depth !== state.round.round) return false;
  const outcome = state.transitions.get(byteKey(draft.key));
  if (outcome === undefined || outcome === "asked") return false;
  if ("failure" in outcome) {
    state.isHalted = true;
    out.push({ kind: "halt", code: outcome.failure, params: { window: state.window } });
    return true;
  }
  const object = headerOf(state, draft.depth, outcome.roots);
  const body = { ...draft.body, proposalHash: proposalHeader.identify(crypto, object) };
  state.ownBodies.push(body);
  state.loggedMaterial.add(byteKey(body.proposalHash));
  state.sign(out, { type: "header", object }, { ...materialOf(state, body), body });
  return true;
}

function headerOf(state: NodeState, depth: number, roots: StateRoots) {
  const { crypto, chain } = state;
  const { body, expected } = state.draft!;
  return {
    prevProposalHash: chain.previous?.hash ?? ZERO_HASH,
    windowIndex: state.window,
    protocolVersion: Math.max(PROTOCOL_VERSION, chain.previous?.header.protocolVersion ?? 0),
    controlRoot: controlRoot(
      crypto,
      expected.registrations.map(({ registration }) => registration),
    ),
    nodeRoot: roots.nodeRoot,
    candidateRoot: roots.candidateRoot,
    accountRoot: roots.accountRoot,
    stateRoot: roots.stateRoot,
    timechainValue: state.timechainValue!,
    includedBundlesRoot: includedRoot(crypto, body.bundles),
    includedRevealsRoot: includedRoot(crypto, body.reveals),
    winnerEndpoint: expected.winnerEndpoint,
    winnerId: expected.winnerId,
    proposerNodeId: state.self.nodeId,
    target: chain.facts.target,
    fallbackDepth: depth,
  };
}

function namesOf(bundles: readonly Held<BundledConfirmation>[]): NamedHash[] {
  return bundles
    .map(({ object, hash }) => ({ nodeId: object.nodeId, hash }))
    .sort((a, b) => compareBytes(a.nodeId, b.nodeId));
}
