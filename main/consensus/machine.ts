/**
 * The window state machine for N nodes (chapter 03 §6): one event in, effects out. It knows no clock, no disk and no table; the
 * same events in the same order give the same effects. A node alone is the same machine with a quorum of one.
 */
import { byteKey, type Hash32, type NodeId } from "../protocol/bytes.ts";
import type { Crypto } from "../protocol/crypto.ts";
import { invariant, ProtocolError } from "../protocol/errors.ts";
import type { NetworkRules } from "../protocol/genesis/rules.ts";
import { adoptTime, runVdf, takeTick } from "./adoptTime.ts";
import { queueFetched, takeFetched } from "./catchUp.ts";
import type { Effect } from "./effects.ts";
import type { MachineEvent, PeerId } from "./events.ts";
import type { ObjectBytes } from "./objectBytes.ts";
import { operationMessage, registrationMessage, type Message, type Signed } from "./objects.ts";
import { openNext, start } from "./open.ts";
import { newProposal } from "./pools/proposals.ts";
import { askForListing, signBundle, signReveal } from "./publish.ts";
import { admitVote, askForChecks, receive, takeChecks } from "./receive.ts";
import { fetchWanted, fetchWindows, repeatWords, tellPeer } from "./repeat.ts";
import { arm } from "./rules/arm.ts";
import { decide, noticeSecondCertificate } from "./rules/decide.ts";
import { enterNextRound, startPhaseTimers } from "./rules/nextRound.ts";
import { buildProposal, signProposal } from "./rules/propose.ts";
import { validateProposals } from "./rules/validate.ts";
import { precommit, prevote } from "./rules/vote.ts";
import { NodeState, type Self } from "./state.ts";
import type { Timer } from "./timers.ts";

/** Acts on the state where it applies; true where it changed something that others look at. */
type Rule = (state: NodeState, out: Effect[]) => boolean;

/** The rules reach a fixed point in a few passes; more mean that two of them undo each other. */
const PASSES_MAX = 1000;

export interface MachineOptions {
  /** Shared by machines of one process. */
  readonly objects?: ObjectBytes | undefined;
}

export class WindowMachine {
  readonly #state: NodeState;
  #isStarted = false;

  constructor(crypto: Crypto, rules: NetworkRules, self: Self, { objects }: MachineOptions = {}) {
    this.#state = new NodeState(crypto, rules, self, objects);
  }

  /** W, the window that is being decided. */
  get window(): bigint {
    return this.#state.window;
  }

  /** r; 0 until the window is armed. */
  get round(): number {
    return this.#state.round.round;
  }

  /** As the Node Table before W has it; undefined for whoever is not in it. */
  startWindowOf(nodeId: NodeId): bigint | undefined {
    return this.#state.chain.facts.get(nodeId)?.startWindow;
  }

  /** The effects that `event` leads to, in order. The first event is `started`. After a `halt` there are none. */
  step(event: MachineEvent): readonly Effect[] {
    const out: Effect[] = [];
    const state = this.#state;
    if (state.isHalted) return out;
    invariant(this.#isStarted === (event.kind !== "started"), "a machine starts once, and first");
    this.#isStarted = true;
    try {
      this.#take(out, event);
      this.#advance(out);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      state.isHalted = true;
      out.push({ kind: "halt", code: String(error.code), params: error.params });
    }
    return out;
  }

  /** What peers may fetch by identifier: a header comes with its body. */
  find(hash: Hash32): readonly Message[] {
    const { bundles, reveals, proposals, operations, registrations, objects } = this.#state;
    const proposal = proposals.get(hash);
    if (proposal !== undefined && proposal.standing.at !== "invalid") {
      const header = objects.messageOf("header", proposal.header);
      return proposal.body === undefined ? [header] : [header, objects.messageOf("body", proposal.body)];
    }
    const bundle = bundles.get(hash);
    if (bundle !== undefined) return [objects.messageOf("bundle", bundle.object)];
    const reveal = reveals.get(hash);
    if (reveal !== undefined) return [objects.messageOf("reveal", reveal.object)];
    const operation = operations.get(hash);
    if (operation !== undefined) return [operationMessage(operation.operation)];
    const registration = registrations.get(hash);
    return registration === undefined ? [] : [registrationMessage(registration.registration)];
  }

  #take(out: Effect[], event: MachineEvent): void {
    const state = this.#state;
    switch (event.kind) {
      case "started":
        start(state, out, event);
        return;
      case "received":
        receive(state, out, event.messages);
        return;
      case "ticked":
        takeTick(state, out, event);
        return;
      case "iterations-found":
        // Only a follower of an rc.1 producer asks.
        return;
      case "signed":
        takeSigned(state, out, event.signed);
        return;
      case "listed":
        signBundle(state, out, event);
        return;
      case "checked":
        takeChecks(state, out, event);
        return;
      case "transition-computed":
        if (state.transitions.has(byteKey(event.key))) state.transitions.set(byteKey(event.key), event.outcome);
        return;
      case "committed":
        openNext(state, out, event);
        return;
      case "window-fetched":
        queueFetched(state, event);
        return;
      case "timer-expired":
        takeTimer(state, out, event.timer);
        return;
      case "peer-connected":
        connect(state, out, event.peer);
        return;
      case "peer-disconnected":
        state.peers.splice(0, state.peers.length, ...state.peers.filter((peer) => peer !== event.peer));
        return;
    }
  }

  /** §6.5, `step()`: idempotent; applied until nothing changes. */
  #advance(out: Effect[]): void {
    const state = this.#state;
    const rules: readonly Rule[] = [
      takeFetched,
      adoptTime,
      askForListing,
      signReveal,
      arm,
      buildProposal,
      signProposal,
      validateProposals,
      prevote,
      precommit,
      startPhaseTimers,
      decide,
      enterNextRound,
    ];
    for (let pass = 0; rules.filter((rule) => rule(state, out)).length > 0; pass++) {
      invariant(pass < PASSES_MAX, "the rules of a window come to rest");
    }
    noticeSecondCertificate(state, out);
    wantNamedProposals(state);
    fetchWanted(state, out);
    fetchWindows(state, out);
    askForChecks(state, out);
    runVdf(state, out);
  }
}

/** An own object is signed and logged: it counts, and leaves. */
function takeSigned(state: NodeState, out: Effect[], signed: Signed): void {
  const { objects, window } = state;
  // Meanwhile the same key may have signed something else elsewhere: this one stays here.
  if (!state.signed.record(signed)) return;
  out.push({ kind: "broadcast", message: objects.signed(signed) });
  switch (signed.type) {
    case "bundle":
      state.bundles.addOnce(signed.object, objects.identify("bundle", signed.object));
      return;
    case "reveal":
      state.reveals.addOnce(signed.object, objects.identify("reveal", signed.object));
      return;
    case "vote":
      if (signed.object.windowIndex === window) admitVote(state, out, signed.object);
      return;
    case "header": {
      const hash = objects.identify("header", signed.object);
      const body = state.ownBodies.find(({ proposalHash }) => byteKey(proposalHash) === byteKey(hash));
      if (signed.object.windowIndex !== window || body === undefined) return;
      out.push({ kind: "broadcast", message: objects.messageOf("body", body) });
      state.proposals.put(newProposal(signed.object, hash, body));
    }
  }
}

function takeTimer(state: NodeState, out: Effect[], { name, window, round }: Timer): void {
  if (!state.isOpen || window !== state.window) return;
  switch (name) {
    case "grace":
      state.grace = "expired";
      return;
    case "propose":
    case "prevote":
    case "precommit":
      if (round === state.round.round) state.round = { ...state.round, [name]: "expired" };
      return;
    case "resend":
      repeatWords(state, out);
  }
}

function connect(state: NodeState, out: Effect[], peer: PeerId): void {
  if (!state.peers.includes(peer)) state.peers.push(peer);
  tellPeer(state, out, peer);
}

/** Votes of more than a third of the weight name it: some honest node holds it (§10). */
function wantNamedProposals(state: NodeState): void {
  state.want(state.votes.namedByThird().filter((hash) => state.proposals.get(hash)?.body === undefined));
}
