/** What a network's configuration switches (spec README, profiles; chapter 05 §2). One place, so that no rule hides in a condition. */
import type { ProtocolParams } from "./params.ts";

/** `spec`: new networks. `rc1`: follow a producer of the reference release v1.0.0-rc.1. */
export type Profile = "spec" | "rc1";

/** `per-window`: at most one candidate a window, which takes its emission. `selection`: a draw every `selectionInterval` windows. */
export type Admission = "per-window" | "selection";

export interface NetworkRules {
  readonly params: ProtocolParams;
  readonly profile: Profile;
  readonly admission: Admission;
  /** Account snapshots, pruning, eviction, audit and adaptation at τ₂ boundaries (chapter 04 §4.8). */
  readonly tau2Maintenance: boolean;
  /**
   * `present-since-start`: idle time counts from max(start window, last confirmation) and a node must have been present once.
   * `literal`: the reference's predicate, from the last confirmation alone (chapter 02 §4.8, decision E3).
   */
  readonly activity: "present-since-start" | "literal";
}

/** The rules of a profile; `admission` may be set apart from it, as in conformance runs. */
export function rulesOf(params: ProtocolParams, profile: Profile, admission?: Admission): NetworkRules {
  const isSpec = profile === "spec";
  const chosen = admission ?? (isSpec ? "per-window" : "selection");
  return {
    params,
    profile,
    admission: chosen,
    tau2Maintenance: isSpec,
    activity: isSpec && chosen === "per-window" ? "present-since-start" : "literal",
  };
}
