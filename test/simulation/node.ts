/**
 * The runtime of one simulated node: carries out the effects of the real machine with the real gossip, on a simulated disk,
 * clock and network. A crash loses the machine, everything in flight and whatever was not yet written with fsync.
 */
import type { ComputeTransition, Effect, Fault, Notice, Persist, Sign } from "../../main/consensus/effects.ts";
import type { MachineEvent, ReceivedMessage } from "../../main/consensus/events.ts";
import { WindowMachine } from "../../main/consensus/machine.ts";
import { signObject, type Message } from "../../main/consensus/objects.ts";
import { checkObjects, listObjects, outcomeOf } from "../../main/consensus/tables.ts";
import type { TimerName } from "../../main/consensus/timers.ts";
import { Gossip } from "../../main/network/gossip/gossip.ts";
import type { GossipObject } from "../../main/network/gossip/object.ts";
import type { Disk } from "./disk.ts";
import { Fetching } from "./fetching.ts";
import { vdfValue, type Member } from "./genesis.ts";
import type { Envelope } from "./wire.ts";
import type { World } from "./world.ts";

const SIGN_MS_MAX = 20;
const COMPUTE_MS_MAX = 200;
const PERSIST_MS_MAX = 200;
const ASK_MS = 10;
const INBOX_MS = 80;
/** Chapter 07 §5.3. */
const BAN_POINTS = 100;
const BAN_WINDOWS = 2;
const WAITING_MAX = 20_000;
const RESTARTS_HEARD_MS = 15_000;

interface Waiting {
  readonly from: string;
  readonly object: GossipObject;
}

export class SimulatedNode {
  readonly index: number;
  readonly name: string;
  readonly member: Member;
  readonly disk: Disk;
  readonly world: World;
  /** Iterations of its VDF per ms. */
  iterationsPerMs: number;
  /** Everything that it does itself takes so many times longer. */
  slowness = 1;
  machine: WindowMachine | undefined;
  gossip: Gossip | undefined;
  faults: Fault[] = [];
  /** Of all lives: the deepest round in which it decided. */
  deepestRound = 0;
  #fetching: Fetching;
  readonly #connected = new Set<number>();
  readonly #banned = new Set<number>();
  #points = new Map<number, number>();
  #pointsWindow = -1n;
  /** Counts lives: what was asked for in an earlier one is lost. */
  #life = 0;
  #inbox: ReceivedMessage[] = [];
  #nextMessage = 0;
  /** Without a verdict. */
  readonly #waiting = new Map<number, Waiting>();
  readonly #dirty = new Set<number>();
  #timers = new Map<TimerName, number>();
  #vdfRun = 0;
  #unsynced: (() => void)[] = [];

  constructor(world: World, index: number, member: Member, disk: Disk, iterationsPerMs: number) {
    this.world = world;
    this.index = index;
    this.name = String(index);
    this.member = member;
    this.disk = disk;
    this.iterationsPerMs = iterationsPerMs;
    this.#fetching = new Fetching(this);
  }

  get isUp(): boolean {
    return this.machine !== undefined;
  }

  get window(): bigint {
    return this.disk.view.window;
  }

  get life(): number {
    return this.#life;
  }

  get peers(): readonly number[] {
    return [...this.#connected];
  }

  start(): void {
    const { crypto, rules, objects, described } = this.world;
    const self = { nodeId: this.member.nodeId, protocolVersionMax: 1 };
    this.gossip = new Gossip(crypto, { window: this.window, round: 0 }, described);
    this.machine = new WindowMachine(crypto, rules, self, { objects });
    this.step(this.disk.started());
    for (const peer of this.world.peersOf(this.index)) this.world.connect(this.index, peer);
  }

  connect(peer: number): void {
    this.disconnect(peer);
    this.#connected.add(peer);
    this.gossip!.connect(String(peer));
    this.step({ kind: "peer-connected", peer: String(peer) });
  }

  disconnect(peer: number): void {
    if (!this.#connected.delete(peer)) return;
    this.gossip!.disconnect(String(peer));
    this.step({ kind: "peer-disconnected", peer: String(peer) });
  }

  mayConnect(peer: number): boolean {
    return this.isUp && !this.#banned.has(peer);
  }

  crash(): void {
    const { random, clock } = this.world;
    this.machine = undefined;
    this.gossip = undefined;
    this.#fetching = new Fetching(this);
    const life = ++this.#life;
    this.#inbox = [];
    this.#waiting.clear();
    this.#dirty.clear();
    this.#timers.clear();
    this.#vdfRun++;
    // Of what was being written, the beginning may have reached the disk although nobody was told.
    const torn = this.#unsynced;
    this.#unsynced = [];
    for (const write of torn.slice(0, random.integer(0, torn.length))) write();
    if (torn.length > 0) this.world.show("torn writes");
    for (const peer of this.peers) {
      clock.after(random.between(0, RESTARTS_HEARD_MS), () => {
        if (this.#life === life && !this.isUp) this.world.nodes[peer]!.disconnect(this.index);
      });
    }
    this.#connected.clear();
  }

  /** Envelopes arrive together from a peer. */
  deliver(from: number, envelopes: readonly Envelope[]): void {
    const { gossip, world } = this;
    if (gossip === undefined || !this.#connected.has(from)) return;
    this.#moveGossip();
    for (const envelope of envelopes) {
      const { object, message, penalty } = world.wire.open(envelope);
      if (object === undefined || message === undefined) {
        this.penalise(from, penalty, "malformed");
        continue;
      }
      const arrival = gossip.receive(String(from), object);
      if (arrival.take) this.#take(String(from), message, object);
      else if (arrival.points > 0) this.penalise(from, arrival.points, arrival.refusal);
    }
  }

  /** What was fetched by its identifier, or handed in by a client. */
  hand(from: string, message: Message): void {
    if (this.isUp) this.#take(from, message, this.world.wire.objectOf(message));
  }

  /** A client hands in an operation or a registration. */
  submit(message: Message): void {
    this.hand(CLIENT, message);
  }

  penalise(peer: number, points: number, reason: string): void {
    if (points === 0 || Number.isNaN(peer)) return;
    if (this.#pointsWindow !== this.window) this.#points.clear();
    this.#pointsWindow = this.window;
    const sum = (this.#points.get(peer) ?? 0) + points;
    this.#points.set(peer, sum);
    if (sum < BAN_POINTS || this.#banned.has(peer)) return;
    const { world } = this;
    world.checkers.banned(this, peer, reason);
    world.show("bans");
    this.#banned.add(peer);
    world.part(this.index, peer);
    world.clock.after(BAN_WINDOWS * world.windowMs, () => {
      this.#banned.delete(peer);
      world.connect(this.index, peer);
    });
  }

  step(event: MachineEvent): void {
    const { machine } = this;
    if (machine === undefined) return;
    for (const effect of machine.step(event)) this.#carryOut(effect);
    this.#flush();
  }

  /** In this life only. */
  later(delayMs: number, run: () => void): void {
    const life = this.#life;
    this.world.clock.after(delayMs, () => {
      if (life === this.#life) run();
    });
  }

  /** Own work, which a slow node takes longer for. */
  #work(delayMs: number, run: () => void): void {
    this.later(delayMs * this.slowness, run);
  }

  #take(from: string, message: Message, object: GossipObject): void {
    const received = { type: message.type, payload: message.payload, id: this.#nextMessage++, from };
    this.#waiting.set(received.id, { from, object });
    if (this.#waiting.size > WAITING_MAX) this.#waiting.delete(this.#waiting.keys().next().value!);
    this.#inbox.push(received);
    if (this.#inbox.length > 1) return;
    this.#work(INBOX_MS, () => {
      const messages = this.#inbox;
      this.#inbox = [];
      this.step({ kind: "received", messages });
    });
  }

  #moveGossip(): void {
    const { machine, gossip } = this;
    if (machine === undefined || gossip === undefined) return;
    const { window, round } = machine;
    const { position } = gossip;
    if (position.window !== window || position.round !== round) gossip.moveTo({ window, round });
  }

  #carryOut(effect: Effect): void {
    const { world, disk } = this;
    const { crypto, rules } = world;
    switch (effect.kind) {
      case "sign":
        this.#sign(effect);
        return;
      case "broadcast": {
        this.#moveGossip();
        const told = this.gossip!.broadcast(world.wire.objectOf(effect.message), effect.except);
        for (const peer of told) this.#dirty.add(Number(peer));
        return;
      }
      case "send":
        this.#moveGossip();
        for (const message of effect.messages) this.gossip!.send(effect.to, world.wire.objectOf(message));
        this.#dirty.add(Number(effect.to));
        return;
      case "verdict": {
        const waiting = this.#waiting.get(effect.id);
        this.#waiting.delete(effect.id);
        if (waiting === undefined || waiting.from === CLIENT) return;
        const { verdict } = effect;
        const points = this.gossip!.judged(waiting.from, waiting.object, verdict);
        if (points > 0) this.penalise(Number(waiting.from), points, "code" in verdict ? verdict.code : "");
        return;
      }
      case "list-objects":
        this.#work(ASK_MS, () => this.step(listObjects(crypto, rules, disk.state, effect)));
        return;
      case "check-objects":
        this.#work(ASK_MS, () => this.step(checkObjects(crypto, rules, disk.state, effect)));
        return;
      case "compute-transition":
        this.#compute(effect);
        return;
      case "persist":
        this.#persist(effect);
        return;
      case "fetch-objects":
        this.#fetching.objects(effect.hashes);
        return;
      case "fetch-windows":
        this.#fetching.windows(effect.first, effect.count);
        return;
      case "run-vdf": {
        const run = ++this.#vdfRun;
        this.later(Number(effect.iterations) / this.iterationsPerMs, () => {
          if (run !== this.#vdfRun) return;
          const value = vdfValue(crypto, world.chains, effect.from, effect.iterations);
          disk.times.set(effect.window, value);
          this.step({ kind: "ticked", window: effect.window, value });
        });
        return;
      }
      case "set-timer": {
        const { timer, length } = effect;
        const run = (this.#timers.get(timer.name) ?? 0) + 1;
        this.#timers.set(timer.name, run);
        const delay = Math.max(length.atLeastMs, Number(length.iterations) / this.iterationsPerMs);
        this.later(delay, () => {
          if (this.#timers.get(timer.name) === run) this.step({ kind: "timer-expired", timer });
        });
        return;
      }
      case "cancel-timer":
        this.#timers.set(effect.name, (this.#timers.get(effect.name) ?? 0) + 1);
        return;
      case "report":
        this.#report(effect.fault);
        return;
      case "notify":
        this.#note(effect.notice);
        return;
      case "halt":
        world.checkers.halted(this, effect.code);
        return;
      case "restart-vdf":
      case "find-iterations":
        throw new Error(`${effect.kind} is of profile rc1, which is not simulated`);
    }
  }

  #report(fault: Fault): void {
    this.faults.push(fault);
    this.world.checkers.reported(this, fault);
    if (fault.code === "bad-window") {
      this.world.show("bad windows refused");
      this.penalise(Number(fault.peer), LIE_POINTS, fault.failure);
    }
    if (fault.code === "equivocation") this.world.show(`equivocations seen: ${fault.first.type}`);
    if (fault.code === "invalid-proposal") this.world.show("invalid proposals seen");
  }

  #note(notice: Notice): void {
    if (notice.code === "decided") this.deepestRound = Math.max(this.deepestRound, notice.round);
    if (notice.code === "adopted-time") this.world.show("times adopted");
  }

  #sign({ unsigned, keep }: Sign): void {
    const { world, disk } = this;
    if (unsigned.object.windowIndex < disk.floor) return;
    const signed = signObject(world.crypto, this.member.node.secretKey, unsigned);
    const write = (): void => {
      disk.log.push({ signed, keep });
    };
    this.#unsynced.push(write);
    world.writing(this);
    this.#work(world.random.between(1, SIGN_MS_MAX), () => {
      write();
      this.#unsynced = this.#unsynced.filter((each) => each !== write);
      world.checkers.signed(this, signed);
      this.step({ kind: "signed", signed });
    });
  }

  #compute({ key, inputs }: ComputeTransition): void {
    const { ledger, random } = this.world;
    this.#work(random.between(1, COMPUTE_MS_MAX), () => {
      if (inputs.window !== this.window) return;
      const { outcome } = ledger.compute(this.disk.version, key, inputs);
      this.step({ kind: "transition-computed", key, outcome });
    });
  }

  #persist({ decided }: Persist): void {
    const { world, disk } = this;
    const write = () => {
      const result = disk.commit(decided);
      world.committed(this, decided, result);
      return result;
    };
    this.#unsynced.push(write);
    world.writing(this);
    this.#work(world.random.between(1, PERSIST_MS_MAX), () => {
      this.#unsynced = this.#unsynced.filter((each) => each !== write);
      const result = write();
      this.later(1, () => this.step({ kind: "committed", view: disk.view, ...outcomeOf(result) }));
    });
  }

  /** Sends what waits for the peers that something new waits for. */
  #flush(): void {
    if (this.#dirty.size === 0) return;
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    for (const peer of dirty) this.#pump(peer);
  }

  #pump(to: number): void {
    const { gossip, world } = this;
    const batch: GossipObject[] = [];
    const name = String(to);
    for (let object = gossip?.next(name); object !== undefined; object = gossip?.next(name)) batch.push(object);
    if (batch.length === 0) return;
    const life = this.#life;
    world.transmit(this.index, to, batch, (lost) => {
      if (life !== this.#life || this.gossip === undefined) return;
      for (const object of batch) this.gossip.settled(name, object, lost.has(object));
      if (this.#connected.has(to)) this.#pump(to);
    });
  }
}

export const CLIENT = "client";
const LIE_POINTS = 25;
