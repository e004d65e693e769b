/**
 * The last window that a peer has decided, by asking for single windows (chapter 07 §3.18): no message says it. Servers forget
 * old windows, so that from an old height on there is first nothing, then what they keep, then what is not decided yet.
 */

/** Servers keep the bodies of two epochs at least: no step may pass over them. */
const KEPT_EPOCHS = 2n;
const STEPS_MAX = 96;

export interface TipSearch {
  /** Own next window to decide. */
  readonly height: bigint;
  /** A window that others are thought to have decided, or to have open. */
  readonly hint: bigint | undefined;
  readonly tau2Windows: bigint;
}

/** Undefined where the peer serves nothing from the own height on, nor the window before. */
export async function findTip(
  { height, hint, tau2Windows }: TipSearch,
  serves: (window: bigint) => Promise<boolean>,
): Promise<bigint | undefined> {
  const known = await findServed({ height, hint, tau2Windows }, serves);
  if (known === undefined) return undefined;
  let served = known;
  let step = 1n;
  while (await serves(served + step)) {
    served += step;
    step *= 2n;
  }
  // Decided: `served`; not decided: `served` + step.
  while (step > 1n) {
    const half = step / 2n;
    if (await serves(served + half)) {
      served += half;
      step -= half;
    } else {
      step = half;
    }
  }
  return served;
}

async function findServed(
  { height, hint, tau2Windows }: TipSearch,
  serves: (window: bigint) => Promise<boolean>,
): Promise<bigint | undefined> {
  if (hint !== undefined && hint >= height) {
    for (const window of [hint, hint - 1n]) if (window >= 0n && (await serves(window))) return window;
  }
  if (await serves(height)) return height;
  if (height > 0n && (await serves(height - 1n))) return height - 1n;
  const stepMax = KEPT_EPOCHS * tau2Windows;
  let window = height;
  let step = 1n;
  for (let i = 0; i < STEPS_MAX; i++) {
    window += step;
    if (await serves(window)) return window;
    step = step * 2n < stepMax ? step * 2n : stepMax;
  }
  return undefined;
}
