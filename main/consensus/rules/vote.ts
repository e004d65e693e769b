/** Prevote, precommit and lock (chapter 03 §6.3). */
import { byteKey, type Hash32 } from "../../protocol/bytes.ts";
import { PRECOMMIT, PREVOTE } from "../../protocol/objects/consensus.ts";
import type { Effect } from "../effects.ts";
import { NO_MATERIAL, type Material } from "../material.ts";
import { NIL, isNil } from "../objects.ts";
import type { Phase, Polka } from "../pools/votes.ts";
import { voteKey } from "../signedLog.ts";
import type { NodeState } from "../state.ts";
import { materialOf } from "./material.ts";

/** A node of weight 0 sends no votes; neither does one that has stopped signing. */
function mayVote(state: NodeState, phase: Phase): boolean {
  const { round, window } = state;
  if (!state.isOpen || round.round === 0 || state.silence !== undefined || state.ownWeight === 0n) return false;
  return !state.signed.has(voteKey(window, round.round, phase));
}

export function prevote(state: NodeState, out: Effect[]): boolean {
  if (!mayVote(state, PREVOTE)) return false;
  const value = choosePrevote(state);
  if (value === undefined) return false;
  signVote(state, out, PREVOTE, value);
  return true;
}

export function precommit(state: NodeState, out: Effect[]): boolean {
  if (!mayVote(state, PRECOMMIT)) return false;
  const value = choosePrecommit(state);
  if (value === undefined) return false;
  signVote(state, out, PRECOMMIT, value);
  return true;
}

/** The first rule that applies: the highest polka; a fresh proposal of the round's leader; nil when time is up. */
function choosePrevote(state: NodeState): Hash32 | undefined {
  const polka = highestPolka(state);
  const value = polka === undefined ? freshProposal(state) : valueOfPolka(state, polka);
  return value ?? (state.round.propose === "expired" ? NIL : undefined);
}

/** Rule 1. The own lock is a polka, whether or not its votes are still held. */
function highestPolka(state: NodeState): Polka | undefined {
  const { round } = state.round;
  const lock = state.signed.lock(state.window);
  const polka = state.votes.highestPolkaBelow(round);
  if (lock === undefined || lock.round >= round) return polka;
  return polka === undefined || polka.round < lock.round ? lock : polka;
}

function valueOfPolka(state: NodeState, { value }: Polka): Hash32 | undefined {
  return state.proposals.isValid(value) ? value : undefined;
}

/** Rule 2. Two valid headers of one leader and depth get no vote. */
function freshProposal(state: NodeState): Hash32 | undefined {
  const valid = state.proposals.atDepth(state.round.round).filter(({ standing }) => standing.at === "valid");
  const [only] = valid;
  if (only === undefined) return undefined;
  if (valid.length > 1) return NIL;
  return only.standing.at === "valid" && !only.standing.omits ? only.hash : undefined;
}

/** Once a round: what has a polka in it, which is the lock from now on; nil when a quorum wants nothing or time is up. */
function choosePrecommit(state: NodeState): Hash32 | undefined {
  const { round, prevote: prevoteTimer } = state.round;
  const value = state.votes.quorumValue(round, PREVOTE);
  if (value !== undefined && state.proposals.isValid(value)) return value;
  const isNilWanted = state.votes.hasQuorum(round, PREVOTE, NIL);
  return isNilWanted || prevoteTimer === "expired" ? NIL : undefined;
}

function signVote(state: NodeState, out: Effect[], phase: Phase, proposalHash: Hash32): void {
  const object = {
    nodeId: state.self.nodeId,
    windowIndex: state.window,
    round: state.round.round,
    phase,
    proposalHash,
  };
  const keep = phase === PRECOMMIT && !isNil(proposalHash) ? lockMaterial(state, proposalHash) : NO_MATERIAL;
  state.sign(out, { type: "vote", object }, keep);
}

/** A lock binds to a value that must be at hand after a restart, even if all nodes restart at once. */
function lockMaterial(state: NodeState, hash: Hash32): Material {
  const proposal = state.proposals.get(hash);
  if (proposal?.body === undefined || state.loggedMaterial.has(byteKey(hash))) return NO_MATERIAL;
  state.loggedMaterial.add(byteKey(hash));
  return { ...materialOf(state, proposal.body), header: proposal.header, body: proposal.body };
}
