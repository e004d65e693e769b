/**
 * What the only node of an rc.1 network puts into the proposal of a window (chapter 03 §7): everything but its signature
 * follows from the genesis and D, so a follower computes it and compares.
 */
import { equalBytes, isAllZero, type Hash32, type NodeId } from "../bytes.ts";
import type { Crypto, PublicKey } from "../crypto.ts";
import type { NetworkRules } from "../genesis/rules.ts";
import { lotteryEndpoint } from "../lottery/draw.ts";
import { controlRoot, includedRoot } from "../merkle/proposalRoots.ts";
import { bundledConfirmation, proposalHeader, vdfReveal, type ProposalHeader } from "../objects/consensus.ts";
import type { Draft } from "../objects/signed.ts";
import { cementedBundleAggregate, lookbackOf } from "../quorum/aggregate.ts";
import type { StateRoots } from "../state/roots.ts";
import { PARTICIPATION_FULL_PERMILLE } from "../timechain/difficulty.ts";
import { applyWindow, type Settled, type WindowInputs, type WindowResult } from "../transition/applyWindow.ts";

const PROTOCOL_VERSION = 1;
const FIRST_PROPOSER = 1;

export interface SingletonInputs {
  readonly window: bigint;
  /** T_W. */
  readonly timechainValue: Hash32;
  /** Identifier of the header before; zeros for window 0, and after each restart of the producer. */
  readonly prevProposalHash: Hash32;
  readonly producer: NodeId;
}

export interface SingletonWindow extends Pick<WindowResult, "changes" | "epoch" | "trees"> {
  /** Always the empty branch: the producer never aggregates its own bundles. */
  readonly aggregate: Hash32;
  readonly revealHash: Hash32;
  readonly bundleHash: Hash32;
  readonly header: Draft<ProposalHeader>;
}

/** The window as the producer makes it, and the state that it leads to. Throws like the steps of the transition. */
export function deriveSingletonWindow(
  crypto: Crypto,
  rules: NetworkRules,
  settled: Settled,
  inputs: SingletonInputs,
): SingletonWindow {
  const { changes, epoch, trees, roots } = applyWindow(crypto, rules, settled, singletonTransition(crypto, inputs));
  const { aggregate, revealHash, bundleHash } = singletonObjects(crypto, inputs);
  const header = singletonHeader(crypto, inputs, roots, epoch.target);
  return { aggregate, revealHash, bundleHash, header, changes, epoch, trees };
}

/** What the producer's window does to the tables: it alone confirms, wins and is paid, and includes nothing of anybody. */
export function singletonTransition(
  crypto: Crypto,
  { window, timechainValue, producer }: Omit<SingletonInputs, "prevProposalHash">,
): WindowInputs {
  return {
    ...{ window, timechainValue, aggregate: aggregateOf(crypto, window) },
    ...{ bundleSigners: [producer], operations: [], registrations: [], winnerId: producer },
    ...{ participationPermille: PARTICIPATION_FULL_PERMILLE, includedReveals: 1 },
  };
}

/** `roots` are those after the window, `target` is the one in force in it. */
export function singletonHeader(
  crypto: Crypto,
  inputs: SingletonInputs,
  roots: StateRoots,
  target: bigint,
): Draft<ProposalHeader> {
  const { window, timechainValue, prevProposalHash, producer } = inputs;
  const { endpoint, revealHash, bundleHash } = singletonObjects(crypto, inputs);
  return {
    prevProposalHash,
    windowIndex: window,
    protocolVersion: PROTOCOL_VERSION,
    controlRoot: controlRoot(crypto, []),
    ...roots,
    timechainValue,
    includedBundlesRoot: includedRoot(crypto, [{ nodeId: producer, hash: bundleHash }]),
    includedRevealsRoot: includedRoot(crypto, [{ nodeId: producer, hash: revealHash }]),
    winnerEndpoint: endpoint,
    winnerId: producer,
    proposerNodeId: producer,
    target,
    fallbackDepth: FIRST_PROPOSER,
  };
}

/** The producer's own reveal and bundle of the window itself, not of the one before. */
function singletonObjects(crypto: Crypto, { window, timechainValue, producer }: SingletonInputs) {
  const aggregate = aggregateOf(crypto, window);
  const endpoint = lotteryEndpoint(crypto, { window, timechainValue, aggregate }, producer);
  const revealHash = vdfReveal.identify(crypto, { nodeId: producer, windowIndex: window, endpoint });
  const bundleHash = bundledConfirmation.identify(crypto, {
    nodeId: producer,
    endpoint: timechainValue,
    windowIndex: window,
    opHashes: [],
    revealHashes: [revealHash],
  });
  return { aggregate, endpoint, revealHash, bundleHash };
}

const aggregateOf = (crypto: Crypto, window: bigint): Hash32 => cementedBundleAggregate(crypto, lookbackOf(window), []);

export type SingletonFailure =
  | "window-not-monotone"
  | "proposer-not-canonical"
  | "invalid-signature"
  | "wrong-parent"
  | "wrong-timechain-value"
  | "wrong-state-root"
  | "header-differs";

/**
 * Is `header` what the producer must have made of this window? The signature is checked, and every field compared with
 * `derived`; the parent may be zeros instead, for the producer forgets it when it restarts. `header-differs` stands for the
 * fields that have no failure of their own here.
 */
export function checkSingletonHeader(
  crypto: Crypto,
  header: ProposalHeader,
  derived: Draft<ProposalHeader>,
  producerKey: PublicKey,
): SingletonFailure | undefined {
  if (header.windowIndex !== derived.windowIndex) return "window-not-monotone";
  if (!equalBytes(header.proposerNodeId, derived.proposerNodeId)) return "proposer-not-canonical";
  if (!proposalHeader.verify(crypto, producerKey, header)) return "invalid-signature";
  const { prevProposalHash } = header;
  if (!isAllZero(prevProposalHash) && !equalBytes(prevProposalHash, derived.prevProposalHash)) return "wrong-parent";
  if (!equalBytes(header.timechainValue, derived.timechainValue)) return "wrong-timechain-value";
  if (!equalBytes(header.stateRoot, derived.stateRoot)) return "wrong-state-root";
  const expected = proposalHeader.scope({ ...derived, prevProposalHash });
  return equalBytes(proposalHeader.scope(header), expected) ? undefined : "header-differs";
}

/** Names the first field in the order of the layout that is not the derived one, for whoever reads of a refusal. */
export function differingField(header: ProposalHeader, derived: Draft<ProposalHeader>): string | undefined {
  return Object.entries(derived).find(([name, value]) => {
    const other = header[name as keyof ProposalHeader];
    const isSame =
      value instanceof Uint8Array && other instanceof Uint8Array ? equalBytes(value, other) : value === other;
    return !isSame;
  })?.[0];
}
