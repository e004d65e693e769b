/**
 * A chain as a network of three founders would have decided it, made as fast as the processor allows: the real window machines
 * with real signatures over one store, T of a few hashes a window, nobody ever late. Its genesis may hold more accounts and
 * candidates than the parameters alone give.
 */
import { ascii, byteKey, concatBytes, type AccountId, type Hash32 } from "../../protocol/bytes.ts";
import { encode, u32 } from "../../protocol/codec/codec.ts";
import type { PublicKey, SecretKey, Signature } from "../../protocol/crypto.ts";
import { MONTANA_PARAMS } from "../../protocol/genesis/montana.ts";
import type { ProtocolParams } from "../../protocol/genesis/params.ts";
import { rulesOf, type NetworkRules } from "../../protocol/genesis/rules.ts";
import { genesisRecords, genesisStateHash, unusedAccount, type Founder } from "../../protocol/genesis/state.ts";
import { protocolParams } from "../../protocol/genesis/params.ts";
import { accountIdOf, nodeIdOf } from "../../protocol/identity/ids.ts";
import {
  operation as operationClass,
  TYPE_ANCHOR,
  TYPE_TRANSFER,
  type Operation,
} from "../../protocol/objects/operations.ts";
import { MemoryState } from "../../protocol/state/memory.ts";
import { recomputeRoots } from "../../protocol/state/recomputeRoots.ts";
import type { AccountRecord, CandidateRecord } from "../../protocol/state/records.ts";
import type { StateRoots } from "../../protocol/state/roots.ts";
import { vdfStep } from "../../protocol/timechain/vdf.ts";
import { genesisEpoch } from "../../protocol/transition/adaptEpoch.ts";
import type { Effect } from "../../consensus/effects.ts";
import type { MachineEvent, TransitionOutcome } from "../../consensus/events.ts";
import { WindowMachine } from "../../consensus/machine.ts";
import type { DecidedWindow, FetchedWindow } from "../../consensus/material.ts";
import { operationMessage, signObject, type Message } from "../../consensus/objects.ts";
import { loadCrypto } from "../../native/index.ts";
import { StateService, type TaskContext } from "../state/service.ts";
import type { OpenOptions, StateRequestName, StateRequests } from "../state/requests.ts";
import { STORE_FOLDER } from "../store/backup.ts";
import { StoreBuilder } from "../store/builder.ts";
import { finish } from "../store/store.ts";
import { servedAnchors } from "./anchors.ts";
import { join } from "node:path";

export const { crypto } = loadCrypto();

const FOUNDERS = 3;
const ROWS_PER_BATCH = 10_000;
/** Timers of the machines, in virtual time. */
const ITERATIONS_PER_MS = 1000;

export interface KeyPair {
  readonly publicKey: PublicKey;
  readonly secretKey: SecretKey;
}

export interface MadeGenesis {
  /** Of people, besides the founders'; the first `senders` have keys that sign. */
  readonly accounts: number;
  readonly senders: number;
  /** Admitted one a window. */
  readonly candidates: number;
  readonly params: Partial<ProtocolParams>;
  /** Other founders have other keys. */
  readonly founders?: string;
}

const keyPairOf = (name: string): KeyPair => crypto.mldsa65.generate(crypto.sha256(ascii(name)));

/** 1952 bytes that nobody signs with. */
function silentKey(index: number): PublicKey {
  const key = new Uint8Array(1952);
  key.set(crypto.sha256(concatBytes(ascii("silent"), encode(u32, index))));
  return key as PublicKey;
}

/** What every node of the network knows before window 0. */
export class MadeNetwork {
  readonly rules: NetworkRules;
  readonly founders: readonly { readonly account: KeyPair; readonly node: KeyPair }[];
  readonly senders: readonly KeyPair[];
  readonly accounts: readonly AccountRecord[];
  readonly candidates: readonly CandidateRecord[];
  readonly roots: StateRoots;
  readonly networkId: Hash32;

  constructor({ accounts, senders, candidates, params, founders = "" }: MadeGenesis) {
    this.founders = Array.from({ length: FOUNDERS }, (_, i) => ({
      account: keyPairOf(`account of founder ${i}${founders}`),
      node: keyPairOf(`node of founder ${i}${founders}`),
    }));
    const [bootstrap] = this.founders;
    const full: ProtocolParams = {
      ...MONTANA_PARAMS,
      ...{ d0: 60n, tau2Windows: 40n, selectionInterval: 336n, pruningIdleWindows: 1_000_000n },
      ...params,
      bootstrapAccountPubkey: bootstrap!.account.publicKey,
      bootstrapNodePubkey: bootstrap!.node.publicKey,
    };
    this.rules = rulesOf(full, "spec");
    this.senders = Array.from({ length: senders }, (_, i) => keyPairOf(`sender ${i}`));
    this.accounts = Array.from({ length: accounts }, (_, i) =>
      unusedAccount(crypto, this.senders[i]?.publicKey ?? silentKey(i)),
    );
    this.candidates = Array.from({ length: candidates }, (_, i) => candidateOf(i, full));
    const { accounts: ownAccounts, nodes } = genesisRecords(crypto, full, "spec", this.otherFounders);
    const state = new MemoryState().load({
      accounts: [...ownAccounts, ...this.accounts],
      nodes,
      candidates: this.candidates,
    });
    this.roots = recomputeRoots(crypto, state);
    this.networkId = genesisStateHash(crypto, this.roots.stateRoot, encode(protocolParams, full));
  }

  get otherFounders(): Founder[] {
    return this.founders.slice(1).map(({ account, node }) => ({
      accountPubkey: account.publicKey,
      nodePubkey: node.publicKey,
    }));
  }

  openOptions(directory: string): OpenOptions {
    const { rules, networkId } = this;
    return { directory, rules, networkId, founders: this.otherFounders, whenMissing: "must-exist" };
  }

  /** A store before window 0. */
  createStore(directory: string): void {
    const { rules, networkId } = this;
    const builder = new StoreBuilder({ directory: join(directory, STORE_FOLDER), crypto, rules, networkId });
    const { accounts, nodes } = genesisRecords(crypto, rules.params, "spec", this.otherFounders);
    builder.addRows({ accounts, nodes, candidates: this.candidates });
    for (let first = 0; first < this.accounts.length; first += ROWS_PER_BATCH) {
      builder.addRows({ accounts: this.accounts.slice(first, first + ROWS_PER_BATCH) });
    }
    finish(builder.finish(0n, genesisEpoch(rules)));
  }
}

function candidateOf(index: number, params: ProtocolParams): CandidateRecord {
  const nodePubkey = silentKey(1_000_000 + index);
  return {
    nodeId: nodeIdOf(crypto, nodePubkey),
    nodePubkey,
    suiteId: 1,
    operatorAccountId: accountIdOf(crypto, 1, nodePubkey),
    proofEndpoint: crypto.sha256(nodePubkey),
    wStart: 0n,
    vdfChainLength: params.vdfEntryWindows,
    registrationWindow: 0n,
    expires: params.candidateExpiryWindows,
  };
}

const NO_TASK: TaskContext = { onProgress: () => undefined, signal: new AbortController().signal };

/** Three machines over one store, which moves when all of them have decided. */
export class MadeChain {
  readonly network: MadeNetwork;
  readonly service = new StateService(crypto);
  readonly #nodes: readonly KeyPair[];
  readonly #machines: WindowMachine[];
  readonly #events: (() => void | Promise<void>)[] = [];
  /** Virtual time. */
  #nowMs = 0;
  readonly #timers: {
    readonly machine: number;
    readonly name: string;
    readonly atMs: number;
    readonly fire: () => void;
  }[] = [];
  readonly #outcomes = new Map<string, Promise<TransitionOutcome>>();
  #persisting: { readonly machine: number; readonly decided: DecidedWindow }[] = [];
  #waitingVdf: (() => void)[] = [];
  #nextMessage = 0;
  #height = 0n;
  operations = 0;
  /** From here on T is made up: what founders could do who are all of one mind. */
  falseTimeFrom: bigint | undefined;

  /** `nodes` are whose machines run: all that weigh anything, or a stranger that follows. */
  constructor(network: MadeNetwork, nodes: readonly KeyPair[] = network.founders.map(({ node }) => node)) {
    this.network = network;
    this.#nodes = nodes;
    this.#machines = nodes.map(
      ({ publicKey }) =>
        new WindowMachine(crypto, network.rules, { nodeId: nodeIdOf(crypto, publicKey), protocolVersionMax: 1 }),
    );
  }

  /** Next window to decide. */
  get height(): bigint {
    return this.#height;
  }

  ask<Name extends StateRequestName>(
    name: Name,
    input: StateRequests[Name]["takes"],
  ): Promise<StateRequests[Name]["gives"]> {
    return Promise.resolve(this.service.handlers[name](input, NO_TASK));
  }

  /** Opens the store, which is made where it is missing. */
  async open(directory: string): Promise<void> {
    const { height } = await this.ask("open", this.network.openOptions(directory));
    this.#height = height;
    for (const i of this.#machines.keys()) {
      const { view, past } = await this.ask("standing", undefined);
      this.#step(i, { kind: "started", view, past, log: [], times: [] });
      for (const other of this.#machines.keys()) {
        if (other !== i) this.#step(i, { kind: "peer-connected", peer: String(other) });
      }
    }
  }

  /** Decides windows up to `height`; `operationsOf` gives what people do in each. */
  async decideUpTo(height: bigint, operationsOf: (window: bigint) => Promise<readonly Operation[]>): Promise<void> {
    while (this.#height < height) {
      const { height: before } = this;
      for (const operation of await operationsOf(before)) {
        this.operations++;
        this.#deliver(0, operationMessage(operation), "person");
      }
      const waiting = this.#waitingVdf;
      this.#waitingVdf = [];
      for (const run of waiting) run();
      await this.#runUntil(() => this.#height > before);
    }
  }

  /** Decides what others have decided, with one machine. */
  async follow(windows: readonly FetchedWindow[]): Promise<void> {
    for (const fetched of windows) {
      const { height } = this;
      this.#later(() => this.#step(0, { kind: "window-fetched", from: "0", fetched }));
      await this.#runUntil(() => this.#height > height);
    }
  }

  /** A transfer, or an anchor where there is no money, of the account's current key. */
  async operationOf(sender: KeyPair, receiver: AccountId, amount: bigint): Promise<Operation> {
    const id = accountIdOf(crypto, 1, sender.publicKey);
    const record = (await this.ask("account", id))!;
    const link = { prevHash: record.frontierHash, sender: id, signature: new Uint8Array(3309) as Signature };
    const unsigned: Operation =
      record.balance > amount
        ? { type: TYPE_TRANSFER, ...link, link: receiver, amount }
        : { type: TYPE_ANCHOR, ...link, appId: receiver, dataHash: receiver };
    return operationClass.sign(crypto, sender.secretKey, unsigned);
  }

  servedAnchors(): bigint[] {
    return servedAnchors(this.network.rules.params, this.#height);
  }

  /** What all chunks of a snapshot weigh. */
  async snapshotBytes(anchor: bigint): Promise<number> {
    let bytes = 0;
    for (let index = 0n; ; index++) {
      const part = await this.ask("snapshotPart", { anchor, resumeOffset: index });
      if (part === undefined) return bytes;
      bytes += part.length;
    }
  }

  /** What all objects of the windows from `first` on weigh. */
  async rangeBytes(first: bigint): Promise<number> {
    let bytes = 0;
    for (let window = first; window < this.#height; window++) {
      for (let cursor = 0; ;) {
        const page = await this.ask("range", { first: window, last: window, cursor, bytesMax: 1 << 20 });
        bytes += page.objects.reduce((sum, { payload }) => sum + payload.length, 0);
        if (!page.more) break;
        cursor = page.nextCursor;
      }
    }
    return bytes;
  }

  close(): void {
    void this.ask("close", undefined);
  }

  async #runUntil(holds: () => boolean): Promise<void> {
    while (!holds()) {
      const event = this.#events.shift();
      if (event !== undefined) await event();
      else this.#fireNext();
    }
  }

  #fireNext(): void {
    this.#timers.sort((a, b) => a.atMs - b.atMs);
    const timer = this.#timers.shift();
    if (timer === undefined) throw new Error(`nothing happens any more in window ${this.#height}`);
    this.#nowMs = Math.max(this.#nowMs, timer.atMs);
    timer.fire();
  }

  #later(work: () => void | Promise<void>): void {
    this.#events.push(work);
  }

  #deliver(to: number, { type, payload }: Message, from: string): void {
    const id = this.#nextMessage++;
    this.#later(() => this.#step(to, { kind: "received", messages: [{ type, payload, id, from }] }));
  }

  #step(machine: number, event: MachineEvent): void {
    for (const effect of this.#machines[machine]!.step(event)) this.#carryOut(machine, effect);
  }

  #carryOut(machine: number, effect: Effect): void {
    switch (effect.kind) {
      case "sign": {
        const signed = signObject(crypto, this.#nodes[machine]!.secretKey, effect.unsigned);
        this.#later(() => this.#step(machine, { kind: "signed", signed }));
        return;
      }
      case "broadcast":
        for (const other of this.#machines.keys()) {
          if (other !== machine && String(other) !== effect.except)
            this.#deliver(other, effect.message, String(machine));
        }
        return;
      case "send":
        for (const message of effect.messages) this.#deliver(Number(effect.to), message, String(machine));
        return;
      case "list-objects":
        this.#later(async () => this.#step(machine, await this.ask("listObjects", effect)));
        return;
      case "check-objects":
        this.#later(async () => this.#step(machine, await this.ask("checkObjects", effect)));
        return;
      case "compute-transition":
        this.#later(async () => {
          const key = byteKey(effect.key);
          const known = this.#outcomes.get(key) ?? this.ask("computeTransition", effect);
          this.#outcomes.set(key, known);
          this.#step(machine, { kind: "transition-computed", key: effect.key, outcome: await known });
        });
        return;
      case "persist":
        this.#persisting.push({ machine, decided: effect.decided });
        if (this.#persisting.length === this.#machines.length) this.#later(() => this.#persist());
        return;
      case "fetch-objects":
        this.#later(() => {
          const other = (machine + 1) % this.#machines.length;
          for (const hash of effect.hashes) {
            for (const message of this.#machines[other]!.find(hash)) this.#deliver(machine, message, String(other));
          }
        });
        return;
      case "run-vdf": {
        const { window, from, iterations } = effect;
        const isFalse = this.falseTimeFrom !== undefined && window >= this.falseTimeFrom;
        const run = (): void =>
          this.#later(() => {
            const value = isFalse ? crypto.sha256(from) : vdfStep(crypto, from, iterations);
            this.#step(machine, { kind: "ticked", window, value });
          });
        // Nobody hashes ahead here.
        if (window <= this.#height) run();
        else this.#waitingVdf.push(run);
        return;
      }
      case "set-timer": {
        const { timer, length } = effect;
        this.#dropTimer(machine, timer.name);
        const ms = Math.max(Number(length.iterations) / ITERATIONS_PER_MS, length.atLeastMs);
        const fire = (): void => this.#step(machine, { kind: "timer-expired", timer });
        this.#timers.push({ machine, name: timer.name, atMs: this.#nowMs + ms, fire });
        return;
      }
      case "cancel-timer":
        this.#dropTimer(machine, effect.name);
        return;
      case "verdict":
      case "notify":
      case "fetch-windows":
      case "find-iterations":
      case "restart-vdf":
        return;
      case "halt":
        throw new Error(`halt: ${effect.code}`);
      case "report":
        throw new Error(
          `fault: ${JSON.stringify(effect.fault, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value))}`,
        );
    }
  }

  #dropTimer(machine: number, name: string): void {
    const place = this.#timers.findIndex((timer) => timer.machine === machine && timer.name === name);
    if (place >= 0) this.#timers.splice(place, 1);
  }

  async #persist(): Promise<void> {
    const waiting = this.#persisting;
    this.#persisting = [];
    const { settled, registered, view } = await this.ask("persist", waiting[0]!.decided);
    this.#outcomes.clear();
    this.#height++;
    for (const { machine } of waiting) this.#step(machine, { kind: "committed", settled, registered, view });
  }
}

/** What `count` of the senders do in a window, in turn: each has four windows for one operation to settle. */
export function someOperations(chain: MadeChain, count: number) {
  const { senders, founders, accounts } = chain.network;
  return async (window: bigint): Promise<Operation[]> => {
    if (window === 0n) return [];
    const turn = Number(window);
    const operations: Operation[] = [];
    const random = crypto.sha256(encode(u32, turn));
    const target = (i: number): AccountId =>
      accounts[((random[2 * i]! << 16) | (random[2 * i + 1]! << 8) | random[2 * i + 2]!) % accounts.length]!.accountId;
    for (let i = 0; i < count; i++) {
      const sender = senders[(turn * count + i) % senders.length]!;
      operations.push(await chain.operationOf(sender, target(i), 1000n + BigInt(i)));
    }
    // Founders fund the senders.
    if (turn % 4 === 0) {
      const rich = founders[(turn / 4) % founders.length]!.account;
      const poor = accountIdOf(crypto, 1, senders[(turn / 4) % senders.length]!.publicKey);
      operations.push(await chain.operationOf(rich, poor, 1_000_000n));
    }
    return operations;
  };
}
