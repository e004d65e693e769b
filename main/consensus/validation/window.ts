/** Where an object's window stands to the open one; the first thing that every check asks. */
import { WINDOWS_AHEAD_MAX } from "../limits.ts";
import type { WindowFacts } from "../facts.ts";
import type { NodeState } from "../state.ts";

/** `past`: decided and of no more use. `live`: the open window or the one before. `ahead`: kept until it opens. `far`: not kept. */
export type WindowStanding = "past" | "live" | "ahead" | "far";

export function standingOf(state: NodeState, window: bigint): WindowStanding {
  if (window + 1n < state.window) return "past";
  if (window <= state.window) return "live";
  return window <= state.window + WINDOWS_AHEAD_MAX ? "ahead" : "far";
}

/** The Node Table that an object's signer is looked up in: that before its window, or the newest known. */
export function factsFor(state: NodeState, window: bigint): WindowFacts {
  return state.chain.factsOf(window) ?? state.chain.facts;
}
