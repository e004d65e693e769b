/** The windows whose state is served to who joins, and which of them one can begin with (chapter 02 §4.11, chapter 07 §4.5). */
import type { ProtocolParams } from "../../protocol/genesis/params.ts";

/** Of every network with the parameters of "montana", and at most. */
const INTERVAL_MAX = 336n;
/** Of an epoch, so that a scaled network with short ones has anchors inside them. */
const INTERVALS_PER_EPOCH = 4n;
const ANCHORS_SERVED = 2n;
/** A window machine looks back so far, and nothing of this may lie before the epoch's first window. */
const LOOKBACK_WINDOWS = 3n;

type AnchorParams = Pick<ProtocolParams, "selectionInterval" | "tau2Windows">;

/** Windows between two anchors: 336, and less in a scaled network, where selection interval or epoch are shorter. */
export function anchorInterval({ selectionInterval, tau2Windows }: AnchorParams): bigint {
  const scaled = tau2Windows / INTERVALS_PER_EPOCH;
  const least = [INTERVAL_MAX, selectionInterval, scaled].reduce((a, b) => (a < b ? a : b));
  return least > 0n ? least : 1n;
}

/** The two latest, newest first, of a node whose next window to decide is `height`. */
export function servedAnchors(params: AnchorParams, height: bigint): bigint[] {
  const interval = anchorInterval(params);
  if (height === 0n) return [];
  const newest = ((height - 1n) / interval) * interval;
  return [newest, newest - interval * (ANCHORS_SERVED - 1n)].filter((anchor) => anchor >= 0n);
}

/**
 * The anchors that a joiner can begin with, newest first, where `tip` is the last window that somebody decided: the header
 * after it must be there, with its certificate; and the windows that the rules look back on are of its own epoch, because
 * nobody can undo a rotation of checkpoints, which forgets one (chapter 03 §4.6).
 */
export function usableAnchors(params: AnchorParams, tip: bigint): bigint[] {
  return servedAnchors(params, tip + 1n).filter(
    (anchor) => anchor < tip && anchor % params.tau2Windows >= LOOKBACK_WINDOWS,
  );
}
