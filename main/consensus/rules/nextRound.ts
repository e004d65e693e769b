/** Phase timers and the way into later rounds (chapter 03 §6.3). Rounds do not run away while less than a quorum is there. */
import { PRECOMMIT, PREVOTE } from "../../protocol/objects/consensus.ts";
import type { Effect } from "../effects.ts";
import { ROUND_MAX } from "../limits.ts";
import type { NodeState } from "../state.ts";
import { enterRound } from "./arm.ts";

/** A phase is given time from the moment a quorum has voted anything in it. */
export function startPhaseTimers(state: NodeState, out: Effect[]): boolean {
  const { round } = state.round;
  if (!state.isOpen || round === 0) return false;
  let isStarted = false;
  for (const [name, phase] of [
    ["prevote", PREVOTE],
    ["precommit", PRECOMMIT],
  ] as const) {
    if (state.round[name] !== "off" || !state.votes.isSettled(round, phase)) continue;
    state.round = { ...state.round, [name]: "running" };
    state.startTimer(out, name, round);
    isStarted = true;
  }
  return isStarted;
}

/** The precommit timer expired, or more than a third of the weight is further on. Round 255 is the last. */
export function enterNextRound(state: NodeState, out: Effect[]): boolean {
  const { round, precommit } = state.round;
  if (!state.isOpen || round === 0 || round === ROUND_MAX) return false;
  const reached = state.votes.roundReachedByThird(round);
  const next = reached ?? (precommit === "expired" ? round + 1 : undefined);
  if (next === undefined) return false;
  enterRound(state, out, next);
  return true;
}
