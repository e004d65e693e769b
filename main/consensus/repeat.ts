/** Repetition while a window is undecided (chapter 03 §6.3), so that no lost message stops the chain. */
import { PRECOMMIT, PREVOTE, type ProposalHeader } from "../protocol/objects/consensus.ts";
import type { Effect } from "./effects.ts";
import type { PeerId } from "./events.ts";
import { FETCH_IDS_MAX, FETCH_WINDOWS_MAX, FETCHED_AHEAD_MIN } from "./limits.ts";
import type { Message } from "./objects.ts";
import { NOTHING_ASKED, type NodeState } from "./state.ts";
import { isHeld } from "./rules/validate.ts";

/** While the first round goes on as it should, peers are told everything only so often: it is most of what a node sends. */
const REPETITIONS_PER_TELLING = 4;

/** Own words go to everybody; everything held goes to one peer in turn, which mends what got lost on the way of others. */
export function repeatWords(state: NodeState, out: Effect[]): void {
  // Before its T is known there is nothing about a window that others wait for.
  if (state.timechainValue !== undefined) {
    for (const message of [...ownWords(state), ...newestPolka(state)]) out.push({ kind: "broadcast", message });
    state.repetitions++;
    if (state.round.round > 1 || state.repetitions % REPETITIONS_PER_TELLING === 0) tellNextPeer(state, out);
  }
  for (const wanted of state.wanted.values()) wanted.isAsked = false;
  state.asked = NOTHING_ASKED;
  state.isBehind = state.seenWindow > state.window;
  state.startTimer(out, "resend", 0);
}

function tellNextPeer(state: NodeState, out: Effect[]): void {
  const peer = state.peers[state.nextPeer % Math.max(1, state.peers.length)];
  state.nextPeer++;
  if (peer !== undefined) tellPeer(state, out, peer);
}

/** Everything about the open window, to a peer that may have missed it. */
export function tellPeer(state: NodeState, out: Effect[], to: PeerId): void {
  const messages = [...heldObjects(state), ...newestPolka(state)];
  if (messages.length > 0) out.push({ kind: "send", to, messages });
}

/** Objects of the open window and the one before: the latter's bundles and reveals are what a proposal is made of. */
function ownWords(state: NodeState): Message[] {
  const { window, signed } = state;
  const last = signed.lastRound(window);
  const words = [...signed.finished(window - 1n), ...signed.finished(window)].filter(({ type, object }) => {
    if (type === "bundle" || type === "reveal") return true;
    return object.windowIndex === window && (type !== "vote" || object.round === last);
  });
  return words.flatMap((word) => {
    const body = word.type === "header" ? bodyOf(state, word.object) : [];
    return [state.objects.signed(word), ...body];
  });
}

function bodyOf(state: NodeState, header: ProposalHeader): Message[] {
  const body = state.proposals.get(state.objects.identify("header", header))?.body;
  return body === undefined ? [] : [state.objects.messageOf("body", body)];
}

function newestPolka(state: NodeState): Message[] {
  const { votes, round } = state;
  const polka = votes.highestPolkaBelow(round.round + 1);
  if (polka === undefined) return [];
  return votes.votesFor(polka.round, PREVOTE, polka.value).map((object) => state.objects.messageOf("vote", object));
}

function heldObjects(state: NodeState): Message[] {
  const { window, bundles, reveals, proposals, votes } = state;
  const windows = [window - 1n, window];
  return [
    ...windows.flatMap((of) => bundles.all(of)).map(({ object }) => state.objects.messageOf("bundle", object)),
    ...windows.flatMap((of) => reveals.all(of)).map(({ object }) => state.objects.messageOf("reveal", object)),
    ...proposals
      .all()
      .flatMap(({ header, body, standing }) =>
        standing.at === "invalid"
          ? []
          : [
              state.objects.messageOf("header", header),
              ...(body === undefined ? [] : [state.objects.messageOf("body", body)]),
            ],
      ),
    ...votes.votesFrom(state.round.round - 1).map((object) => state.objects.messageOf("vote", object)),
    ...votes
      .commits()
      .flatMap(({ round, value }) =>
        votes.votesFor(round, PRECOMMIT, value).map((object) => state.objects.messageOf("vote", object)),
      ),
  ];
}

/** Asks for what rules want and nobody has brought; each once, and again after every repetition. */
export function fetchWanted(state: NodeState, out: Effect[]): void {
  if (!state.isOpen) return;
  const hashes = [];
  for (const [key, wanted] of state.wanted) {
    if (isHeld(state, wanted.hash)) state.wanted.delete(key);
    else if (!wanted.isAsked && hashes.length < FETCH_IDS_MAX) {
      wanted.isAsked = true;
      hashes.push(wanted.hash);
    }
  }
  if (hashes.length > 0) out.push({ kind: "fetch-objects", hashes });
}

/** Somebody is further on: decided windows are asked for, the next ones before the last have been taken in. */
export function fetchWindows(state: NodeState, out: Effect[]): void {
  const { window, fetched, seenWindow: seen } = state;
  if (!state.isOpen || !(seen > window + 1n || state.isBehind) || fetched.size > FETCHED_AHEAD_MIN) return;
  let first = window;
  for (const held of fetched.keys()) if (held >= first) first = held + 1n;
  // What was asked for and has not come is asked for again with the next repetition.
  if (first < state.asked.end) return;
  const end = window + FETCH_WINDOWS_MAX;
  state.asked = { first, end };
  state.isBehind = false;
  out.push({ kind: "notify", notice: { code: "behind", window, seen } });
  out.push({ kind: "fetch-windows", first, count: end - first });
}
