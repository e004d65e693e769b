/** How far this node is in step with its network, as a word and its values. */
import type { Output, Status } from "../../../main/api/contract.ts";

export type Standing =
  | { readonly word: "opening" | "snapshot" | "waiting" | "notStarted" }
  | { readonly word: "behind"; readonly behind: number }
  | { readonly word: "live" | "alone"; readonly window: number; readonly atMs: number | null }
  /** In step, but nothing came for long. */
  | { readonly word: "quiet"; readonly window: number; readonly sinceMs: number };

/** So many usual windows without a new one are worth a word. */
const QUIET_WINDOWS = 5;
/** Short windows come unevenly. */
const QUIET_MS_MIN = 10_000;
/** Where none was measured: a window is meant to take about a minute. */
const UNMEASURED_SECONDS = 60;

export function standingOf(
  {
    window,
    windowAtMs,
    meanWindowSeconds,
    sync,
  }: Pick<Output<"networkView">, "window" | "windowAtMs" | "meanWindowSeconds" | "sync">,
  nowMs: number,
): Standing {
  switch (sync.state) {
    case "opening":
    case "snapshot":
    case "waiting":
      return { word: sync.state };
    case "catching-up":
      return { word: "behind", behind: sync.behind };
    case "live":
    case "alone": {
      if (window === null) return { word: "notStarted" };
      const quietMs = Math.max(QUIET_MS_MIN, QUIET_WINDOWS * 1000 * (meanWindowSeconds ?? UNMEASURED_SECONDS));
      if (windowAtMs !== null && nowMs - windowAtMs > quietMs) return { word: "quiet", window, sinceMs: windowAtMs };
      return { word: sync.state, window, atMs: windowAtMs };
    }
  }
}

/** Of 1; null where the whole is not known. */
export function progressOf(progress: Status["progress"]): number | null {
  const { done, total } = progress ?? { done: 0, total: null };
  return total === null || total <= 0 ? null : Math.min(1, Math.max(0, done / total));
}
