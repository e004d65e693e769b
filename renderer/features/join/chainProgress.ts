/** The candidate chain as a person sees it: windows done of how many, the one that is computed now, and what it waits for. */
import { chainProgressTenths } from "../../../main/protocol/entry/status.ts";
import type { Candidate } from "./joinStage.ts";

export interface ChainProgress {
  readonly windowsDone: number;
  readonly windowsTotal: number;
  /** Of the whole, 0 to 1. */
  readonly share: number;
  /** Chapter 05 §7.2: below 1 with one decimal, else whole and cut. */
  readonly percent: number;
  /** Iterations of the window that is computed, of `d`. */
  readonly iterations: number;
  readonly d: number;
  readonly activity: ChainActivity;
}

/** What the chain does now. */
export type ChainActivity =
  | "runs"
  /** Until the person lets it go on. */
  | "paused"
  /** Until the computer is on mains again. */
  | "waits-for-mains"
  | "waits"
  /** Finished; its registration is sent, or will be as soon as the network takes it. */
  | "publishing"
  | "finished";

export function chainProgress({ done, total, d, ...candidate }: Candidate): ChainProgress {
  const windowsTotal = d === 0 ? 0 : Math.round(total / d);
  const windowsDone = d === 0 ? 0 : Math.min(windowsTotal, Math.floor(done / d));
  return {
    windowsDone,
    windowsTotal,
    share: total === 0 ? 0 : Math.min(1, done / total),
    percent: windowsTotal === 0 ? 0 : chainProgressTenths(BigInt(windowsDone), BigInt(windowsTotal)) / 10,
    iterations: windowsDone === windowsTotal ? 0 : done - windowsDone * d,
    d,
    activity: activityOf(candidate, windowsDone === windowsTotal),
  };
}

function activityOf(
  { isPublishing, isPaused, waitsFor }: Pick<Candidate, "isPublishing" | "isPaused" | "waitsFor">,
  isFinished: boolean,
): ChainActivity {
  if (isPublishing) return "publishing";
  if (isFinished) return "finished";
  if (isPaused) return "paused";
  if (waitsFor === null) return "runs";
  return waitsFor === "mains" ? "waits-for-mains" : "waits";
}
