/** A whole life with a real chain in a real thread on a real disk, on the real transition with small parameters. */
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { accountIdOf, nodeIdOf } from "../../protocol/identity/ids.ts";
import { extendCandidateChain } from "../../protocol/timechain/candidateChain.ts";
import { CANDIDATE_FILE, Lifecycle, LIFECYCLE_FILE, type LifecycleOptions, type LifecycleReport } from "./lifecycle.ts";
import { crypto, D, EMISSION, keyOf, Network, RULES, TAU2 } from "./network.fixture.ts";
import type { RegistrationDraft } from "./state.ts";

const NODE = keyOf("own node");
const ACCOUNT = accountIdOf(crypto, 1, NODE);
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** One node, its network, and what it told and published, over any number of restarts. */
class Person {
  readonly folder = mkdtempSync(join(tmpdir(), "montana-life-"));
  readonly network: Network;
  readonly reports: LifecycleReport[] = [];
  readonly published: RegistrationDraft[] = [];
  lifecycle: Lifecycle;
  #told: (() => void) | undefined;
  readonly #options: Partial<LifecycleOptions>;

  constructor(options: Partial<LifecycleOptions> = {}, d = D) {
    this.network = new Network(d);
    folders.push(this.folder);
    this.#options = options;
    this.lifecycle = this.#open();
  }

  async restart(change: () => void = () => undefined): Promise<void> {
    await this.lifecycle.close();
    change();
    this.lifecycle = this.#open();
  }

  window(): void {
    this.lifecycle.applied(this.network.advance(NODE, this.lifecycle.draft));
  }

  /** Windows pass until the report comes. */
  async until(kind: LifecycleReport["kind"], windowsMax = 40): Promise<LifecycleReport> {
    for (let i = 0; i < windowsMax; i++) {
      const found = this.reports.find((report) => report.kind === kind);
      if (found !== undefined) return found;
      this.window();
      await new Promise(setImmediate);
    }
    throw new Error(`no ${kind} within ${String(windowsMax)} windows`);
  }

  /** No window passes until the report comes. */
  async hears(kind: LifecycleReport["kind"]): Promise<void> {
    while (!this.reports.some((report) => report.kind === kind)) {
      await new Promise<void>((resolve) => {
        this.#told = resolve;
      });
    }
  }

  get kinds(): string[] {
    return this.reports.map(({ kind }) => kind);
  }

  #open(): Lifecycle {
    return new Lifecycle({
      ...{ crypto, rules: RULES, nodePubkey: NODE, folder: this.folder },
      publish: (draft) => {
        this.published.push(draft);
        this.network.publish(draft);
      },
      tell: (report) => {
        this.reports.push(report);
        this.#told?.();
      },
      windowSeconds: () => 60,
      awakeShare: () => 1,
      ...this.#options,
    });
  }
}

/** Until the condition holds, which only the chain's thread can bring about. */
async function holds(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("one join does all: chain, registration, a queue behind four others, admission in the expected window, 13 Ɉ", async () => {
  const person = new Person();
  const { network } = person;
  for (let i = 0; i < 3; i++) person.window();
  person.lifecycle.join();
  person.window();
  expect(person.lifecycle.status()).toMatchObject({ phase: "CandidateVdf", candidate: { done: 0n, total: TAU2 } });
  await person.hears("chain-finished");
  const { chain } = person.lifecycle.state;
  expect(chain!.value).toEqual(extendCandidateChain(crypto, chain!.init, D, TAU2));

  while (network.window < chain!.wStart + TAU2 - 3n) person.window();
  for (const name of ["a", "b", "c", "d"]) network.publishOther(name);
  person.window();
  await person.until("registered");
  expect(person.published[0]).toMatchObject({ vdfChainLength: TAU2, proofEndpoint: chain!.value });
  const { queue } = person.lifecycle.status();
  expect(queue).toMatchObject({ length: 4n, position: 4n });

  const admitted = await person.until("admitted");
  expect(admitted).toMatchObject({ window: queue!.expectedWindow, bonus: EMISSION, operatorAccountId: ACCOUNT });
  expect(network.state.accounts.get(ACCOUNT)!.balance).toBe(EMISSION);
  expect(network.state.nodes.get(nodeIdOf(crypto, NODE))!.startWindow).toBe(queue!.expectedWindow);
  expect(person.lifecycle.status()).toMatchObject({ phase: "Active", candidate: undefined, queue: undefined });
  await person.lifecycle.close();
});

test("restarts at every phase change nothing", async () => {
  const person = new Person();
  await person.restart();
  person.lifecycle.join();
  await person.restart();
  person.window();
  expect(person.lifecycle.state.phase).toBe("CandidateVdf");
  await person.restart();
  await person.hears("chain-finished");
  await person.restart();
  await person.until("published");
  await person.restart();
  await person.until("registered");
  await person.restart();
  expect(person.lifecycle.state.phase).toBe("Registered");
  await person.until("admitted");
  await person.restart();
  person.window();
  expect(person.lifecycle.status()).toMatchObject({ phase: "Active", admissionWindow: person.network.window - 1n });
  expect(person.kinds).toEqual(["chain-begun", "chain-finished", "published", "registered", "admitted"]);
  expect(new Set(person.published.map(({ proofEndpoint }) => proofEndpoint.join())).size).toBe(1);
  await person.lifecycle.close();
});

test("a candidate too slow for its deadline is warned, then starts over with the reason shown", async () => {
  const person = new Person({}, 2n ** 40n);
  person.lifecycle.join();
  person.window();
  await holds(() => person.lifecycle.status().candidate?.deadline !== undefined);
  person.window();
  expect(person.reports.at(-1)).toMatchObject({ kind: "alarm", alarm: "out-of-reach" });
  const { deadline, eta } = person.lifecycle.status().candidate!;
  expect(deadline!.pausableSeconds).toBe(0);
  expect(deadline!.hoursPerDayNeeded).toBeGreaterThan(24);
  expect(eta!.chainSeconds).toBeGreaterThan(deadline!.timeLeftSeconds);

  const { wStart } = person.lifecycle.state.chain!;
  while (person.network.window < wStart + 2n * TAU2) person.window();
  expect(person.lifecycle.state.chain!.wStart).toBe(wStart);
  person.window();
  expect(person.lifecycle.status()).toMatchObject({ phase: "CandidateVdf", lastRestart: "too-slow" });
  expect(person.reports).toContainEqual(expect.objectContaining({ kind: "chain-begun", cause: "too-slow" }));
  expect(person.kinds.filter((kind) => kind === "alarm")).toHaveLength(1);
  await person.lifecycle.close();
});

test("a lost lifecycle file costs no work: the chain of the progress file is taken up", async () => {
  const person = new Person();
  person.lifecycle.join();
  person.window();
  await person.hears("chain-finished");
  const { chain } = person.lifecycle.state;
  await person.restart(() => {
    const path = join(person.folder, LIFECYCLE_FILE);
    const file = readFileSync(path);
    writeFileSync(
      path,
      file.map((byte) => byte ^ 0xff),
    );
  });
  expect(person.kinds).toEqual(["chain-begun", "chain-finished", "damage", "recovered"]);
  expect(person.reports[2]).toMatchObject({ notice: { code: "lifecycle-corrupt" } });
  expect(person.lifecycle.state.chain).toEqual(chain);
  await person.until("admitted");
  await person.lifecycle.close();
});

test("a lost progress file costs the segment in progress: the chain goes on from the lifecycle file", async () => {
  const person = new Person({ chainSettings: { cpuShare: 0.05 } });
  person.lifecycle.join();
  person.window();
  await holds(() => person.lifecycle.state.chain!.done >= 3n);
  await person.restart(() => {
    writeFileSync(join(person.folder, CANDIDATE_FILE), "not a progress file");
  });
  const { done } = person.lifecycle.state.chain!;
  expect(done).toBeGreaterThanOrEqual(3n);
  await person.hears("chain-finished");
  expect(person.reports.find(({ kind }) => kind === "damage")).toMatchObject({ notice: { code: "progress-corrupt" } });
  const { chain } = person.lifecycle.state;
  expect(chain!.value).toEqual(extendCandidateChain(crypto, chain!.init, D, TAU2));
  await person.lifecycle.close();
});

test("a chain that cannot be started is told and tried again", async () => {
  const person = new Person({ retryMs: 1 });
  const obstacle = join(person.folder, CANDIDATE_FILE);
  mkdirSync(obstacle);
  person.lifecycle.join();
  person.window();
  await person.hears("chain-failed");
  rmdirSync(obstacle);
  await person.hears("chain-finished");
  await person.lifecycle.close();
});

test("another node's lifecycle file is not taken for one's own", async () => {
  const person = new Person();
  person.lifecycle.join();
  person.window();
  await person.lifecycle.close();
  const reports: LifecycleReport[] = [];
  const other = new Lifecycle({
    ...{ crypto, rules: RULES, nodePubkey: keyOf("other node"), folder: person.folder },
    publish: () => undefined,
    tell: (report) => reports.push(report),
    ...{ windowSeconds: () => 60, awakeShare: () => 1 },
  });
  expect(other.state.phase).toBe("Bootstrap");
  expect(reports).toEqual([{ kind: "damage", notice: { code: "lifecycle-not-own" } }]);
  await other.close();
});

test("withdrawing ends the chain, and nothing goes on after a restart", async () => {
  const person = new Person();
  person.lifecycle.join();
  person.window();
  person.lifecycle.withdraw();
  await person.restart();
  for (let i = 0; i < 5; i++) person.window();
  expect(person.lifecycle.status()).toMatchObject({ phase: "Bootstrap", candidate: undefined });
  await person.lifecycle.close();
});
