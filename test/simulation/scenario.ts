/** From a seed to a network, its faults, and a verdict. */
import type { VotingRules } from "../../main/consensus/rules/vote.ts";
import { operationMessage, type Message } from "../../main/consensus/objects.ts";
import { toHex } from "../../main/protocol/bytes.ts";
import { TYPE_TRANSFER, operation as operationClass } from "../../main/protocol/objects/operations.ts";
import { PREVOTE } from "../../main/protocol/objects/consensus.ts";
import { quorum } from "../../main/protocol/quorum/quorum.ts";
import { weightsAt } from "../../main/protocol/quorum/weights.ts";
import { Byzantine, MISDEEDS } from "./byzantine.ts";
import { Violation } from "./checkers.ts";
import { GOOD_LINK } from "./network.ts";
import { Random } from "./random.ts";
import { World, WINDOW_MS } from "./world.ts";

export interface ScenarioOptions {
  readonly seed: number;
  /** Drawn from the seed unless given. */
  readonly nodes?: number;
  readonly windows: number;
  readonly voting?: VotingRules;
  /** Simulates without faults where false. */
  readonly faults?: boolean;
}

export interface ScenarioResult {
  readonly seed: number;
  readonly nodes: number;
  readonly windows: bigint;
  readonly simulatedMs: number;
  readonly byzantine: readonly string[];
  readonly crashes: number;
  readonly partitions: number;
  readonly messages: number;
  readonly deepestRound: number;
  /** Of everything that honest nodes decided, and when: the same for the same seed. */
  readonly digest: string;
  readonly failure: string | undefined;
}

const NODES_MAX = 10;
/** The part of the windows after which faults stop. */
const FAULTY_PART = 0.6;
const FIRST_LYING_WINDOW = 3n;
const RETRY_WINDOWS = 14n;
const OPERATION_INTERVAL_MS = 3000;
/** After the faults: to notice, to catch up, and to let rounds that have grown long end. */
const RECOVERY_MS = 60 * WINDOW_MS;
/** Fault-free windows may take so many times their VDF. */
const SLACK = 4;

export function runScenario(options: ScenarioOptions): ScenarioResult {
  const { seed, windows, voting, faults = true } = options;
  const random = new Random(seed * 7919 + 17);
  const nodes = options.nodes ?? random.integer(1, NODES_MAX);
  const clockRates = Array.from({ length: nodes }, () => (faults && random.chance(0.4) ? random.between(0.5, 2) : 1));
  const world = new World({ seed, nodes, clockRates, tau2Windows: 40n, ...(voting && { voting }) });
  const run = new Faults(world, random, windows, faults);
  const failure = run.failure();
  return {
    seed,
    nodes,
    windows: world.lowestWindow,
    simulatedMs: Math.round(world.clock.now),
    byzantine: run.byzantine,
    crashes: run.crashes,
    partitions: run.partitions,
    messages: world.network.sent,
    deepestRound: run.deepestRound(),
    digest: Buffer.from(world.crypto.sha256(Buffer.from(world.checkers.trace.join("\n")))).toString("hex"),
    failure,
  };
}

interface Deafness {
  readonly kind: string;
  readonly speakers: ReadonlySet<number>;
  readonly deaf: ReadonlySet<number>;
}

const DEAF_TO = ["bundle", "reveal", "header", "body", "prevote", "precommit", "precommit"] as const;

const VOTE_PHASE_OFFSET = 41;

function kindOf({ type, payload }: Message): string {
  if (type !== "vote") return type;
  return payload[VOTE_PHASE_OFFSET] === PREVOTE ? "prevote" : "precommit";
}

class Faults {
  readonly byzantine: string[] = [];
  crashes = 0;
  partitions = 0;
  readonly #world: World;
  readonly #random: Random;
  readonly #windows: number;
  readonly #hasFaults: boolean;
  readonly #deafness: Deafness[] = [];
  readonly #usedFrontiers = new Map<string, bigint>();
  #isOver = false;

  constructor(world: World, random: Random, windows: number, hasFaults: boolean) {
    this.#world = world;
    this.#random = random;
    this.#windows = windows;
    this.#hasFaults = hasFaults;
  }

  deepestRound(): number {
    const rounds = this.#world.nodes.flatMap(({ notices }) =>
      notices.map((notice) => (notice.code === "decided" ? notice.round : 0)),
    );
    return rounds.reduce((deepest, round) => Math.max(deepest, round), 0);
  }

  /** Runs everything; what went wrong, if anything. */
  failure(): string | undefined {
    try {
      this.#run();
      return undefined;
    } catch (error) {
      if (error instanceof Violation) return error.message;
      throw error;
    }
  }

  #run(): void {
    const world = this.#world;
    const target = BigInt(this.#windows);
    world.start();
    this.#transfer();
    if (this.#hasFaults) {
      this.#chooseByzantine();
      this.#worsenLinks();
      this.#planPartition();
      this.#planCrash();
      this.#planDeafness();
      this.#watchWeights();
      const part = BigInt(Math.floor(this.#windows * FAULTY_PART));
      world.runUntil(() => world.lowestWindow >= part, this.#windows * WINDOW_MS * SLACK);
      this.#heal();
    }
    const limit = RECOVERY_MS + this.#windows * WINDOW_MS * SLACK;
    if (!world.runUntil(() => world.lowestWindow >= target, limit)) {
      const windows = world.nodes.map(({ window }) => window).join(" ");
      throw new Violation(`not live: ${target} windows expected, nodes are at ${windows}`);
    }
  }

  /** As many as may be faulty while all weigh the same. */
  #chooseByzantine(): void {
    const world = this.#world;
    const count = world.nodes.length;
    const tolerated = count - Number(quorum(world.rules.params, BigInt(count)));
    const chosen = this.#random.sample(world.nodes, this.#random.integer(0, tolerated));
    const liars = new Map<number, Byzantine>();
    for (const node of chosen) {
      const misdeeds = this.#random.sample(MISDEEDS.slice(0, -1), this.#random.integer(1, 4));
      const all = this.#random.chance(0.1) ? (["silence"] as const) : misdeeds;
      liars.set(node.index, new Byzantine(world, node, all));
      world.checkers.faulty.add(node.index);
      this.byzantine.push(`${node.index}:${all.join("+")}`);
    }
    world.tamper = (from, to, message) => {
      // Windows 0 and 1 know one proposer: they need it honest.
      const liar = world.lowestWindow < FIRST_LYING_WINDOW ? undefined : liars.get(from);
      return liar?.tamper(to, message) ?? [message];
    };
  }

  /** Presence makes weight: faulty nodes that have come to weigh more than is tolerated, because others were away, repent. */
  #watchWeights(): void {
    const world = this.#world;
    const [node] = world.honest;
    if (node === undefined) return;
    world.clock.after(WINDOW_MS / 4, () => {
      const { view } = node.disk;
      const weights = weightsAt(view.nodes, view.window, world.rules);
      const liars = world.nodes.filter(({ index }) => world.checkers.faulty.has(index));
      const weight = weights.sumOf(liars.map(({ member }) => member.nodeId));
      if (weight > weights.total - quorum(world.rules.params, weights.total)) {
        world.tamper = (_, __, message) => [message];
      }
      this.#watchWeights();
    });
  }

  #worsenLinks(): void {
    const random = this.#random;
    this.#world.network.quality = {
      delayMinMs: 5,
      delayMaxMs: random.chance(0.3) ? random.between(1500, 5000) : random.between(50, 1500),
      loss: random.chance(0.6) ? random.between(0, 0.35) : 0,
      duplication: random.chance(0.4) ? random.between(0, 0.2) : 0,
    };
  }

  #planPartition(): void {
    const world = this.#world;
    const random = this.#random;
    world.clock.after(random.between(1, 12) * WINDOW_MS, () => {
      if (this.#isOver) return;
      this.partitions++;
      const side = new Set(random.sample(world.nodes, random.integer(1, world.nodes.length)).map(({ index }) => index));
      const isOneWay = random.chance(0.3);
      world.network.isBlocked = (from, to) =>
        isOneWay ? side.has(from) && !side.has(to) : side.has(from) !== side.has(to);
      world.clock.after(random.between(0.1, 5) * WINDOW_MS, () => {
        world.network.isBlocked = () => false;
      });
      this.#planPartition();
    });
  }

  /** Messages of one kind from some nodes do not reach some others for a while: what the voting rules are there for. */
  #planDeafness(): void {
    const world = this.#world;
    const random = this.#random;
    const some = () =>
      new Set(random.sample(world.nodes, random.integer(1, world.nodes.length)).map(({ index }) => index));
    world.isLost = (from, to, message) =>
      this.#deafness.some(({ kind, speakers, deaf }) => kind === kindOf(message) && speakers.has(from) && deaf.has(to));
    world.clock.after(random.between(0.1, 1.5) * WINDOW_MS, () => {
      if (this.#isOver) return;
      const everybody = new Set(world.nodes.map(({ index }) => index));
      const one = () => new Set([random.integer(0, world.nodes.length - 1)]);
      // One who does not see the proposal and one whose precommits nobody sees: the hardest case for the lock.
      const isHardCase = random.chance(0.4);
      const added = isHardCase
        ? [
            { kind: "header", speakers: everybody, deaf: one() },
            { kind: "precommit", speakers: one(), deaf: everybody },
          ]
        : [{ kind: random.pick(DEAF_TO)!, speakers: some(), deaf: some() }];
      this.#deafness.push(...added);
      world.clock.after(random.between(0.5, 2) * WINDOW_MS, () => {
        for (const each of added) this.#deafness.splice(this.#deafness.indexOf(each), 1);
      });
      this.#planDeafness();
    });
  }

  #planCrash(): void {
    const world = this.#world;
    const random = this.#random;
    world.clock.after(random.between(0.2, 8) * WINDOW_MS, () => {
      if (this.#isOver) return;
      const isPowerCut = random.chance(0.1);
      const nodes = isPowerCut ? world.nodes : [random.pick(world.nodes)!];
      for (const node of nodes) {
        if (!node.isUp) continue;
        this.crashes++;
        node.crash();
        world.clock.after(random.between(0.01, 3) * WINDOW_MS, () => {
          if (!node.isUp) node.start();
        });
      }
      this.#planCrash();
    });
  }

  /** The network is timely from here on; faulty nodes go on lying. */
  #heal(): void {
    const world = this.#world;
    this.#isOver = true;
    world.network.quality = GOOD_LINK;
    world.network.isBlocked = () => false;
    world.isLost = () => false;
    for (const node of world.honest) if (!node.isUp) node.start();
  }

  /** Somebody pays somebody, sometimes twice over from the same frontier. */
  #transfer(): void {
    const world = this.#world;
    const random = this.#random;
    world.clock.after(random.between(1, 2) * OPERATION_INTERVAL_MS, () => {
      const [payer, payee] = random.sample(world.nodes, 2);
      const account = payer?.disk.state.accounts.get(payer.member.accountId);
      const frontier = account === undefined ? "" : toHex(account.frontierHash);
      const now = payer?.window ?? 0n;
      // An honest wallet waits; one that spent twice may try anew when the network has forgotten it.
      const isUsed = now < (this.#usedFrontiers.get(frontier) ?? -RETRY_WINDOWS) + RETRY_WINDOWS;
      if (payer !== undefined && payee !== undefined && account !== undefined && account.balance > 2n && !isUsed) {
        this.#usedFrontiers.set(frontier, now);
        const isDoubled = random.chance(0.2);
        for (const part of isDoubled ? [2n, 3n] : [2n]) {
          const object = {
            type: TYPE_TRANSFER,
            prevHash: account.frontierHash,
            sender: account.accountId,
            link: payee.member.accountId,
            amount: account.balance / part,
          } as const;
          const signed = operationClass.sign(world.crypto, payer.member.account.secretKey, object);
          for (const node of random.sample(world.nodes, 2)) node.submit(operationMessage(signed));
        }
      }
      this.#transfer();
    });
  }
}
