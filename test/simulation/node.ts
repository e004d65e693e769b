/**
 * The runtime of one simulated node: carries out the effects of the real machine on a simulated disk, clock and network. A
 * crash loses the machine, everything in flight and whatever was not yet written with fsync.
 */
import { byteKey, equalBytes, type Hash32 } from "../../main/protocol/bytes.ts";
import { bundledConfirmation, proposalHeader, vdfReveal } from "../../main/protocol/objects/consensus.ts";
import { nodeRegistration } from "../../main/protocol/objects/nodeRegistration.ts";
import { operation as operationClass } from "../../main/protocol/objects/operations.ts";
import { releaseTrees } from "../../main/protocol/state/roots.ts";
import type { WindowResult } from "../../main/protocol/transition/applyWindow.ts";
import type { ComputeTransition, Effect, Fault, Notice, Persist, Sign } from "../../main/consensus/effects.ts";
import type { MachineEvent, ReceivedMessage } from "../../main/consensus/events.ts";
import { WindowMachine } from "../../main/consensus/machine.ts";
import type { DecidedWindow } from "../../main/consensus/material.ts";
import {
  bodyMessage,
  messageOf,
  operationMessage,
  registrationMessage,
  signObject,
  type Message,
} from "../../main/consensus/objects.ts";
import { checkObjects, computeTransition, listObjects, outcomeOf } from "../../main/consensus/tables.ts";
import type { VotingRules } from "../../main/consensus/rules/vote.ts";
import type { TimerName } from "../../main/consensus/timers.ts";
import type { Disk } from "./disk.ts";
import { vdfValue, type Member } from "./genesis.ts";
import type { World } from "./world.ts";

const SIGN_MS_MAX = 4;
const COMPUTE_MS_MAX = 30;
const PERSIST_MS_MAX = 20;
const ASK_MS = 2;
const INBOX_MS = 1;
/** Windows that one answer to a range fetch carries. */
const RANGE_WINDOWS_MAX = 8;
const ARCHIVE_LOOKUP_WINDOWS = 3;

export class SimulatedNode {
  readonly index: number;
  readonly member: Member;
  readonly disk: Disk;
  readonly world: World;
  /** Iterations of its VDF per ms. */
  iterationsPerMs: number;
  readonly voting: VotingRules | undefined;
  machine: WindowMachine | undefined;
  notices: Notice[] = [];
  faults: Fault[] = [];
  rejected = new Map<string, number>();
  /** Counts lives: what was asked for in an earlier one is lost. */
  #life = 0;
  #inbox: ReceivedMessage[] = [];
  #nextMessage = 0;
  #seen = new WeakSet<Uint8Array>();
  #timers = new Map<TimerName, number>();
  #vdfRun = 0;
  #results = new Map<string, WindowResult>();
  #unsynced: (() => void)[] = [];

  constructor(world: World, index: number, member: Member, disk: Disk, iterationsPerMs: number, voting?: VotingRules) {
    this.world = world;
    this.index = index;
    this.member = member;
    this.disk = disk;
    this.iterationsPerMs = iterationsPerMs;
    this.voting = voting;
  }

  get isUp(): boolean {
    return this.machine !== undefined;
  }

  get window(): bigint {
    return this.disk.view.window;
  }

  start(): void {
    const self = { nodeId: this.member.nodeId, protocolVersionMax: 1 };
    this.machine = new WindowMachine(this.world.crypto, this.world.rules, self, {
      ...(this.voting && { voting: this.voting }),
    });
    this.#step(this.disk.started());
    for (const peer of this.world.peersOf(this.index)) {
      this.#step({ kind: "peer-connected", peer: String(peer) });
      this.world.nodes[peer]!.connected(this.index);
    }
  }

  connected(peer: number): void {
    if (this.isUp) this.#step({ kind: "peer-connected", peer: String(peer) });
  }

  crash(): void {
    this.machine = undefined;
    this.#life++;
    this.#inbox = [];
    this.#seen = new WeakSet();
    this.#timers.clear();
    this.#vdfRun++;
    this.#dropResults();
    // Of what was being written, some had reached the disk although nobody was told.
    for (const write of this.#unsynced) if (this.world.random.chance(0.5)) write();
    this.#unsynced = [];
  }

  /** A message arrives over the network. */
  deliver(from: number, message: Message): void {
    if (!this.isUp || this.#seen.has(message.payload)) return;
    this.#seen.add(message.payload);
    this.#inbox.push({ ...message, id: this.#nextMessage++, from: String(from) });
    if (this.#inbox.length > 1) return;
    this.#later(INBOX_MS, () => {
      const messages = this.#inbox;
      this.#inbox = [];
      this.#step({ kind: "received", messages });
    });
  }

  /** A client hands in an operation or a registration. */
  submit(message: Message): void {
    this.deliver(-1, message);
  }

  find(hash: Hash32): readonly Message[] {
    const found = this.machine?.find(hash) ?? [];
    if (found.length > 0) return found;
    for (const decided of this.disk.archive.slice(-ARCHIVE_LOOKUP_WINDOWS)) {
      const archived = findInWindow(this.world, decided, hash);
      if (archived.length > 0) return archived;
    }
    return [];
  }

  #step(event: MachineEvent): void {
    const { machine } = this;
    if (machine === undefined) return;
    for (const effect of machine.step(event)) this.#carryOut(effect);
  }

  /** In this life only. */
  #later(delay: number, run: () => void): void {
    const life = this.#life;
    this.world.clock.after(delay, () => {
      if (life === this.#life) run();
    });
  }

  #answer(delay: number, event: () => MachineEvent): void {
    this.#later(delay, () => {
      this.#step(event());
    });
  }

  #carryOut(effect: Effect): void {
    const { world, disk } = this;
    const { crypto, rules } = world;
    switch (effect.kind) {
      case "sign":
        this.#sign(effect);
        return;
      case "broadcast":
        for (const peer of world.peersOf(this.index)) {
          if (String(peer) !== effect.except) world.transmit(this.index, peer, effect.message);
        }
        return;
      case "send":
        for (const message of effect.messages) world.transmit(this.index, Number(effect.to), message);
        return;
      case "verdict": {
        const { verdict } = effect;
        if (verdict.verdict === "reject") this.rejected.set(verdict.code, (this.rejected.get(verdict.code) ?? 0) + 1);
        return;
      }
      case "list-objects":
        this.#answer(ASK_MS, () => listObjects(crypto, rules, disk.state, effect));
        return;
      case "check-objects":
        this.#answer(ASK_MS, () => checkObjects(crypto, rules, disk.state, effect));
        return;
      case "compute-transition":
        this.#compute(effect);
        return;
      case "persist":
        this.#persist(effect);
        return;
      case "fetch-objects":
        this.#fetchObjects(effect.hashes);
        return;
      case "fetch-windows":
        this.#fetchWindows(effect.first, effect.count);
        return;
      case "run-vdf": {
        const run = ++this.#vdfRun;
        this.#later(Number(effect.iterations) / this.iterationsPerMs, () => {
          if (run !== this.#vdfRun) return;
          const value = vdfValue(crypto, effect.from, effect.iterations);
          disk.times.set(effect.window, value);
          this.#step({ kind: "ticked", window: effect.window, value });
        });
        return;
      }
      case "set-timer": {
        const { timer, length } = effect;
        const run = (this.#timers.get(timer.name) ?? 0) + 1;
        this.#timers.set(timer.name, run);
        const delay = Math.max(length.atLeastMs, Number(length.iterations) / this.iterationsPerMs);
        this.#later(delay, () => {
          if (this.#timers.get(timer.name) === run) this.#step({ kind: "timer-expired", timer });
        });
        return;
      }
      case "cancel-timer":
        this.#timers.set(effect.name, (this.#timers.get(effect.name) ?? 0) + 1);
        return;
      case "report":
        this.faults.push(effect.fault);
        world.checkers.reported(this, effect.fault);
        return;
      case "notify":
        this.notices.push(effect.notice);
        return;
      case "halt":
        world.checkers.halted(this, effect.code);
        return;
    }
  }

  #sign({ unsigned, keep }: Sign): void {
    const { world, disk } = this;
    const signed = signObject(world.crypto, this.member.node.secretKey, unsigned);
    const write = (): void => {
      world.checkers.signed(this, signed);
      disk.log.push({ signed, keep });
    };
    this.#unsynced.push(write);
    this.#later(world.random.between(1, SIGN_MS_MAX), () => {
      write();
      this.#unsynced = this.#unsynced.filter((each) => each !== write);
      this.#step({ kind: "signed", signed });
    });
  }

  #compute({ key, inputs }: ComputeTransition): void {
    const { crypto, rules, random } = this.world;
    this.#later(random.between(1, COMPUTE_MS_MAX), () => {
      if (inputs.window !== this.window) return;
      const { outcome, result } = computeTransition(crypto, rules, this.disk.settled, inputs);
      if (result !== undefined) this.#keepResult(key, result);
      this.#step({ kind: "transition-computed", key, outcome });
    });
  }

  #keepResult(key: Hash32, result: WindowResult): void {
    const known = this.#results.get(byteKey(key));
    if (known !== undefined) releaseTrees(known.trees);
    this.#results.set(byteKey(key), result);
  }

  #persist({ decided }: Persist): void {
    const { world, disk } = this;
    const write = (): WindowResult => {
      const result = this.#results.get(byteKey(decided.key)) ?? this.#recompute(decided);
      this.#results.delete(byteKey(decided.key));
      this.#dropResults();
      disk.commit(decided, result);
      world.checkers.committed(this, decided, result);
      return result;
    };
    this.#later(world.random.between(1, PERSIST_MS_MAX), () => {
      const result = write();
      this.#answer(1, () => ({ kind: "committed", view: disk.view, ...outcomeOf(result) }));
    });
  }

  #recompute(decided: DecidedWindow): WindowResult {
    const { result } = computeTransition(this.world.crypto, this.world.rules, this.disk.settled, decided.inputs);
    if (result === undefined) throw new Error("a decided window does not apply");
    return result;
  }

  #dropResults(): void {
    for (const { trees } of this.#results.values()) releaseTrees(trees);
    this.#results.clear();
  }

  #fetchObjects(hashes: readonly Hash32[]): void {
    const { world, index } = this;
    const peer = world.random.pick(world.peersOf(index));
    if (peer === undefined) return;
    world.request(index, peer, () => {
      const found = hashes.flatMap((hash) => world.nodes[peer]!.find(hash));
      for (const message of found) world.transmit(peer, index, message);
    });
  }

  #fetchWindows(first: bigint, count: bigint): void {
    const { world, index } = this;
    const peer = world.random.pick(world.peersOf(index));
    if (peer === undefined) return;
    world.request(index, peer, () => {
      const last = Math.min(Number(count), RANGE_WINDOWS_MAX);
      const decided = world.nodes[peer]!.disk.archive.slice(Number(first), Number(first) + last);
      world.request(peer, index, () => {
        for (const fetched of decided) this.#step({ kind: "window-fetched", from: String(peer), fetched });
      });
    });
  }
}

function findInWindow({ crypto }: World, decided: DecidedWindow, hash: Hash32): Message[] {
  const { header, body } = decided;
  if (equalBytes(proposalHeader.identify(crypto, header), hash)) {
    return [messageOf({ type: "header", object: header }), bodyMessage(body)];
  }
  const isNamed = (identifier: Hash32): boolean => equalBytes(identifier, hash);
  return [
    ...decided.bundles
      .filter((object) => isNamed(bundledConfirmation.identify(crypto, object)))
      .map((object) => messageOf({ type: "bundle", object })),
    ...decided.reveals
      .filter((object) => isNamed(vdfReveal.identify(crypto, object)))
      .map((object) => messageOf({ type: "reveal", object })),
    ...decided.operations.filter((each) => isNamed(operationClass.identify(crypto, each))).map(operationMessage),
    ...decided.registrations
      .filter((each) => isNamed(nodeRegistration.identify(crypto, each)))
      .map(registrationMessage),
  ];
}
