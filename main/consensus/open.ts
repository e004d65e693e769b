/** A window opens: after a start, or when the one before is safely stored (chapter 03 §6.5, "decide"). */
import { byteKey } from "../protocol/bytes.ts";
import { genesisTimechainValue } from "../protocol/timechain/genesisValue.ts";
import { checkHeader } from "../protocol/validation/header.ts";
import { checkSigner } from "../protocol/validation/signer.ts";
import { operation as operationClass } from "../protocol/objects/operations.ts";
import { dropWrongEndpoints, learnTime } from "./adoptTime.ts";
import { loadMaterial } from "./catchUp.ts";
import type { Effect } from "./effects.ts";
import type { Committed, Started } from "./events.ts";
import type { WindowView } from "./facts.ts";
import type { LoggedObject } from "./material.ts";
import type { Message } from "./objects.ts";
import { VoteBook } from "./pools/votes.ts";
import { admitBody, admitHeader, admitVote, noteSeen, recheckHeld } from "./receive.ts";
import { UNARMED, type NodeState } from "./state.ts";

export function start(state: NodeState, out: Effect[], started: Started): void {
  const { crypto, chain } = state;
  for (const { window, value } of started.times) learnTime(state, window, value, "computed");
  if (started.view.window === 0n) learnTime(state, 0n, genesisTimechainValue(crypto), "computed");
  for (const { view, header, body, bundles } of started.past) {
    chain.open(view);
    chain.decide({ header, hash: state.objects.identify("header", header), body });
    state.times.record(header.windowIndex, header.timechainValue, "adopted");
    for (const bundle of bundles) state.bundles.addOnce(bundle, state.objects.identify("bundle", bundle));
  }
  beginWindow(state, out, started.view);
  for (const logged of started.log) remember(state, logged);
  for (const logged of started.log) {
    const { windowIndex } = logged.signed.object;
    if (windowIndex === state.window - 1n || windowIndex === state.window) recall(state, out, logged);
  }
}

/** §6.9: nothing is signed that contradicts what was signed before. */
function remember(state: NodeState, logged: LoggedObject): void {
  const { crypto } = state;
  const { signed, keep } = logged;
  const { windowIndex } = signed.object;
  state.signed.record(signed);
  noteSeen(state, windowIndex);
  if (signed.type === "bundle") {
    const attested = keep.operations.map((operation) => ({
      operation,
      opHash: operationClass.identify(crypto, operation),
    }));
    state.operations.attestations.record(attested, windowIndex);
  }
  // The store is older than the log: those windows were decided before, and will be again.
  if (windowIndex > state.window) {
    const others = state.loggedAhead.get(windowIndex) ?? [];
    state.loggedAhead.set(windowIndex, [...others, logged]);
  }
}

/** What was signed for the open window, or the one before, counts again. */
function recall(state: NodeState, out: Effect[], { signed, keep }: LoggedObject): void {
  loadMaterial(state, out, keep);
  if (signed.type === "bundle") state.bundles.addOnce(signed.object, state.objects.identify("bundle", signed.object));
  if (signed.type === "reveal") state.reveals.addOnce(signed.object, state.objects.identify("reveal", signed.object));
  if (signed.object.windowIndex !== state.window) return;
  if (signed.type === "vote" && state.votes.place(signed.object) !== "duplicate") state.votes.add(signed.object);
  const header = signed.type === "header" ? signed.object : keep.header;
  if (header === undefined) return;
  admitHeader(state, out, header, state.objects.identify("header", header));
  if (keep.body !== undefined) admitBody(state, keep.body);
}

/** The decided window is stored; the next one opens over it. */
export function openNext(state: NodeState, out: Effect[], committed: Committed): void {
  const { deciding } = state;
  if (deciding === undefined || committed.view.window !== state.window + 1n) return;
  const window = state.window;
  state.operations.close(committed.settled, window);
  const registered = new Set(committed.registered.map(byteKey));
  state.registrations.close(registered, window, state.rules.params.tau2Windows);
  state.chain.decide(deciding);
  beginWindow(state, out, committed.view);
  for (const logged of state.loggedAhead.get(state.window) ?? []) recall(state, out, logged);
  state.loggedAhead.delete(state.window);
  recheckHeld(state);
  releaseHeld(state, out);
}

function beginWindow(state: NodeState, out: Effect[], view: WindowView): void {
  const { window } = view;
  state.chain.open(view);
  state.round = UNARMED;
  state.grace = "off";
  state.proposals.clear();
  state.votes = new VoteBook(state.chain.facts.weights);
  state.draft = undefined;
  state.transitions.clear();
  state.listing = "unasked";
  state.unmatchedBodies = [];
  state.ownBodies = [];
  state.deciding = undefined;
  state.wanted.clear();
  state.loggedMaterial.clear();
  state.isBehind = false;
  // One window more than rules need, for peers that ask.
  state.bundles.forgetBefore(window - 2n);
  state.reveals.forgetBefore(window - 2n);
  state.signed.forgetBefore(window - 1n);
  state.times.forgetBefore(window - 1n);
  for (const known of state.heldAtTick.keys()) if (known < window) state.heldAtTick.delete(known);
  for (const known of state.fetched.keys()) if (known < window) state.fetched.delete(known);
  dropWrongEndpoints(state, window);
  state.startTimer(out, "resend", 0);
}

/** Headers, bodies and votes of this window that came while the one before was open. */
function releaseHeld(state: NodeState, out: Effect[]): void {
  const { headers, bodies, votes } = state.held;
  state.held = { headers: [], bodies: [], votes: [] };
  const { chain, crypto, self } = state;
  const relay = (message: Message): void => {
    out.push({ kind: "broadcast", message });
  };
  for (const header of headers) {
    const failure = checkHeader(crypto, header, chain.previous?.header, chain.facts, self.protocolVersionMax, {
      signature: "assume-valid",
    });
    if (failure !== undefined) continue;
    const { verdict } = admitHeader(state, out, header, state.objects.identify("header", header));
    if (verdict === "accept") relay(state.objects.messageOf("header", header));
  }
  for (const body of bodies) {
    if (admitBody(state, body).verdict === "accept") relay(state.objects.messageOf("body", body));
  }
  for (const vote of votes) {
    const isVoter = checkSigner(chain.facts, vote.nodeId) === undefined && chain.facts.weights.of(vote.nodeId) > 0n;
    if (isVoter && admitVote(state, out, vote).verdict === "accept") relay(state.objects.messageOf("vote", vote));
  }
}
