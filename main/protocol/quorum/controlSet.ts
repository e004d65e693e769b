/** The control objects that a proposal must apply, in the only order allowed (chapter 03 §4.17). */
import { compareBytes, type Hash32 } from "../bytes.ts";

export interface CementedControl {
  /** Identifier of the control object. */
  readonly hash: Hash32;
  /** Window of the proposal that carried it to quorum. */
  readonly cementedWindow: bigint;
}

/** What was cemented after `previousWindow` and up to `window`, by (cemented window, identifier) ascending. */
export function controlSet(
  cemented: readonly CementedControl[],
  previousWindow: bigint,
  window: bigint,
): CementedControl[] {
  return cemented
    .filter(({ cementedWindow }) => previousWindow < cementedWindow && cementedWindow <= window)
    .sort(compareControls);
}

/** A missing, an additional or a misplaced element is a mismatch. */
export function checkControlSet(
  proposed: readonly CementedControl[],
  expected: readonly CementedControl[],
): "control-set-mismatch" | undefined {
  const isSame =
    proposed.length === expected.length && proposed.every((control, i) => compareControls(control, expected[i]!) === 0);
  return isSame ? undefined : "control-set-mismatch";
}

function compareControls(a: CementedControl, b: CementedControl): number {
  if (a.cementedWindow !== b.cementedWindow) return a.cementedWindow < b.cementedWindow ? -1 : 1;
  return compareBytes(a.hash, b.hash);
}
