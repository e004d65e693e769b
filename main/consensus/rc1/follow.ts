/**
 * Follows the only producer of an rc.1 network (chapter 03 §7): one event in, effects out, like the window machine, but it signs
 * and sends nothing of its own. Each window is computed here from the own TimeChain value, and the producer's header must say the
 * same. The producer sends each header once and serves none of them again, so a window whose header this node has missed is
 * computed as well; the next header that comes confirms it.
 */
import { equalBytes, isAllZero, ZERO_HASH, type Hash32, type NodeId } from "../../protocol/bytes.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { invariant, ProtocolError } from "../../protocol/errors.ts";
import type { NetworkRules } from "../../protocol/genesis/rules.ts";
import { nodeIdOf } from "../../protocol/identity/ids.ts";
import { proposalHeader, type ProposalHeader } from "../../protocol/objects/consensus.ts";
import {
  checkSingletonHeader,
  differingField,
  singletonHeader,
  singletonTransition,
} from "../../protocol/rc1/singleton.ts";
import { genesisTimechainValue } from "../../protocol/timechain/genesisValue.ts";
import { adaptEpoch } from "../../protocol/transition/adaptEpoch.ts";
import type { WindowInputs } from "../../protocol/transition/applyWindow.ts";
import type { Effect } from "../effects.ts";
import type {
  Committed,
  IterationsFound,
  MachineEvent,
  ReceivedMessage,
  Started,
  Ticked,
  TransitionComputed,
} from "../events.ts";
import type { WindowView } from "../facts.ts";
import { NO_MATERIAL } from "../material.ts";
import { messageOf, tryDecode, type Message } from "../objects.ts";
import { ACCEPT, ignore, reject, type Verdict } from "../verdict.ts";
import { emptyBody, isRecomputed, recomputed } from "./headers.ts";
import { possibleIterations } from "./iterations.ts";

/** Signed headers that wait for the own TimeChain; of more the later ones go: those in between can be computed. */
const HELD_MAX = 64;

interface Held {
  readonly header: ProposalHeader;
  readonly message: ReceivedMessage;
}

/** The window that is being decided; without a header it was missed. */
interface Work {
  readonly held: Held | undefined;
  readonly inputs: WindowInputs;
  readonly header?: ProposalHeader;
}

/** T_`window` of a header is not the own one: are other iterations the reason? */
interface Search {
  readonly window: bigint;
}

export class ProducerFollower {
  /** There are no rounds. */
  readonly round = 0;
  readonly #crypto: Crypto;
  readonly #rules: NetworkRules;
  readonly #producer: NodeId;
  #view!: WindowView;
  #tip: ProposalHeader | undefined;
  /** Own values from the last decided window on, without gaps, to the end of the epoch or to the newest header. */
  readonly #times = new Map<bigint, Hash32>();
  #head = -1n;
  #vdfTarget = -1n;
  /** D of the steps after T_`from`, where the producer's is not that of the rule. */
  #found: { readonly from: bigint; readonly d: bigint } | undefined;
  readonly #held = new Map<bigint, Held>();
  /** Signatures of headers that are not what the window leads to here: such a window is not left behind without its header. */
  readonly #refused = new Map<bigint, Uint8Array>();
  #work: Work | undefined;
  #search: Search | undefined;
  #isHalted = false;

  constructor(crypto: Crypto, rules: NetworkRules) {
    this.#crypto = crypto;
    this.#rules = rules;
    this.#producer = nodeIdOf(crypto, rules.params.bootstrapNodePubkey);
  }

  /** The window whose header is awaited. */
  get window(): bigint {
    return this.#view.window;
  }

  /** As the Node Table before W has it. */
  startWindowOf(nodeId: NodeId): bigint | undefined {
    return this.#view.nodes.find((node) => equalBytes(node.nodeId, nodeId))?.startWindow;
  }

  /** Nothing is kept but what the store has. */
  find(): readonly Message[] {
    return [];
  }

  /** The effects that `event` leads to, in order. The first event is `started`. After a `halt` there are none. */
  step(event: MachineEvent): readonly Effect[] {
    const out: Effect[] = [];
    if (this.#isHalted) return out;
    try {
      this.#take(out, event);
      this.#advance(out);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#isHalted = true;
      out.push({ kind: "halt", code: String(error.code), params: error.params });
    }
    return out;
  }

  #take(out: Effect[], event: MachineEvent): void {
    switch (event.kind) {
      case "started":
        this.#start(event);
        return;
      case "received":
        for (const message of event.messages) this.#receive(out, message);
        return;
      case "ticked":
        this.#tick(event);
        return;
      case "iterations-found":
        this.#takeIterations(out, event);
        return;
      case "transition-computed":
        this.#takeTransition(out, event);
        return;
      case "committed":
        this.#takeCommitted(out, event);
        return;
      case "signed":
      case "listed":
      case "checked":
      case "window-fetched":
      case "timer-expired":
        // Who signs and fetches nothing asks for none of them.
        return;
      case "peer-connected":
      case "peer-disconnected":
      // The producer speaks of itself.
    }
  }

  #start({ view, past, times }: Started): void {
    this.#view = view;
    this.#tip = past.at(-1)?.header;
    const base = view.window === 0n ? 0n : view.window - 1n;
    const value = this.#tip?.timechainValue ?? genesisTimechainValue(this.#crypto);
    invariant(view.window === 0n || this.#tip?.windowIndex === base, "the last header is at hand");
    this.#times.set(base, value);
    this.#head = base;
    for (const { window, value: own } of times) this.#tick({ kind: "ticked", window, value: own });
  }

  #tick({ window, value }: Ticked): void {
    if (window !== this.#head + 1n) return;
    this.#times.set(window, value);
    this.#head = window;
  }

  #receive(out: Effect[], message: ReceivedMessage): void {
    const verdict = message.type === "header" ? this.#takeHeader(out, message) : reject("producer-takes-nothing");
    if (verdict !== undefined) out.push({ kind: "verdict", id: message.id, verdict });
  }

  /** Undefined while the header waits for its window. */
  #takeHeader(out: Effect[], message: ReceivedMessage): Verdict | undefined {
    const header = tryDecode((payload) => proposalHeader.decode(payload), message.payload);
    if (header === undefined) return reject("malformed");
    if (!equalBytes(header.proposerNodeId, this.#producer)) return reject("proposer-not-canonical");
    const { windowIndex: window, signature } = header;
    if (window < this.window) return ignore("window-not-monotone");
    const refused = this.#refused.get(window);
    const isKnown = this.#held.has(window) || this.#work?.held?.header.windowIndex === window;
    if (isKnown || (refused !== undefined && equalBytes(refused, signature))) return ignore("duplicate");
    if (!proposalHeader.verify(this.#crypto, this.#rules.params.bootstrapNodePubkey, header)) {
      return reject("invalid-signature");
    }
    // A step ahead is what a slower TimeChain makes of a header that is in time.
    if (window > this.window + 1n)
      out.push({ kind: "notify", notice: { code: "behind", window: this.window, seen: window } });
    if (this.#held.size >= HELD_MAX) {
      const latest = [...this.#held.keys()].reduce((a, b) => (a > b ? a : b));
      if (window > latest) return ignore("surplus");
      out.push({ kind: "verdict", id: this.#held.get(latest)!.message.id, verdict: ignore("surplus") });
      this.#held.delete(latest);
    }
    this.#held.set(window, { header, message });
    return undefined;
  }

  #advance(out: Effect[]): void {
    if (this.#work === undefined && this.#search === undefined) {
      if (this.#compareTimes(out)) this.#beginWindow(out);
    }
    this.#runVdf(out);
  }

  /** Each header's T against the own one, as far as that is computed; false where the own one is in doubt. */
  #compareTimes(out: Effect[]): boolean {
    for (const [window, { header }] of this.#held) {
      const own = this.#times.get(window);
      if (own === undefined || equalBytes(own, header.timechainValue)) continue;
      const from = window === 0n ? undefined : this.#timeBefore(window);
      if (window > 0n && from === undefined) continue;
      if (from !== undefined) {
        this.#search = { window };
        const candidates = possibleIterations(this.#rules.params, this.#iterationsAfter(window - 1n));
        out.push({ kind: "find-iterations", window, from, to: header.timechainValue, candidates });
        return false;
      }
      this.#refuse(out, window, "wrong-timechain-value");
    }
    return true;
  }

  /** Of the window before, from the own chain where that is confirmed, else from its header. */
  #timeBefore(window: bigint): Hash32 | undefined {
    if (window === this.window) return this.#times.get(window - 1n);
    return this.#held.get(window - 1n)?.header.timechainValue;
  }

  #takeIterations(out: Effect[], { window, iterations }: IterationsFound): void {
    if (this.#search?.window !== window) return;
    this.#search = undefined;
    if (iterations === undefined || iterations === this.#iterationsAfter(window - 1n)) {
      this.#refuse(out, window, "wrong-timechain-value");
      return;
    }
    const { tau2Windows } = this.#rules.params;
    const boundary = ((window - 1n) / tau2Windows) * tau2Windows;
    const from = boundary > this.window - 1n ? boundary : this.window - 1n;
    const value = this.#times.get(from);
    invariant(value !== undefined, "own values have no gaps");
    this.#found = { from, d: iterations };
    for (const known of this.#times.keys()) if (known > from) this.#times.delete(known);
    this.#head = from;
    this.#vdfTarget = from + 1n;
    out.push({ kind: "restart-vdf", window: from, value, iterations });
    out.push({ kind: "notify", notice: { code: "iterations-found", window: from, iterations } });
  }

  #beginWindow(out: Effect[]): void {
    const { window } = this;
    const timechainValue = this.#times.get(window);
    if (timechainValue === undefined) return;
    const held = this.#held.get(window);
    if (held === undefined && !this.#isMissed()) return;
    const found = this.#found !== undefined && window - 1n >= this.#found.from ? { d: this.#found.d } : {};
    const transition = singletonTransition(this.#crypto, { window, timechainValue, producer: this.#producer });
    const inputs = { ...transition, ...found };
    this.#work = { held, inputs };
    out.push({ kind: "compute-transition", key: timechainValue, inputs });
  }

  /**
   * Has the producer passed the open window, and is the own T of it right? It is where D has been confirmed in its epoch, or
   * where a later header has the T that the own chain came to.
   */
  #isMissed(): boolean {
    const { window } = this;
    const later = [...this.#held.values()].filter(({ header }) => header.windowIndex > window);
    if (later.length === 0 || this.#refused.has(window)) return false;
    const isSameEpoch = window === 0n || this.#epochOfStepTo(window) === this.#epochOfStepTo(window - 1n);
    return isSameEpoch || later.some(({ header }) => this.#isOwnTime(header));
  }

  #isOwnTime({ windowIndex, timechainValue }: ProposalHeader): boolean {
    const own = this.#times.get(windowIndex);
    return own !== undefined && equalBytes(own, timechainValue);
  }

  #epochOfStepTo(window: bigint): bigint {
    const { tau2Windows } = this.#rules.params;
    return (window + tau2Windows - 1n) / tau2Windows;
  }

  #takeTransition(out: Effect[], { key, outcome }: TransitionComputed): void {
    const work = this.#work;
    if (work === undefined || !equalBytes(key, work.inputs.timechainValue)) return;
    if ("failure" in outcome) throw new ProtocolError(outcome.failure, { window: this.window });
    const { window, timechainValue } = work.inputs;
    const received = work.held?.header;
    const prevProposalHash = this.#parentFor(received);
    const inputs = { window, timechainValue, prevProposalHash, producer: this.#producer };
    const derived = singletonHeader(this.#crypto, inputs, outcome.roots, this.#view.epoch.target);
    const key_ = this.#rules.params.bootstrapNodePubkey;
    const failure = received && checkSingletonHeader(this.#crypto, received, derived, key_);
    if (received !== undefined && failure !== undefined) {
      this.#work = undefined;
      this.#refuse(out, window, failure, differingField(received, derived));
      return;
    }
    const header = received ?? recomputed(derived);
    const hash = proposalHeader.identify(this.#crypto, header);
    this.#work = { ...work, header };
    out.push({
      kind: "persist",
      decided: {
        ...NO_MATERIAL,
        header,
        body: emptyBody(window, hash),
        certificate: [],
        hash,
        key,
        inputs: work.inputs,
      },
    });
  }

  /**
   * The parent that `received` must name: the last header; or zeros; or the same header without its parent, which a producer
   * that was killed makes again. After a window without a header the parent cannot be told from here.
   */
  #parentFor(received: ProposalHeader | undefined): Hash32 {
    const tip = this.#tip;
    if (tip === undefined) return ZERO_HASH;
    const parent = proposalHeader.identify(this.#crypto, tip);
    if (received === undefined) return parent;
    const again = proposalHeader.identify(this.#crypto, { ...tip, prevProposalHash: ZERO_HASH });
    const { prevProposalHash: named } = received;
    return isRecomputed(tip) || isAllZero(named) || equalBytes(named, again) ? named : parent;
  }

  #takeCommitted(out: Effect[], { view }: Committed): void {
    const { header, held } = this.#work ?? {};
    if (header === undefined || view.window !== header.windowIndex + 1n) return;
    this.#work = undefined;
    this.#view = view;
    this.#tip = header;
    const { windowIndex: window } = header;
    for (const known of this.#times.keys()) if (known < window) this.#times.delete(known);
    this.#held.delete(window);
    this.#refused.delete(window);
    if (this.#found !== undefined && this.#found.from < window) this.#found = undefined;
    if (held !== undefined) {
      out.push({ kind: "verdict", id: held.message.id, verdict: ACCEPT });
      out.push({
        kind: "broadcast",
        message: messageOf({ type: "header", object: header }),
        except: held.message.from,
      });
    }
    const hash = proposalHeader.identify(this.#crypto, header);
    out.push({ kind: "notify", notice: { code: "decided", window, hash, depth: header.fallbackDepth, round: 0 } });
  }

  #refuse(out: Effect[], window: bigint, failure: string, field?: string): void {
    const held = this.#held.get(window);
    invariant(held !== undefined, "what is refused was held");
    this.#held.delete(window);
    if (this.#refused.size < HELD_MAX) this.#refused.set(window, held.header.signature);
    // Its signature is the producer's: whoever brought it is not to blame.
    out.push({ kind: "verdict", id: held.message.id, verdict: ignore(failure) });
    out.push({ kind: "report", fault: { code: "producer-header-refused", window, failure, field } });
  }

  /** Iterations of the step after T_`window`: D follows from no window's content here, so any number of epochs ahead. */
  #iterationsAfter(window: bigint): bigint {
    const { tau2Windows } = this.#rules.params;
    const found = this.#found !== undefined && window >= this.#found.from ? this.#found : undefined;
    const from = found?.from ?? this.window - 1n;
    let epoch = { ...this.#view.epoch, ...found };
    let boundary = (from / tau2Windows + 1n) * tau2Windows;
    if (from < 0n) boundary = tau2Windows;
    for (; boundary <= window; boundary += tau2Windows) epoch = adaptEpoch(this.#rules, epoch, boundary);
    return epoch.d;
  }

  /** To the end of the epoch, as the producer's own; further only where a header says that the producer is there. */
  #runVdf(out: Effect[]): void {
    const target = this.#head + 1n;
    const isInEpoch = this.#epochOfStepTo(target) <= this.#epochOfStepTo(this.window + 1n);
    const isReached = isInEpoch || [...this.#held.keys()].some((window) => window >= target);
    if (this.#vdfTarget === target || !isReached) return;
    const iterations = this.#iterationsAfter(this.#head);
    this.#vdfTarget = target;
    out.push({ kind: "run-vdf", window: target, from: this.#times.get(this.#head)!, iterations });
  }
}
