/** The welcome bonus as a moment: which one it is, and whether the person has seen it. */
import type { HistoryEntry } from "../../../main/api/contract.ts";

export interface Welcome {
  /** nɈ. */
  readonly amount: string;
  readonly window: number;
  readonly accountId: string;
  /** In the preferences' list of moments that were seen. */
  readonly name: string;
}

/** As many moments as the host remembers; older ones make room. */
const SEEN_MAX = 64;
const ID_DIGITS = 16;

/** The bonus in the history, newest first; null where there is none. */
export function welcomeOf(history: readonly HistoryEntry[]): Welcome | null {
  const entry = history.find(({ kind }) => kind === "bonus");
  if (entry?.amount == null || entry.window === null) return null;
  const { amount, window, accountId } = entry;
  return { amount, window, accountId, name: `welcome-${window}-${accountId.slice(0, ID_DIGITS)}` };
}

export function withSeen(seen: readonly string[], name: string): string[] {
  return [...seen.filter((other) => other !== name), name].slice(-SEEN_MAX);
}
