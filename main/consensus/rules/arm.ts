/** armed(W), and how rounds begin (chapter 03 §6.1, §6.3). */
import type { Effect } from "../effects.ts";
import { ROUND_MAX } from "../limits.ts";
import type { NodeState } from "../state.ts";

/** Round 1 starts when T_W is known and bundles of the window reach the quorum; after a restart, the round voted in last. */
export function arm(state: NodeState, out: Effect[]): boolean {
  if (!state.isOpen || state.round.round > 0 || state.timechainValue === undefined) return false;
  if (!state.chain.facts.weights.isQuorum(state.weightOfBundles(state.window))) return false;
  out.push({ kind: "notify", notice: { code: "armed", window: state.window } });
  state.grace = "running";
  state.startTimer(out, "grace", 0);
  enterRound(state, out, Math.max(1, state.signed.lastRound(state.window)));
  return true;
}

export function enterRound(state: NodeState, out: Effect[], round: number): void {
  state.round = { round: Math.min(round, ROUND_MAX), propose: "running", prevote: "off", precommit: "off" };
  state.draft = undefined;
  state.startTimer(out, "propose", state.round.round);
  out.push({ kind: "notify", notice: { code: "round", window: state.window, round: state.round.round } });
}
