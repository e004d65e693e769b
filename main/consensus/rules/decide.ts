/** A quorum of precommits decides (chapter 03 §6.3), and what it decides is stored before anything follows from it. */
import { PRECOMMIT } from "../../protocol/objects/consensus.ts";
import type { Effect } from "../effects.ts";
import type { DecidedWindow } from "../material.ts";
import type { Proposal } from "../pools/proposals.ts";
import type { Polka } from "../pools/votes.ts";
import type { NodeState } from "../state.ts";
import { materialOf } from "./material.ts";

export function decide(state: NodeState, out: Effect[]): boolean {
  if (!state.isOpen) return false;
  const commit = state.votes.commit();
  if (commit === undefined) return false;
  const proposal = state.proposals.get(commit.value);
  if (proposal?.body === undefined) state.want([commit.value]);
  if (proposal === undefined) return false;
  if (proposal.standing.at === "invalid") return doubtOwnState(state, out, proposal);
  if (proposal.standing.at !== "valid" || proposal.body === undefined) return false;
  const { header, hash, body, standing } = proposal;
  const certificate = state.votes.votesFor(commit.round, PRECOMMIT, hash);
  const { key, inputs } = standing;
  commitWindow(state, out, { ...materialOf(state, body), header, hash, body, certificate, key, inputs });
  out.push({ kind: "notify", notice: noticeOf(state, proposal, commit) });
  return true;
}

/** From here on the window only waits for the store. */
export function commitWindow(state: NodeState, out: Effect[], decided: DecidedWindow): void {
  state.deciding = decided;
  for (const name of ["grace", "propose", "prevote", "precommit", "resend"] as const) {
    out.push({ kind: "cancel-timer", name });
  }
  out.push({ kind: "persist", decided });
}

/**
 * A quorum found valid what is not valid here. Where own time or own state differ, this node must not sign on; anything else
 * may lie in a copy that was spoilt on the way here, and is asked for together with the decided window.
 */
function doubtOwnState(state: NodeState, out: Effect[], { standing }: Proposal): false {
  const failure = standing.at === "invalid" ? standing.failure : undefined;
  if (failure === "wrong-timechain-value") state.fallSilent(out, "adopted-time-differs");
  else if (failure === "wrong-state-root") state.fallSilent(out, "certified-state-differs");
  else state.isBehind = true;
  return false;
}

function noticeOf(state: NodeState, { hash, header }: Proposal, { round }: Polka) {
  return { code: "decided", window: state.window, hash, depth: header.fallbackDepth, round } as const;
}

/** Cannot happen while less than 34 % of the weight is faulty. */
export function noticeSecondCertificate(state: NodeState, out: Effect[]): void {
  if (state.isHalted || state.votes.commits().length < 2) return;
  state.fallSilent(out, "two-certificates");
}
