/** One simulated network: nodes, links, clock, and what is checked all the time. */
import { loadCrypto } from "../../main/native/index.ts";
import { byteKey, type Hash32 } from "../../main/protocol/bytes.ts";
import type { Crypto } from "../../main/protocol/crypto.ts";
import type { NetworkRules } from "../../main/protocol/genesis/rules.ts";
import { nodeRegistration } from "../../main/protocol/objects/nodeRegistration.ts";
import { operation as operationClass } from "../../main/protocol/objects/operations.ts";
import type { WindowResult } from "../../main/protocol/transition/applyWindow.ts";
import type { DecidedWindow } from "../../main/consensus/material.ts";
import { ObjectBytes } from "../../main/consensus/objectBytes.ts";
import { operationMessage, registrationMessage, type Message } from "../../main/consensus/objects.ts";
import type { Described, GossipObject } from "../../main/network/gossip/object.ts";
import { fromGossip } from "../../main/node/gossip/objects.ts";
import type { Byzantine } from "./byzantine.ts";
import { Checkers } from "./checkers.ts";
import { Clock } from "./clock.ts";
import { simulationCrypto } from "./crypto.ts";
import { Disk } from "./disk.ts";
import { D0, memberOf, simulationGenesis, simulationRules, type Member } from "./genesis.ts";
import { Ledger } from "./ledger.ts";
import { Network } from "./network.ts";
import { SimulatedNode } from "./node.ts";
import { Random } from "./random.ts";
import { Wire, type Envelope } from "./wire.ts";

/** Of a node whose clock rate is 1: the real length, so that timers and links stand to each other as they do outside. */
export const WINDOW_MS = 60_000;
/** Up to so many nodes everybody is linked with everybody. */
const FULL_MESH_MAX = 8;
const LINKS_PER_NODE = 3;

export interface WorldOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly tau2Windows?: bigint;
  readonly chainLengths?: readonly bigint[];
  readonly clockRates?: readonly number[];
}

interface Archived {
  /** In the order of a range. */
  readonly messages: readonly Message[];
  readonly byHash: ReadonlyMap<string, readonly Message[]>;
}

export class World {
  readonly crypto: Crypto;
  readonly rules: NetworkRules;
  readonly random: Random;
  readonly clock = new Clock();
  readonly network: Network;
  readonly checkers: Checkers;
  readonly ledger: Ledger;
  readonly nodes: SimulatedNode[] = [];
  readonly windowMs = WINDOW_MS;
  /** What the nodes would each do for themselves is done once. */
  readonly wire = new Wire();
  readonly objects: ObjectBytes;
  readonly described = new WeakMap<Uint8Array, Described>();
  readonly chains = new Map<string, Hash32>();
  readonly #payloads = new Map<string, WeakRef<Uint8Array>>();
  readonly #archived = new WeakMap<DecidedWindow, Archived>();
  /** What was seen to happen, and how often. */
  readonly shown = new Map<string, number>();
  /** By node; the lies of all at a time when there are too many for the weight that is left are not told. */
  readonly liars = new Map<number, Byzantine>();
  isLyingAllowed = true;
  /** Messages that get lost whatever the links are like; undefined where none do. */
  isLost: ((from: number, to: number, message: Message) => boolean) | undefined;
  /** Told of each write that begins. */
  writing: (node: SimulatedNode) => void = () => undefined;
  readonly #links: Set<number>[] = [];
  readonly #founders: readonly Member[];
  readonly #options: WorldOptions;
  #lowest: bigint | undefined;

  constructor(options: WorldOptions) {
    const { seed, nodes, tau2Windows = 1000n, chainLengths } = options;
    this.#options = options;
    this.crypto = simulationCrypto(loadCrypto().crypto);
    this.objects = new ObjectBytes(this.crypto);
    this.random = new Random(seed);
    this.network = new Network(this.clock, this.random);
    this.#founders = Array.from({ length: nodes }, (_, i) => memberOf(this.crypto, i));
    this.rules = simulationRules(this.#founders, tau2Windows);
    const genesis = simulationGenesis(this.crypto, this.rules, this.#founders, chainLengths);
    this.ledger = new Ledger(this.crypto, this.rules, genesis);
    this.checkers = new Checkers(this.rules.params.emissionMoneta);
    for (const member of this.#founders) this.add(member);
  }

  /** A node with an empty disk; it knows the genesis and nothing else. */
  add(member: Member): SimulatedNode {
    const index = this.nodes.length;
    const rate = this.#options.clockRates?.[index] ?? 1;
    const disk = new Disk(this.ledger);
    const node = new SimulatedNode(this, index, member, disk, (rate * Number(D0)) / WINDOW_MS);
    this.nodes.push(node);
    this.#links.push(new Set());
    this.#link(index);
    this.#lowest = undefined;
    return node;
  }

  peersOf(index: number): number[] {
    return [...(this.#links[index] ?? [])];
  }

  /** Both ends hear of it, where both are up and neither shuns the other. */
  connect(a: number, b: number): void {
    const [one, other] = [this.nodes[a]!, this.nodes[b]!];
    if (!this.#links[a]!.has(b) || !one.mayConnect(b) || !other.mayConnect(a)) return;
    one.connect(b);
    other.connect(a);
  }

  part(a: number, b: number): void {
    this.nodes[a]!.disconnect(b);
    this.nodes[b]!.disconnect(a);
  }

  liarAt(index: number): Byzantine | undefined {
    return this.isLyingAllowed ? this.liars.get(index) : undefined;
  }

  /** Sends what gossip gave together; `settled` is told of what got lost when the rest arrives. */
  transmit(
    from: number,
    to: number,
    batch: readonly GossipObject[],
    settled: (lost: ReadonlySet<GossipObject>) => void,
  ): void {
    const { network, wire } = this;
    const envelopes: Envelope[] = [];
    const lost = new Set<GossipObject>();
    const liar = this.liarAt(from);
    for (const object of batch) {
      const message =
        liar === undefined && this.isLost === undefined ? undefined : fromGossip(object.type, object.payload)!;
      const isLost = network.loses(from, to) || (message !== undefined && this.isLost?.(from, to, message) === true);
      if (isLost) lost.add(object);
      else if (liar === undefined) envelopes.push(wire.seal(object));
      else for (const told of liar.tamper(to, message!)) envelopes.push(liar.seal(told));
    }
    let isSettled = false;
    network.carry(from, to, () => {
      this.nodes[to]!.deliver(from, envelopes);
      if (!isSettled) settled(lost);
      isSettled = true;
    });
  }

  /** A question or an answer that is not gossip. */
  request(from: number, to: number, run: () => void): void {
    if (this.network.loses(from, to)) return;
    let isDone = false;
    this.network.carry(from, to, () => {
      if (!isDone && this.nodes[to]!.isUp) run();
      isDone = true;
    });
  }

  /** One array for equal payloads, so that what is known of one is known of all. */
  canonical(payload: Uint8Array): Uint8Array {
    const key = byteKey(this.crypto.sha256(payload));
    const known = this.#payloads.get(key)?.deref();
    if (known === undefined) this.#payloads.set(key, new WeakRef(payload));
    return known ?? payload;
  }

  archived(decided: DecidedWindow): Archived {
    let archived = this.#archived.get(decided);
    if (archived === undefined) this.#archived.set(decided, (archived = this.#archive(decided)));
    return archived;
  }

  show(what: string): void {
    this.shown.set(what, (this.shown.get(what) ?? 0) + 1);
  }

  committed(node: SimulatedNode, decided: DecidedWindow, result: WindowResult): void {
    this.#lowest = undefined;
    this.checkers.committed(node, decided, result);
  }

  start(): void {
    for (const node of this.nodes) node.start();
  }

  /** Runs until `isDone`; false when `limitMs` of simulated time are over before. */
  runUntil(isDone: () => boolean, limitMs: number): boolean {
    const end = this.clock.now + limitMs;
    while (!isDone()) if (this.clock.now > end || !this.clock.advance()) return false;
    return true;
  }

  runFor(ms: number): void {
    const end = this.clock.now + ms;
    this.clock.after(ms, () => undefined);
    while (this.clock.now < end) this.clock.advance();
  }

  get honest(): SimulatedNode[] {
    return this.nodes.filter(({ index }) => !this.checkers.faulty.has(index));
  }

  /** The lowest window that an honest node has not decided. */
  get lowestWindow(): bigint {
    this.#lowest ??= this.honest
      .map(({ window }) => window)
      .reduce((lowest, window) => (window < lowest ? window : lowest));
    return this.#lowest;
  }

  /** After a change of what counts that is not a decided window. */
  recount(): void {
    this.#lowest = undefined;
  }

  #archive(decided: DecidedWindow): Archived {
    const { objects, crypto } = this;
    const { header, body, certificate, bundles, reveals, operations, registrations } = decided;
    const byHash = new Map<string, readonly Message[]>();
    const proposal = [objects.messageOf("header", header), objects.messageOf("body", body)];
    byHash.set(byteKey(decided.hash), proposal);
    const messages = [...proposal, ...certificate.map((vote) => objects.messageOf("vote", vote))];
    const add = (hash: Hash32, message: Message): void => {
      byHash.set(byteKey(hash), [message]);
      messages.push(message);
    };
    for (const each of bundles) add(objects.identify("bundle", each), objects.messageOf("bundle", each));
    for (const each of reveals) add(objects.identify("reveal", each), objects.messageOf("reveal", each));
    for (const each of operations) add(operationClass.identify(crypto, each), operationMessage(each));
    for (const each of registrations) add(nodeRegistration.identify(crypto, each), registrationMessage(each));
    return { messages, byHash };
  }

  #link(index: number): void {
    const others = this.nodes.map(({ index: other }) => other).filter((other) => other !== index);
    const isFull = this.#founders.length <= FULL_MESH_MAX;
    // The one before keeps the graph connected.
    const chosen = isFull ? others : [...others.slice(-1), ...this.random.sample(others, LINKS_PER_NODE - 1)];
    for (const other of chosen) {
      this.#links[index]!.add(other);
      this.#links[other]!.add(index);
    }
  }
}
