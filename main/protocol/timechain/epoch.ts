/** The two layers of time (chapter 03 §4.5): a window is τ₁, an epoch is τ₂ windows. */

/**
 * Whether checkpoints rotate, tables are maintained and D and target adapt in `window`: every `tau2Windows` windows, but not
 * in window 0.
 */
export function isEpochBoundary(window: bigint, tau2Windows: bigint): boolean {
  return window > 0n && window % tau2Windows === 0n;
}
