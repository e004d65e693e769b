/** When an engine that ended unasked is started again (chapter 08 §10.1). */

/** Milliseconds. */
const DELAYS: readonly number[] = [0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000];
const WINDOW = 60_000;
const EXITS_MAX = 3;

/**
 * Milliseconds until the next start, or undefined to give up. `exits` are the times of all ends so far, the last one included,
 * oldest first, monotonic: three within a minute are too many; a minute without one starts the delays anew.
 */
export function nextRestartDelay(exits: readonly number[]): number | undefined {
  const last = exits.at(-1)!;
  if (exits.filter((time) => last - time < WINDOW).length >= EXITS_MAX) return undefined;
  let inRow = 1;
  while (inRow < exits.length && exits.at(-inRow)! - exits.at(-inRow - 1)! < WINDOW) inRow++;
  return DELAYS[Math.min(inRow, DELAYS.length) - 1]!;
}
