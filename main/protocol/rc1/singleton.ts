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
import { rootsOf, updateTrees, type StateTrees } from "../state/roots.ts";
import { StateDraft, type StateChanges } from "../state/table.ts";
import { isEpochBoundary } from "../timechain/epoch.ts";
import { adaptEpoch, type EpochData } from "../transition/adaptEpoch.ts";
import type { Settled } from "../transition/applyWindow.ts";
import { creditEmission } from "../transition/creditEmission.ts";
import { recordPresence } from "../transition/recordPresence.ts";
import { rotateCheckpoints } from "../transition/rotateCheckpoints.ts";

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

export interface SingletonWindow {
  /** Always the empty branch: the producer never aggregates its own bundles. */
  readonly aggregate: Hash32;
  readonly revealHash: Hash32;
  readonly bundleHash: Hash32;
  readonly header: Draft<ProposalHeader>;
  readonly changes: StateChanges;
  /** In `d` the iterations from T_W to T_(W + 1). */
  readonly epoch: EpochData;
  /** New versions; those of `settled` stay with the caller. */
  readonly trees: StateTrees;
}

/**
 * The window as the producer makes it: its own reveal and bundle of this window, itself as winner, and the steps 2, 3.5 and
 * 3.6 of the transition. Throws like these steps.
 */
export function deriveSingletonWindow(
  crypto: Crypto,
  rules: NetworkRules,
  settled: Settled,
  inputs: SingletonInputs,
): SingletonWindow {
  const { window, timechainValue, prevProposalHash, producer } = inputs;
  const aggregate = cementedBundleAggregate(crypto, lookbackOf(window), []);
  const endpoint = lotteryEndpoint(crypto, { window, timechainValue, aggregate }, producer);
  const revealHash = vdfReveal.identify(crypto, { nodeId: producer, windowIndex: window, endpoint });
  const bundleHash = bundledConfirmation.identify(crypto, {
    nodeId: producer,
    endpoint: timechainValue,
    windowIndex: window,
    opHashes: [],
    revealHashes: [revealHash],
  });

  const draft = new StateDraft(settled.state);
  if (window > 0n) creditEmission(draft, rules.params.emissionMoneta, producer);
  recordPresence(draft, [producer], window);
  if (isEpochBoundary(window, rules.params.tau2Windows)) rotateCheckpoints(draft);
  const changes = draft.changes();
  const trees = updateTrees(crypto, settled.trees, changes);
  const epoch = adaptEpoch(rules, settled.epoch, window);

  const header: Draft<ProposalHeader> = {
    prevProposalHash,
    windowIndex: window,
    protocolVersion: PROTOCOL_VERSION,
    controlRoot: controlRoot(crypto, []),
    ...rootsOf(crypto, trees),
    timechainValue,
    includedBundlesRoot: includedRoot(crypto, [{ nodeId: producer, hash: bundleHash }]),
    includedRevealsRoot: includedRoot(crypto, [{ nodeId: producer, hash: revealHash }]),
    winnerEndpoint: endpoint,
    winnerId: producer,
    proposerNodeId: producer,
    target: epoch.target,
    fallbackDepth: FIRST_PROPOSER,
  };
  return { aggregate, revealHash, bundleHash, header, changes, epoch, trees };
}

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
