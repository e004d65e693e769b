/**
 * Networks of real processes on loopback, as people would run them: every node a `montana start` with a data directory of its
 * own, watched through its API while it runs and through its store when it has stopped.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { call, follow, type Client, type Following } from "../../main/api/client.ts";
import type { Status } from "../../main/api/contract.ts";
import { reach } from "../../main/app/attach.ts";
import { Playground, type Started } from "../../main/app/cli.fixture.ts";
import { locateData } from "../../main/app/dataDirectory.ts";
import { keystoreContext } from "../../main/keystore/context.ts";
import { inspectIdentity } from "../../main/keystore/identityStore.ts";
import type { IdentitySummary } from "../../main/keystore/summary.ts";
import { loadCrypto } from "../../main/native/index.ts";
import { genesisOf } from "../../main/node/network/genesis.ts";
import { formatNetworkFile, type Network } from "../../main/node/network/networkFile.ts";
import { toHex, type AccountId } from "../../main/protocol/bytes.ts";
import { MONTANA_PARAMS } from "../../main/protocol/genesis/montana.ts";
import { rulesOf } from "../../main/protocol/genesis/rules.ts";
import { freePort } from "./freePort.ts";
import { storedRoots, withStore } from "./storedChain.ts";

const { crypto } = loadCrypto();
export const NETWORK_NAME = "cohort";
const POLL_MS = 20;
/** A node that says nothing for so long has failed. */
const SILENCE_MS_MAX = 90_000;
const LAST_LINES = 25;

export interface CohortOptions {
  readonly founders: number;
  /** Further nodes, which hold no weight until they are admitted. */
  readonly newcomers: number;
  readonly d: bigint;
  readonly tau2Windows: bigint;
}

/** The network's nodes, none of them started yet. */
export class Cohort {
  readonly nodes: readonly CohortNode[];
  readonly network: Network;

  static async make({ founders, newcomers, d, tau2Windows }: CohortOptions): Promise<Cohort> {
    const nodes = await Promise.all(
      Array.from({ length: founders + newcomers }, (_, i) => CohortNode.make(`node-${i}`)),
    );
    const [bootstrap, ...others] = nodes.slice(0, founders);
    const params = {
      ...MONTANA_PARAMS,
      ...{ d0: d, dAdjustmentRateNum: 0, tau2Windows, vdfEntryWindows: tau2Windows, selectionInterval: tau2Windows },
      ...{ candidateExpiryWindows: 3n * tau2Windows, pruningIdleWindows: 8n * tau2Windows },
      bootstrapAccountPubkey: bootstrap!.identity.accountPublicKey,
      bootstrapNodePubkey: bootstrap!.identity.nodePublicKey,
    };
    const network: Network = {
      ...{ name: NETWORK_NAME, rules: rulesOf(params, "spec"), isManifestNeeded: false, tunnel: undefined },
      otherFounders: others.map(({ identity }) => ({
        accountPubkey: identity.accountPublicKey,
        nodePubkey: identity.nodePublicKey,
      })),
      stateHash: undefined,
      // Newcomers find the founders, and each other through them.
      peers: nodes.slice(0, founders).map((node, i) => node.manifestEntry(i === 0)),
    };
    const stateHash = genesisOf(crypto, network).stateHash;
    const text = formatNetworkFile({ ...network, stateHash });
    await Promise.all(nodes.map((node) => node.take(text)));
    return new Cohort(nodes, { ...network, stateHash });
  }

  private constructor(nodes: readonly CohortNode[], network: Network) {
    this.nodes = nodes;
    this.network = network;
    // Whoever ends this program ends the nodes with it.
    process.once("exit", this.#killAll);
  }

  readonly #killAll = (): void => {
    for (const node of this.nodes) node.killNow();
  };

  /** Ends every process and removes what they wrote. */
  async remove(): Promise<void> {
    process.off("exit", this.#killAll);
    await Promise.all(this.nodes.map((node) => node.remove()));
  }
}

export class CohortNode {
  readonly name: string;
  readonly identity: IdentitySummary;
  readonly port: number;
  /** Window → state root, as the node's API said it. */
  readonly roots = new Map<number, string>();
  status: Status | undefined;
  readonly #playground: Playground;
  #host: Started | undefined;
  #client: Client | undefined;
  #following: Following | undefined;
  #heardAtMs = 0;

  static async make(name: string): Promise<CohortNode> {
    const playground = await Playground.make();
    await playground.init();
    const { identity } = locateData(playground.data);
    return new CohortNode(
      name,
      playground,
      await inspectIdentity(keystoreContext({ directory: identity, crypto })),
      await freePort(),
    );
  }

  private constructor(name: string, playground: Playground, identity: IdentitySummary, port: number) {
    this.name = name;
    this.#playground = playground;
    this.identity = identity;
    this.port = port;
  }

  manifestEntry(isBootstrap: boolean) {
    const { peerId, accountId, nodeId } = this.identity;
    return {
      ...{ label: this.name, multiaddr: `/ip4/127.0.0.1/tcp/${this.port}`, peerId, isBootstrap },
      ...{ accountIdHex: toHex(accountId), nodeIdHex: toHex(nodeId) },
    };
  }

  /** The network's file. */
  async take(text: string): Promise<void> {
    await mkdir(this.#playground.data, { recursive: true });
    await writeFile(this.#file, text);
  }

  get window(): number {
    return this.status?.window ?? -1;
  }

  get isUp(): boolean {
    return this.#host !== undefined;
  }

  get pid(): number {
    return this.#host!.pid;
  }

  async start(): Promise<void> {
    const listen = ["--listen", `/ip4/127.0.0.1/tcp/${this.port}`];
    this.#host = await this.#playground.start([...listen, "--log-level", "info"], this.#file);
    const host = await reach(locateData(this.#playground.data));
    if (host === undefined) throw new Error(`${this.name} is gone`);
    this.#client = host.client;
    this.#heardAtMs = performance.now();
    this.#following = follow(
      this.#client,
      (event) => {
        if (event.kind === "snapshot") this.#see(event.payload.status);
        if (event.kind === "window-closed" || event.kind === "status") this.#see(event.payload);
      },
      () => undefined,
    );
  }

  killNow(): void {
    this.#host?.process.kill("SIGKILL");
  }

  /** As a power cut does it to one process. */
  async kill(): Promise<void> {
    this.#leave();
    this.#host!.process.kill("SIGKILL");
    await this.#host!.ended;
    this.#host = undefined;
  }

  /** As a person does it. Gives what it wrote to standard error. */
  async stop(): Promise<string> {
    this.#leave();
    this.#host!.process.kill("SIGTERM");
    const { code, err } = await this.#host!.ended;
    this.#host = undefined;
    if (code !== 0) throw new Error(`${this.name} ended with ${code}: ${err.slice(-2000)}`);
    return err;
  }

  /** The last lines of its log, for whoever asks why a story failed. */
  async lastWords(): Promise<string> {
    if (this.#host === undefined) return `${this.name} is down`;
    this.killNow();
    const { err } = await this.#host.ended;
    const lines = err.split("\n").filter((line) => !/ (broadcast|heartbeat OK) /.test(line));
    return `${this.name}:\n${lines.slice(-LAST_LINES).join("\n")}`;
  }

  async remove(): Promise<void> {
    this.#leave();
    await this.#playground.remove();
  }

  /** Begins its own candidate chain. */
  async join(): Promise<void> {
    await call(this.#client!.join.mutate({ startsAnyway: true }));
  }

  /** Resolves once it holds; throws when the node does not get any further. */
  async until(what: string, holds: () => boolean): Promise<void> {
    this.#heardAtMs = performance.now();
    while (!holds()) {
      if (performance.now() - this.#heardAtMs > SILENCE_MS_MAX) {
        const { window, phase, peers, notices } = this.status ?? {};
        throw new Error(
          `${this.name} stands still, waiting for ${what}: ${JSON.stringify({ window, phase, peers, notices })}`,
        );
      }
      await wait(POLL_MS);
    }
  }

  untilWindow(window: number): Promise<void> {
    return this.until(`window ${window}`, () => this.window >= window);
  }

  /** Every decided window's state root, from the store of the stopped node. */
  storedRoots(network: Network): Promise<string[]> {
    return storedRoots(this.#playground.data, network);
  }

  /** Windows and amounts of the welcome bonuses of an account, in the state of the stopped node. */
  bonuses(network: Network, account: AccountId): Promise<{ readonly window: bigint; readonly amount: bigint }[]> {
    return withStore(this.#playground.data, network, async (client) => {
      const found = [];
      for (let before: number | undefined; ;) {
        const page = await client.ask("history", { subject: account, ...(before === undefined ? {} : { before }) });
        found.push(...page.filter(({ kind }) => kind === "welcome-bonus"));
        const last = page.at(-1);
        if (last === undefined) return found.map(({ window, amount }) => ({ window, amount }));
        before = last.cursor;
      }
    });
  }

  #see(status: Status): void {
    if (status.window !== null && status.window > this.window) this.#heardAtMs = performance.now();
    this.status = status;
    if (status.window === null || status.stateRoot === null) return;
    this.roots.set(status.window, status.stateRoot);
  }

  #leave(): void {
    this.#following?.stop();
    this.#following = undefined;
    this.status = undefined;
  }

  get #file(): string {
    return join(this.#playground.data, "cohort.json");
  }
}
