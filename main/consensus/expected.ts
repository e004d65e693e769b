/**
 * What the lists of bundles of a proposal lead to: its reveals, winner, control set and the inputs of its transition (chapter
 * 03 §6.4, §6.7). A leader builds with it, everybody checks with it.
 */
import { byteKey, compareBytes, ZERO_HASH, type Hash32, type NodeId } from "../protocol/bytes.ts";
import { encode } from "../protocol/codec/codec.ts";
import type { DrawnTicket } from "../protocol/lottery/draw.ts";
import { winnerOfWindow } from "../protocol/lottery/winner.ts";
import {
  proposalBody,
  type BundledConfirmation,
  type NamedHash,
  type ProposalBody,
} from "../protocol/objects/consensus.ts";
import { cementedHashes } from "../protocol/quorum/cementing.ts";
import { PARTICIPATION_FULL_PERMILLE, participationPermille } from "../protocol/timechain/difficulty.ts";
import type { WindowInputs } from "../protocol/transition/applyWindow.ts";
import type { GatheredOperation } from "../protocol/accounts/bundleRules.ts";
import type { Held } from "./pools/variants.ts";
import type { HeldRegistration } from "./pools/operations.ts";
import type { NodeState } from "./state.ts";
import { isValidReveal } from "./validation/reveal.ts";

export interface Expected {
  readonly reveals: readonly NamedHash[];
  readonly winnerId: NodeId;
  readonly winnerEndpoint: Hash32;
  /** The control set, in its order. */
  readonly registrations: readonly HeldRegistration[];
  readonly operations: readonly GatheredOperation[];
  readonly inputs: WindowInputs;
}

/** The lists of a body without the name of its header. */
export type BodyLists = Omit<ProposalBody, "proposalHash">;

/** Names a transition by everything it depends on: the included bundles and reveals of a window. */
export function transitionKey(state: NodeState, lists: BodyLists): Hash32 {
  const named = { ...lists, proposalHash: ZERO_HASH, evidence: [], controlHashes: [] };
  return state.crypto.sha256(encode(proposalBody, named));
}

/**
 * Where the included reveals come from: the bundles that cement them, or, for a proposal with a certificate, its own list,
 * which the header commits to and a quorum has checked.
 */
export type RevealSource =
  { readonly evidence: readonly Held<BundledConfirmation>[] } | { readonly certified: readonly NamedHash[] };

/** `missing` where objects that the bundles cement are not held. T of the open window is known. */
export function expectedOf(
  state: NodeState,
  included: readonly Held<BundledConfirmation>[],
  source: RevealSource,
): Expected | { readonly missing: readonly Hash32[] } {
  const missing: Hash32[] = [];
  const reveals = "certified" in source ? source.certified : cementedReveals(state, source.evidence, missing);
  const { operations, registrations } = cementedObjects(state, included, missing);
  if (missing.length > 0) return { missing };
  const winner = winnerOf(state, reveals);
  const { window, chain } = state;
  return {
    reveals,
    ...winner,
    operations,
    registrations,
    inputs: {
      window,
      timechainValue: state.timechainValue!,
      aggregate: chain.facts.view.aggregate,
      bundleSigners: included.map(({ object }) => object.nodeId),
      operations,
      registrations: registrations.map(({ registration }) => registration),
      winnerId: winner.winnerId,
      participationPermille: participationOf(state, included),
      includedReveals: reveals.length,
    },
  };
}

/** Exactly the valid, unpenalised reveals of the window before that the evidence cements, by node. */
function cementedReveals(
  state: NodeState,
  evidence: readonly Held<BundledConfirmation>[],
  missing: Hash32[],
): NamedHash[] {
  const listings = evidence.map(({ object }) => ({ nodeId: object.nodeId, hashes: object.revealHashes }));
  const penalised = state.chain.penalised();
  const reveals = new Map<string, NamedHash>();
  for (const hash of cementedHashes(state.chain.facts.weights, listings)) {
    const reveal = state.reveals.get(hash)?.object;
    if (reveal === undefined) missing.push(hash);
    else if (reveal.windowIndex + 1n === state.window && isValidReveal(state, reveal)) {
      const key = byteKey(reveal.nodeId);
      if (!penalised.has(key) && !reveals.has(key)) reveals.set(key, { nodeId: reveal.nodeId, hash });
    }
  }
  return [...reveals.values()].sort((a, b) => compareBytes(a.nodeId, b.nodeId));
}

/** What the included bundles cement, each hash an operation or a registration; both ascending by identifier. */
function cementedObjects(state: NodeState, included: readonly Held<BundledConfirmation>[], missing: Hash32[]) {
  const operations: GatheredOperation[] = [];
  const registrations: HeldRegistration[] = [];
  for (const hash of cementedOperationHashes(state, state.window - 1n, included)) {
    const operation = state.operations.get(hash);
    const registration = operation === undefined ? state.registrations.get(hash) : undefined;
    if (operation !== undefined) operations.push(operation);
    else if (registration !== undefined) registrations.push(registration);
    else missing.push(hash);
  }
  return { operations, registrations };
}

/** Of `bundles`, which are of `window`. */
export function cementedOperationHashes(
  state: NodeState,
  window: bigint,
  bundles: readonly Held<BundledConfirmation>[],
): Hash32[] {
  const facts = state.chain.factsOf(window);
  if (facts === undefined) return [];
  const listings = bundles.map(({ object }) => ({ nodeId: object.nodeId, hashes: object.opHashes }));
  return cementedHashes(facts.weights, listings);
}

/** winner_{W−1} and its endpoint; in window 0 the bootstrap node and zeros. */
function winnerOf(state: NodeState, reveals: readonly NamedHash[]) {
  const { chain } = state;
  const before = chain.previous;
  const facts = chain.factsOf(state.window - 1n);
  if (before === undefined || facts === undefined) return { winnerId: chain.bootstrap, winnerEndpoint: ZERO_HASH };
  const tickets = facts.tickets(before.header.timechainValue);
  const included = reveals.flatMap(({ nodeId }): DrawnTicket[] => {
    const ticket = tickets.get(byteKey(nodeId));
    return ticket === undefined ? [] : [ticket];
  });
  const winner = winnerOfWindow(included, [...tickets.values()]);
  return winner === undefined
    ? { winnerId: chain.bootstrap, winnerEndpoint: ZERO_HASH }
    : { winnerId: winner.nodeId, winnerEndpoint: winner.endpoint };
}

function participationOf(state: NodeState, included: readonly Held<BundledConfirmation>[]): number {
  const facts = state.chain.factsOf(state.window - 1n);
  if (facts === undefined) return PARTICIPATION_FULL_PERMILLE;
  return participationPermille(facts.weights.sumOf(included.map(({ object }) => object.nodeId)), facts.weights.total);
}
