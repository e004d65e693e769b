/**
 * The stories of a cohort: equal founders with one of them killed again and again, a bootstrap node with a long chain and
 * newcomers, and candidates that join. Whatever happens, all nodes have the same state root at every window.
 */

import { Cohort, type CohortNode } from "./cohort.ts";
import { residentMib } from "./resident.ts";

export interface Story {
  readonly name: string;
  readonly founders: number;
  /** Nodes without weight that join once the founders have decided `headStart` windows. */
  readonly followers: number;
  readonly headStart: number;
  /** That are decided after everybody is there. */
  readonly windows: number;
  /** One node is killed whenever so many windows have passed; 0 for never. */
  readonly killEvery: number;
  /** With one founder away the others go on; what they decide until it comes back. */
  readonly windowsWithout: number;
  /** That begin their chains in the middle of it. */
  readonly candidates: number;
  readonly d: bigint;
  readonly tau2Windows: bigint;
}

export interface Figures {
  readonly story: string;
  /** With the same state root in every store. */
  readonly sameWindows: number;
  /** Windows at which the APIs of at least two nodes said a state root, always the same. */
  readonly comparedByApi: number;
  readonly kills: number;
  /** From the start of a killed node until it was in step again. */
  readonly catchUpSecondsMax: number;
  readonly meanWindowSeconds: number;
  readonly admittedIn: readonly number[];
  readonly rssMibMax: number;
  readonly seconds: number;
}

const EMISSION = 13_000_000_000n;

/** Three of three are a quorum, two are not: while one is down the chain waits, and then goes on by itself. */
export const threeFounders = (windows: number): Story => ({
  ...{ name: "three equal founders", founders: 3, followers: 0, headStart: 0, windows, killEvery: 50 },
  ...{ windowsWithout: 0, candidates: 0, d: 400_000n, tau2Windows: 20_000n },
});

/** Three of four are a quorum: it never waits. */
export const fourFounders = (windows: number, candidates: number, tau2Windows: bigint): Story => ({
  ...{ name: "four equal founders", founders: 4, followers: 0, headStart: 0, windows, killEvery: 50 },
  ...{ windowsWithout: 5, candidates, d: 400_000n, tau2Windows },
});

/** The newcomers fetch the whole chain; it is they who are killed. */
export const bootstrapAndNewcomers = (windows: number, headStart: number): Story => ({
  ...{ name: "one bootstrap node and newcomers", founders: 1, followers: 2, headStart, windows, killEvery: 50 },
  // Alone it decides as fast as it hashes: long enough for whoever catches up on a busy machine.
  ...{ windowsWithout: 5, candidates: 0, d: 2_000_000n, tau2Windows: 20_000n },
});

/** Throws what did not hold. */
export async function play(story: Story, say: (line: string) => void): Promise<Figures> {
  const { founders, followers, candidates, d, tau2Windows } = story;
  const startedMs = performance.now();
  const cohort = await Cohort.make({ founders, newcomers: followers + candidates, d, tau2Windows });
  try {
    return await new Play(story, cohort, say).run(startedMs);
  } catch (error) {
    const words = await Promise.all(cohort.nodes.map((node) => node.lastWords()));
    throw new Error(words.join("\n\n"), { cause: error });
  } finally {
    await cohort.remove();
  }
}

class Play {
  readonly #story: Story;
  readonly #cohort: Cohort;
  readonly #say: (line: string) => void;
  readonly #founders: readonly CohortNode[];
  readonly #followers: readonly CohortNode[];
  readonly #candidates: readonly CohortNode[];
  #kills = 0;
  #catchUpMsMax = 0;
  #rssMibMax = 0;

  constructor(story: Story, cohort: Cohort, say: (line: string) => void) {
    this.#story = story;
    this.#cohort = cohort;
    this.#say = say;
    this.#founders = cohort.nodes.slice(0, story.founders);
    this.#followers = cohort.nodes.slice(story.founders, story.founders + story.followers);
    this.#candidates = cohort.nodes.slice(story.founders + story.followers);
  }

  async run(startedMs: number): Promise<Figures> {
    const { name, headStart, windows, candidates } = this.#story;
    await startAll(this.#founders);
    await Promise.all(this.#founders.map((node) => node.untilWindow(headStart)));
    await startAll(this.#followers);
    const nodes = [...this.#founders, ...this.#followers];
    await Promise.all(nodes.map((node) => node.until("all peers", () => node.status?.peers === nodes.length - 1)));
    const first = this.#head();
    await this.#catchUp(this.#followers);
    this.#say(`${name}: ${nodes.length} nodes in step at window ${this.#head()}`);
    const chainMs = performance.now();
    const joining = candidates > 0 ? await this.#startCandidates() : [];
    const last = await this.#killAndRestart(first, first + windows);
    if (candidates > 0) await this.#awaitAdmissions();
    const end = Math.max(last, this.#head());
    const up = this.#cohort.nodes.filter(({ isUp }) => isUp);
    await Promise.all(up.map((node) => node.untilWindow(end)));
    const meanWindowSeconds = (performance.now() - chainMs) / 1000 / (end - first);
    const comparedByApi = compareByApi(this.#cohort.nodes);
    for (const node of up) await node.stop();
    return {
      story: name,
      sameWindows: await this.#compareStores(first, end),
      comparedByApi,
      kills: this.#kills,
      catchUpSecondsMax: round(this.#catchUpMsMax / 1000),
      meanWindowSeconds: round(meanWindowSeconds),
      admittedIn: joining.length > 0 ? await this.#compareBonuses() : [],
      rssMibMax: this.#rssMibMax,
      seconds: Math.round((performance.now() - startedMs) / 1000),
    };
  }

  /** Every `killEvery` windows one node after the other; gives the window at which everybody was in step last. */
  async #killAndRestart(first: number, last: number): Promise<number> {
    const { killEvery, windowsWithout, followers, name } = this.#story;
    const mortal = followers > 0 ? this.#followers : this.#founders;
    for (let at = first + killEvery; killEvery > 0 && at <= last; at += killEvery) {
      await this.#founders[0]!.untilWindow(at - Math.floor(killEvery / 2));
      const node = mortal[this.#kills++ % mortal.length]!;
      const others = [...this.#founders, ...this.#followers].filter((other) => other !== node);
      this.#measure();
      await node.kill();
      await Promise.all(
        others.map((other) => other.until("the loss of a peer", () => this.#hasLost(other, others.length))),
      );
      const without = this.#head() + windowsWithout;
      await Promise.all(others.map((other) => other.untilWindow(without)));
      const restartedMs = performance.now();
      await node.start();
      await this.#catchUp([node]);
      const took = performance.now() - restartedMs;
      this.#catchUpMsMax = Math.max(this.#catchUpMsMax, took);
      this.#say(
        `${name}: ${node.name} killed in window ${without - windowsWithout}, in step again in ${node.window} after ${round(took / 1000)} s`,
      );
    }
    await Promise.all([...this.#founders, ...this.#followers].map((node) => node.untilWindow(last)));
    this.#measure();
    return last;
  }

  /** Candidates are peers, too, and come and go on their own. */
  #hasLost(node: CohortNode, others: number): boolean {
    return (node.status?.peers ?? 0) < others + this.#candidates.filter(({ isUp }) => isUp).length;
  }

  async #startCandidates(): Promise<readonly CohortNode[]> {
    await startAll(this.#candidates);
    await this.#catchUp(this.#candidates);
    await Promise.all(this.#candidates.map((node) => node.join()));
    this.#say(`${this.#story.name}: ${this.#candidates.length} candidates compute their chains`);
    return this.#candidates;
  }

  async #awaitAdmissions(): Promise<void> {
    await Promise.all(this.#candidates.map((node) => node.until("admission", () => node.status?.phase === "Active")));
    // And take part.
    const admitted = this.#head();
    await Promise.all(this.#cohort.nodes.map((node) => node.untilWindow(admitted + 5)));
    this.#say(`${this.#story.name}: all candidates admitted by window ${admitted}`);
  }

  /** Until a node decides what the others decide. */
  async #catchUp(nodes: readonly CohortNode[]): Promise<void> {
    await Promise.all(nodes.map((node) => node.until("being in step", () => node.window >= this.#head() - 1)));
  }

  #head(): number {
    return Math.max(...this.#cohort.nodes.map(({ window }) => window));
  }

  #measure(): void {
    const up = this.#cohort.nodes.filter(({ isUp }) => isUp);
    this.#rssMibMax = Math.max(this.#rssMibMax, ...up.map(({ pid }) => residentMib(pid)));
  }

  async #compareStores(first: number, last: number): Promise<number> {
    const chains = await Promise.all(this.#cohort.nodes.map((node) => node.storedRoots(this.#cohort.network)));
    for (const [i, chain] of chains.entries()) {
      const { name, roots } = this.#cohort.nodes[i]!;
      for (let window = 0; window <= last; window++) {
        const root = chain[window];
        if (root === undefined || root !== chains[0]![window]) throw new Error(`${name} differs at window ${window}`);
        const said = roots.get(window);
        if (said !== undefined && said !== root) throw new Error(`${name} said another root of window ${window}`);
      }
    }
    return last - first + 1;
  }

  /** Each once, one per window, the whole emission, in the state of every node. */
  async #compareBonuses(): Promise<number[]> {
    const { nodes, network } = this.#cohort;
    const windows: number[] = [];
    for (const { name, identity } of this.#candidates) {
      const told = await Promise.all(nodes.map((node) => node.bonuses(network, identity.nodeAccountId)));
      const [own] = told[0]!;
      const isRight =
        own?.amount === EMISSION && told.every((each) => each.length === 1 && each[0]!.window === own.window);
      if (!isRight) throw new Error(`the bonus of ${name} is not the same everywhere: ${describe(told)}`);
      windows.push(Number(own.window));
    }
    windows.sort((a, b) => a - b);
    if (new Set(windows).size < windows.length) throw new Error(`admitted in ${windows.join(", ")}`);
    return windows;
  }
}

async function startAll(nodes: readonly CohortNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.start()));
}

/** Throws where two nodes said different roots of a window. */
function compareByApi(nodes: readonly CohortNode[]): number {
  const windows = new Set(nodes.flatMap(({ roots }) => [...roots.keys()]));
  let compared = 0;
  for (const window of windows) {
    const said = nodes.flatMap(({ roots }) => roots.get(window) ?? []);
    if (new Set(said).size > 1) throw new Error(`different state roots at window ${window}`);
    if (said.length > 1) compared++;
  }
  return compared;
}

function describe(told: readonly (readonly { readonly window: bigint; readonly amount: bigint }[])[]): string {
  return told
    .map((each) => each.map(({ window, amount }) => `${amount} in ${window}`).join(" and ") || "none")
    .join("; ");
}

const round = (value: number): number => Number(value.toFixed(3));
