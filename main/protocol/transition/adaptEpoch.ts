/** τ₂ task 5 (chapter 03 §4.4, §4.12): D and lottery target of the next epoch; no table changes. */
import type { NetworkRules } from "../genesis/rules.ts";
import { calibrateTarget, INITIAL_TARGET } from "../lottery/target.ts";
import { medianPermille, nextD, PARTICIPATION_FULL_PERMILLE } from "../timechain/difficulty.ts";
import { isEpochBoundary } from "../timechain/epoch.ts";

/** What adapts once an epoch, and what it adapts to. In no table and under no root: it follows from the decided bodies. */
export interface EpochData {
  /** SHA-256 iterations from the TimeChain value of this window to the next. */
  readonly d: bigint;
  /** A ticket of this window must be below it. */
  readonly target: bigint;
  /** How many proposals of this epoch had a participation of i permille; 1001 counts. The median needs no more. */
  readonly participation: Uint32Array;
  /** Reveals that proposals of this epoch included. */
  readonly revealTotal: bigint;
}

export function genesisEpoch(rules: NetworkRules): EpochData {
  return { d: rules.params.d0, target: INITIAL_TARGET, participation: noSamples(), revealTotal: 0n };
}

/**
 * The values in force in `window`, from the epoch data after the window before: the same, except at a boundary. There the
 * target holds from this window's reveals on, and D from the next TimeChain step on. Depends on proposals up to
 * `window` − 1 only, so a node asks it before it decides `window`.
 *
 * Profile `rc1` has a participation of 1000 ‰ in every window and never moves the target. Halts: `next-d-overflow`.
 */
export function adaptEpoch(rules: NetworkRules, epoch: EpochData, window: bigint): EpochData {
  const { params } = rules;
  if (!isEpochBoundary(window, params.tau2Windows)) return epoch;
  const isAdaptive = rules.tau2Maintenance;
  return {
    d: nextD(params, epoch.d, isAdaptive ? medianPermille(epoch.participation) : PARTICIPATION_FULL_PERMILLE),
    target: isAdaptive ? calibrateTarget(epoch.target, epoch.revealTotal, params.tau2Windows) : epoch.target,
    participation: noSamples(),
    revealTotal: 0n,
  };
}

/** Counts the proposal just applied into its epoch; `participationPermille` is at most 1000. */
export function recordProposal(epoch: EpochData, participationPermille: number, includedReveals: number): EpochData {
  const participation = epoch.participation.slice();
  participation[participationPermille]! += 1;
  return { ...epoch, participation, revealTotal: epoch.revealTotal + BigInt(includedReveals) };
}

function noSamples(): Uint32Array {
  return new Uint32Array(PARTICIPATION_FULL_PERMILLE + 1);
}
