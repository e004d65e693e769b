/** One simulated network: nodes, links, clock, and what is checked all the time. */
import { loadCrypto } from "../../main/native/index.ts";
import type { Crypto } from "../../main/protocol/crypto.ts";
import type { NetworkRules } from "../../main/protocol/genesis/rules.ts";
import type { Message } from "../../main/consensus/objects.ts";
import type { VotingRules } from "../../main/consensus/rules/vote.ts";
import { Checkers } from "./checkers.ts";
import { Clock } from "./clock.ts";
import { simulationCrypto } from "./crypto.ts";
import { Disk } from "./disk.ts";
import { D0, memberOf, simulationGenesis, simulationRules, type Member } from "./genesis.ts";
import { Network } from "./network.ts";
import { SimulatedNode } from "./node.ts";
import { Random } from "./random.ts";

/** Of a node whose clock rate is 1. */
export const WINDOW_MS = 8000;
/** Up to so many nodes everybody is linked with everybody. */
const FULL_MESH_MAX = 10;
const LINKS_PER_NODE = 6;

export interface WorldOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly tau2Windows?: bigint;
  readonly chainLengths?: readonly bigint[];
  readonly clockRates?: readonly number[];
  readonly voting?: VotingRules;
}

export class World {
  readonly crypto: Crypto;
  readonly rules: NetworkRules;
  readonly random: Random;
  readonly clock = new Clock();
  readonly network: Network;
  readonly checkers: Checkers;
  readonly nodes: SimulatedNode[] = [];
  /** Decides what another node is sent in place of a message; a Byzantine node's doing. */
  tamper: (from: number, to: number, message: Message) => readonly Message[] = (_, __, message) => [message];
  /** Messages that get lost whatever the links are like. */
  isLost: (from: number, to: number, message: Message) => boolean = () => false;
  readonly #links: Set<number>[] = [];
  readonly #founders: readonly Member[];
  readonly #options: WorldOptions;

  constructor(options: WorldOptions) {
    const { seed, nodes, tau2Windows = 1000n } = options;
    this.#options = options;
    this.crypto = simulationCrypto(loadCrypto().crypto);
    this.random = new Random(seed);
    this.network = new Network(this.clock, this.random);
    this.#founders = Array.from({ length: nodes }, (_, i) => memberOf(this.crypto, i));
    this.rules = simulationRules(this.#founders, tau2Windows);
    this.checkers = new Checkers(this.rules.params.emissionMoneta);
    for (const member of this.#founders) this.add(member);
  }

  /** A node with an empty disk; it knows the genesis and nothing else. */
  add(member: Member): SimulatedNode {
    const { chainLengths, clockRates, voting } = this.#options;
    const genesis = simulationGenesis(this.crypto, this.rules, this.#founders, chainLengths);
    const index = this.nodes.length;
    const rate = clockRates?.[index] ?? 1;
    const disk = new Disk(this.crypto, this.rules, genesis);
    const node = new SimulatedNode(this, index, member, disk, (rate * Number(D0)) / WINDOW_MS, voting);
    this.nodes.push(node);
    this.#links.push(new Set());
    this.#link(index);
    return node;
  }

  peersOf(index: number): number[] {
    return [...(this.#links[index] ?? [])];
  }

  transmit(from: number, to: number, message: Message): void {
    for (const sent of this.tamper(from, to, message)) {
      if (this.isLost(from, to, sent)) continue;
      this.network.send(from, to, () => {
        this.nodes[to]?.deliver(from, sent);
      });
    }
  }

  /** A question or an answer that is not gossip. */
  request(from: number, to: number, run: () => void): void {
    this.network.send(from, to, () => {
      if (this.nodes[to]?.isUp === true) run();
    });
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
    return this.honest.reduce((lowest, { window }) => (window < lowest ? window : lowest), this.honest[0]!.window);
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
