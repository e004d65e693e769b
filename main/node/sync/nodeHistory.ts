/**
 * The Node Table of the windows before an anchor, from the table at the anchor and the bodies that led to it: each included
 * bundle is one window of presence (chapter 03 §4.6). It is what participation samples of the current epoch are counted from
 * again, and what the window machine looks back on; no message carries either (decision O9, chapter 07 §3.18).
 */
import { byteKey, compareBytes } from "../../protocol/bytes.ts";
import type { NetworkRules } from "../../protocol/genesis/rules.ts";
import type { ProposalBody } from "../../protocol/objects/consensus.ts";
import { weightsAt } from "../../protocol/quorum/weights.ts";
import type { NodeRecord } from "../../protocol/state/records.ts";
import { PARTICIPATION_FULL_PERMILLE, participationPermille } from "../../protocol/timechain/difficulty.ts";
import type { EpochData } from "../../protocol/transition/adaptEpoch.ts";
import type { PastTables } from "../store/builder.ts";

/** A starting machine looks back so far (chapter 03 §6.2). */
const PAST_WINDOWS = 3n;
const CHECKPOINT_LAST = 5;

/** Weights of the first proposal of an epoch are those before the one before it. */
export function firstBodyOf(anchor: bigint, tau2Windows: bigint): bigint {
  const epochStart = anchor - (anchor % tau2Windows);
  return epochStart === 0n ? 0n : epochStart - 1n;
}

/** What stands at an anchor, and the bodies of its epoch. */
export interface AnchorHistory {
  readonly rules: NetworkRules;
  readonly anchor: bigint;
  /** Node Table after the anchor. */
  readonly nodes: readonly NodeRecord[];
  /** Of windows {@link firstBodyOf} … `anchor`, ascending. */
  readonly bodies: readonly ProposalBody[];
  /** Iterations of the step after the anchor, and the target that its header names. */
  readonly d: bigint;
  readonly target: bigint;
}

/** Epoch data after the anchor, and the three windows up to it. */
export function rebuildEpoch(history: AnchorHistory): { readonly epoch: EpochData; readonly past: PastTables[] } {
  const { rules, anchor, bodies, d, target } = history;
  const participation = new Uint32Array(PARTICIPATION_FULL_PERMILLE + 1);
  let revealTotal = 0n;
  const past: PastTables[] = [];
  const tables = tablesBackwards(history);
  // Newest first.
  const samples: { readonly window: bigint; readonly permille: number; readonly reveals: number }[] = [];
  const epochStart = anchor - (anchor % rules.params.tau2Windows);
  for (const body of bodies.toReversed()) {
    const window = body.windowIndex;
    if (window < epochStart) break;
    let permille = PARTICIPATION_FULL_PERMILLE;
    if (window > 0n) {
      const weights = weightsAt(tables.before(window - 1n), window - 1n, rules);
      permille = participationPermille(weights.sumOf(body.bundles.map(({ nodeId }) => nodeId)), weights.total);
    }
    samples.push({ window, permille, reveals: body.reveals.length });
    participation[permille]! += 1;
    revealTotal += BigInt(body.reveals.length);
  }
  const epoch: EpochData = { d, target, participation, revealTotal };
  let earlier = epoch;
  for (const { window, permille, reveals } of samples) {
    if (window + PAST_WINDOWS <= anchor) break;
    const counts = earlier.participation.slice();
    counts[permille]! -= 1;
    earlier = { ...earlier, participation: counts, revealTotal: earlier.revealTotal - BigInt(reveals) };
    past.unshift({ window, nodes: tables.before(window), epoch: earlier });
  }
  return { epoch, past };
}

/** Node Tables by window, from the newest on; asked in descending order, the last few also again. */
function tablesBackwards({ rules, anchor, nodes, bodies }: AnchorHistory) {
  const { tau2Windows } = rules.params;
  const epochStart = anchor - (anchor % tau2Windows);
  const confirmed = new Map<string, bigint[]>();
  for (const { windowIndex, bundles } of bodies) {
    for (const { nodeId } of bundles) {
      const key = byteKey(nodeId);
      const windows = confirmed.get(key) ?? [];
      windows.push(windowIndex);
      confirmed.set(key, windows);
    }
  }
  const current = new Map(nodes.map((node) => [byteKey(node.nodeId), node]));
  /** The table in `current` is that before it. */
  let reached = anchor + 1n;
  const kept = new Map<bigint, readonly NodeRecord[]>();

  /** Undoes what proposal `window` did to the Node Table, rotation and eviction left out: neither weighs anything. */
  const undo = (window: bigint): void => {
    for (const { nodeId } of bodies[Number(window - bodies[0]!.windowIndex)]?.bundles ?? []) {
      const key = byteKey(nodeId);
      const node = current.get(key);
      if (node === undefined) continue;
      const windows = confirmed.get(key)!;
      windows.pop();
      const chainLength = node.chainLength - 1n;
      const lastConfirmationWindow = windows.at(-1) ?? confirmedBefore(node, chainLength, epochStart, tau2Windows);
      current.set(key, { ...node, chainLength, lastConfirmationWindow });
    }
    for (const [key, { startWindow }] of current) if (startWindow === window && window > 0n) current.delete(key);
  };

  const tableNow = (): readonly NodeRecord[] => [...current.values()].sort((a, b) => compareBytes(a.nodeId, b.nodeId));

  return {
    before(window: bigint): readonly NodeRecord[] {
      while (reached > window) {
        reached--;
        undo(reached);
        if (reached + PAST_WINDOWS > anchor) kept.set(reached, tableNow());
      }
      return kept.get(window) ?? [...current.values()];
    },
  };
}

/**
 * The last confirmation before the epoch, of a node that was confirmed in it: the checkpoints tell the epoch, which is all
 * that activity in this one depends on, but for a node that was silent throughout the last epoch: that one counts as active
 * until the two epochs of grace are over for sure.
 */
function confirmedBefore(node: NodeRecord, chainLength: bigint, epochStart: bigint, tau2Windows: bigint): bigint {
  if (chainLength <= 1n || epochStart === 0n) return 0n;
  const checkpoints = node.chainLengthCheckpoints;
  for (let back = 0; back < CHECKPOINT_LAST; back++) {
    const grew = checkpoints[CHECKPOINT_LAST - back]! > checkpoints[CHECKPOINT_LAST - back - 1]!;
    const end = epochStart - BigInt(back) * tau2Windows;
    if (grew) return end > 0n ? end : 0n;
  }
  return 0n;
}
