/**
 * A practice network in trouble: round after round something of it is broken, killed, healed and started again, and after each
 * all of it must be back: every node in step, the person's tunnel connected, each process once, with the ports that it had.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { call } from "../../main/api/client.ts";
import type { Ended } from "../../main/app/cli.fixture.ts";
import { LocalDirectory, readRecord } from "../../main/local/record.ts";
import { wantedOf } from "../../main/local/start.ts";
import { parseNetworkFile } from "../../main/node/network/networkFile.ts";
import { storedRoots } from "../integration/storedChain.ts";
import { roundOf, type Choices } from "./faults.ts";
import { heldBelow, HOME, type Held } from "./usage.ts";
import { reachIfThere, Watch } from "./watch.ts";

/** Nodes in step have decided so many windows since they were asked. */
const STEP_WINDOWS = 2;
/** On a busy machine; nodes that were killed open their stores and catch up. */
const BACK_MS_MAX = 240_000;
const POLL_MS = 250;
const MIB = 1_048_576;

export interface SoakOptions {
  /** Data directory of the person, whose host runs a node and a tunnel on the practice network in it. */
  readonly data: string;
  /** `montana`, as that person calls it. */
  readonly run: (words: readonly string[]) => Promise<Ended>;
  readonly seed: number;
  /** Of a round, unless what was done to the network takes longer to mend. */
  readonly roundMs: number;
  readonly sampleMs: number;
  readonly say: (line: string) => void;
  /** Of the same run, when it was interrupted. */
  readonly before?: SoakRecord;
}

export interface Taken extends Held {
  /** Since the run began, of all its parts. */
  readonly seconds: number;
  /** Memory of JavaScript, where the process tells. */
  readonly heapMib: number | null;
}

/** What a run has gathered. */
export interface SoakRecord {
  readonly seed: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly kills: number;
  readonly breaks: number;
  readonly backSecondsMax: number;
  readonly samples: readonly Taken[];
}

export interface SoakEnd {
  /** Windows decided, and those at which several nodes said their state root while they ran. */
  readonly windows: number;
  readonly compared: number;
  /** Windows of each store, all with the same roots. */
  readonly stored: ReadonlyMap<string, number>;
  readonly wrong: readonly string[];
}

export class Soak {
  readonly #options: SoakOptions;
  readonly #directory: LocalDirectory;
  /** By name, where their data lie. */
  readonly #nodes: ReadonlyMap<string, string>;
  readonly #choices: Choices;
  readonly #watch: Watch;
  readonly #beganMs = performance.now();
  #record: SoakRecord;
  /** Role and ports of every process that there ought to be. */
  #expected: readonly string[] | undefined;

  constructor(options: SoakOptions) {
    const { data, seed, before } = options;
    this.#options = options;
    this.#directory = new LocalDirectory(join(data, "local"));
    this.#record = before ?? { seed, rounds: 0, seconds: 0, kills: 0, breaks: 0, backSecondsMax: 0, samples: [] };
    const local = readRecord(this.#directory.record)!;
    const own = local.cities.filter(({ relays }) => relays === null);
    this.#nodes = new Map([
      ...own.map((city) => [`node-${city.node}`, this.#directory.nodeData(city)] as const),
      [HOME, data],
    ]);
    const nodes = own.map(({ node }) => `node-${node}`);
    const exits = local.cities.flatMap(({ node }) => [`exit-${node}`, `exit-${node} xray`]);
    const rest = wantedOf(local).filter((name) => !/^(?:node|exit)-/.test(name));
    this.#choices = {
      cities: local.cities.map(({ code, relays }) => ({ code, hasNode: relays === null })),
      nodes,
      others: [...exits, ...rest, `${HOME} xray`],
    };
    this.#watch = new Watch(this.#nodes);
  }

  get record(): SoakRecord {
    return this.#record;
  }

  /** Rounds until the run has lasted so long, its earlier parts included. `onRound` after each. Throws what does not hold. */
  async run(minutes: number, onRound: (record: SoakRecord) => void): Promise<void> {
    const sampling = new AbortController();
    const sampler = this.#sample(sampling.signal);
    try {
      await this.#untilBack();
      while (this.#record.seconds < 60 * minutes) {
        const endMs = performance.now() + this.#options.roundMs;
        await this.#round();
        await wait(Math.max(0, endMs - performance.now()));
        onRound(this.#record);
      }
    } finally {
      sampling.abort();
      await sampler;
    }
  }

  /** Once network and host have been stopped: holds their stores against each other. Throws where something is left. */
  async end(): Promise<SoakEnd> {
    await this.#watch.stop();
    await this.#until("nothing of it is left", () => heldBelow(this.#options.data).map(({ role }) => role));
    const network = parseNetworkFile("network.json", readFileSync(this.#directory.networkFile, "utf8"));
    const stored = new Map<string, number>();
    const wrong = [...this.#watch.wrong];
    let longest: readonly string[] = [];
    for (const [name, data] of this.#nodes) {
      const roots = await storedRoots(data, network);
      stored.set(name, roots.length);
      const other = roots.findIndex((root, window) => root !== (longest[window] ?? root));
      if (other !== -1) wrong.push(`the store of ${name} has another state root at window ${other}`);
      if (roots.length > longest.length) longest = roots;
    }
    const unlike = longest.findIndex((root, window) => root !== (this.#watch.rootOf(window) ?? root));
    if (unlike !== -1) wrong.push(`the stores have another state root at window ${unlike} than was said`);
    return { windows: longest.length, compared: this.#watch.compared, stored, wrong };
  }

  async #round(): Promise<void> {
    const { seed, rounds } = this.#record;
    const { broken, killed, pauses } = roundOf(seed, rounds, this.#choices);
    this.#options.say(`round ${rounds + 1}: break ${broken.city} ${broken.what}, kill ${killed.join(" and ")}`);
    await this.#montana("local", "break", broken.city, broken.what);
    await wait(pauses[0]);
    let kills = 0;
    for (const [i, role] of killed.entries()) {
      // What was broken, and what ended with what was killed, is not there.
      const held = heldBelow(this.#options.data).find((one) => one.role === role);
      if (held !== undefined) {
        process.kill(held.pid, "SIGKILL");
        kills++;
      }
      await wait(pauses[i + 1]);
    }
    const beganMs = performance.now();
    await this.#montana("local", "heal", broken.city);
    await this.#montana("local", "start");
    await this.#untilBack();
    const backSeconds = (performance.now() - beganMs) / 1000;
    this.#options.say(`  back after ${backSeconds.toFixed(1)} s, window ${this.#watch.lastWindow}`);
    this.#record = {
      ...this.#record,
      ...{ rounds: rounds + 1, kills: this.#record.kills + kills, breaks: this.#record.breaks + 1 },
      backSecondsMax: Math.max(this.#record.backSecondsMax, backSeconds),
    };
    await this.#sampleHeaps();
  }

  async #untilBack(): Promise<void> {
    const goal = this.#watch.lastWindow + STEP_WINDOWS;
    await this.#until("every node is in step", () =>
      [...this.#nodes.keys()].flatMap((name) => {
        const window = this.#watch.windowOf(name);
        return window >= goal ? [] : [`${name} at ${window} of ${goal}`];
      }),
    );
    await this.#until("the tunnel is connected", async () => {
      const client = (await reachIfThere(this.#options.data))?.client;
      if (client === undefined) return ["no host"];
      const { state, cause } = await call(client.vpnStatus.query());
      // Without a kill switch it ends where no city leads anywhere, as when the site is away that it looks at.
      if (state === "disconnected") await this.#montana("vpn", "connect", "auto");
      return state === "connected" ? [] : [`${state} ${cause ?? ""}`];
    });
    this.#expected ??= await this.#findExpected();
    const expected = this.#expected;
    await this.#until("each process is there once, with its ports", () => {
      const now = signatures(heldBelow(this.#options.data));
      return [
        ...without(expected, now).map((one) => `missing ${one}`),
        ...without(now, expected).map((one) => `too many ${one}`),
      ];
    });
  }

  /** What there is before anything happens: all parts, and nothing that nobody knows. */
  async #findExpected(): Promise<readonly string[]> {
    const parts = [...wantedOf(readRecord(this.#directory.record)!), HOME];
    const exits = parts.filter((name) => name.startsWith("exit-"));
    const wanted = [...parts, ...[...exits, HOME].map((role) => `${role} xray`)];
    let held: readonly Held[] = [];
    await this.#until("all of it runs, and nothing else", () => {
      held = heldBelow(this.#options.data);
      const roles = held.map(({ role }) => role);
      const isKnown = (role: string): boolean => wanted.includes(role) || role.endsWith(" montana-guard");
      return [...without(wanted, roles), ...roles.filter((role) => !isKnown(role))];
    });
    return signatures(held);
  }

  /** `lacks` names what is not so yet. */
  async #until(what: string, lacks: () => readonly string[] | Promise<readonly string[]>): Promise<void> {
    const end = performance.now() + BACK_MS_MAX;
    for (;;) {
      const { wrong } = this.#watch;
      if (wrong.length > 0) throw new Error(wrong.join("; "));
      const left = await lacks();
      if (left.length === 0) return;
      if (performance.now() > end) throw new Error(`never: ${what}: ${left.join(", ")}`);
      await wait(POLL_MS);
    }
  }

  async #sample(signal: AbortSignal): Promise<void> {
    const earlier = this.#record.seconds;
    while (!signal.aborted) {
      const seconds = earlier + (performance.now() - this.#beganMs) / 1000;
      const taken = heldBelow(this.#options.data).map((held) => ({ ...held, seconds, heapMib: null }));
      this.#record = { ...this.#record, seconds, samples: [...this.#record.samples, ...taken] };
      await wait(this.#options.sampleMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Of the hosts: they tell it for Prometheus. */
  async #sampleHeaps(): Promise<void> {
    const { cities } = readRecord(this.#directory.record)!;
    const hosts = new Map([
      ...this.#nodes,
      ...cities.map((city) => [`exit-${city.node}`, this.#directory.exitData(city)] as const),
    ]);
    const held = heldBelow(this.#options.data);
    for (const [role, data] of hosts) {
      const host = await reachIfThere(data);
      const found = held.find((one) => one.role === role);
      if (host === undefined || found === undefined) continue;
      const [, bytes] =
        /^montana_nodejs_heap_size_used_bytes (\S+)$/m.exec(await call(host.client.metrics.query())) ?? [];
      const heap: Taken = { ...found, seconds: this.#record.seconds, heapMib: Number(bytes) / MIB };
      this.#record = { ...this.#record, samples: [...this.#record.samples, heap] };
    }
  }

  async #montana(...words: string[]): Promise<void> {
    const { code, out, err } = await this.#options.run([...words, "--json"]);
    if (code !== 0) throw new Error(`montana ${words.join(" ")}: ${out}${err}`);
  }
}

const signatures = (held: readonly Held[]): string[] => held.map(({ role, ports }) => `${role} (${ports} ports)`);

/** Those of `all` that `some` lacks, each as often as it does. */
function without(all: readonly string[], some: readonly string[]): string[] {
  const left = [...some];
  return all.filter((one) => {
    const at = left.indexOf(one);
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
}
