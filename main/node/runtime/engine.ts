/**
 * Carries out the effects of the window machine, in the order given, and tells it what came of them. One run from a start to a
 * stop or a failure; everything that a next run needs is on disk by then. Nothing here takes long: hashing, tables and
 * signature batches of others are the business of workers.
 */
import { join } from "node:path";

import type {
  CheckObjects,
  Effect,
  Fault,
  FindIterations,
  Notice,
  Persist,
  RunVdf,
  Sign,
} from "../../consensus/effects.ts";
import type { MachineEvent, PeerId, ReceivedMessage } from "../../consensus/events.ts";
import { WindowMachine } from "../../consensus/machine.ts";
import { ProducerFollower } from "../../consensus/rc1/follow.ts";
import type { LoggedObject } from "../../consensus/material.ts";
import type { Message } from "../../consensus/objects.ts";
import { ignore, type Verdict } from "../../consensus/verdict.ts";
import type { NodeSigner } from "../../keystore/signers.ts";
import type { Native } from "../../native/index.ts";
import { byteKey, type Hash32, type NodeId } from "../../protocol/bytes.ts";
import { ProtocolError, type ErrorParams } from "../../protocol/errors.ts";
import type { NetworkRules } from "../../protocol/genesis/rules.ts";
import { bundledConfirmation } from "../../protocol/objects/consensus.ts";
import { decodeOperation, type Operation } from "../../protocol/objects/operations.ts";
import type { CandidateProofs } from "../lifecycle/candidateProofs.ts";
import type { RegistrationDraft } from "../lifecycle/state.ts";
import type { RangeAsked, RangePage } from "../state/requests.ts";
import type { FastSyncServer } from "../sync/server.ts";
import type { SignedLog } from "../store/signedLog.ts";
import { Confirmations } from "./confirmations.ts";
import { decodeLogged, encodeLogged } from "./loggedObjects.ts";
import { asError, OwnTime, type OwnTimeListener } from "./ownTime.ts";
import { signObject } from "./signing.ts";
import type { AppliedWindow, Tables, Tip } from "./tables.ts";
import { Timers } from "./timers.ts";
import type { FetchedAnswer, PeerHandler, Transport } from "./transport.ts";

export const PROTOCOL_VERSION_MAX = 1;
export const TIMECHAIN_FILE = "timechain.bin";
/** Signatures of so many messages are verified in one step: it must not hold the event loop. */
const BATCH_MAX = 128;
/** Messages that wait for it; what comes on top is dropped, and will be repeated by its sender. */
const INBOX_MAX = 4096;
/** Messages without a verdict that are remembered. */
const WAITING_MAX = 4 * INBOX_MAX;
/** Before the own chain runs. */
const ITERATIONS_PER_MS_UNKNOWN = 1000;
/** One window in so many. */
const SAMPLE_INTERVAL = 16;
/** The sender of what this node itself hands in; no transport uses it. */
export const OWN: PeerId = "own";

export interface EngineParts {
  readonly crypto: Native;
  readonly rules: NetworkRules;
  readonly genesisStateHash: Hash32;
  readonly nodeId: NodeId;
  /** The folder of the network. */
  readonly folder: string;
  readonly addonPath?: string;
  readonly tables: Tables;
  readonly log: SignedLog;
  /** Undefined: follows, and signs nothing. */
  readonly signer: NodeSigner | undefined;
  readonly transport: Transport;
  readonly proofs: CandidateProofs;
  /** Resolves when it is known that windows are to be fetched one after the other, and not a snapshot. */
  readonly beforeFetching?: Promise<unknown>;
  /** Undefined: serves no snapshots. */
  readonly fastSync?: FastSyncServer;
  /** A candidate may spend its core on its own chain, and take T from decided headers. */
  readonly followsTime: () => boolean;
  /** Of one core, for the TimeChain. */
  readonly timeCpuShare?: number | undefined;
  readonly listener: EngineListener;
}

export interface EngineListener {
  /** Asked before each window is stored. */
  draft(): RegistrationDraft | undefined;
  /** `isLive`: decided here with the others, not caught up nor decided anew from the log. */
  applied(window: AppliedWindow, isLive: boolean): void;
  /** One came from elsewhere and was kept, or the open window's bundles confirm it. */
  operation(what: "seen" | "confirmed", operation: Operation): void;
  notice(notice: Notice): void;
  peersChanged(): void;
  fault(fault: Fault): void;
  timeNotice: OwnTimeListener["notice"];
  /** The run is over; {@link Engine.stop} is still to be called. */
  failed(failure: EngineFailure): void;
}

export interface EngineFailure {
  readonly code: string;
  readonly params: ErrorParams;
  /** A halt of the protocol: the same disk will halt again. */
  readonly isHalt: boolean;
  readonly cause?: Error;
}

export class Engine implements PeerHandler {
  readonly #parts: EngineParts;
  readonly #machine: WindowMachine | ProducerFollower;
  readonly #timers: Timers;
  #time: OwnTime | undefined;
  #inbox: ReceivedMessage[] = [];
  #isFlushing = false;
  #nextMessage = 0;
  /** Who waits for what became of an own message. */
  readonly #submitted = new Map<number, PromiseWithResolvers<Verdict>>();
  /** Who sent what has no verdict yet. */
  readonly #waiting = new Map<number, ReceivedMessage>();
  readonly #confirmations: Confirmations;
  readonly #working = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #stopped = new Promise<unknown>((resolve) => {
    this.#stopping.signal.addEventListener("abort", resolve, { once: true });
  });
  #tip!: Tip;
  /** The highest window that a peer gave as decided. */
  #fetched = -1n;
  /** Windows below it were decided in an earlier run already. */
  #reachedBefore = 0n;
  #isSampling = false;
  #isFetching = false;
  #isSilent: boolean;
  #isStarted = false;
  #isOver = false;

  /** Throws what stands in the way; nothing runs then. */
  static async start(parts: EngineParts): Promise<Engine> {
    const engine = new Engine(parts);
    try {
      await engine.#start();
    } catch (error) {
      await engine.stop();
      throw error;
    }
    return engine;
  }

  private constructor(parts: EngineParts) {
    const { crypto, rules, nodeId } = parts;
    this.#parts = parts;
    this.#confirmations = new Confirmations(rules);
    this.#isSilent = parts.signer === undefined;
    this.#machine =
      rules.profile === "rc1"
        ? new ProducerFollower(crypto, rules)
        : new WindowMachine(crypto, rules, { nodeId, protocolVersionMax: PROTOCOL_VERSION_MAX });
    this.#timers = new Timers(
      (timer) => this.#step({ kind: "timer-expired", timer }),
      () => this.iterationsPerMs,
    );
  }

  /** The last decided window. */
  get tip(): Tip {
    return this.#tip;
  }

  /** W, which is being decided. */
  get window(): bigint {
    return this.#machine.window;
  }

  get position() {
    return { window: this.#machine.window, round: this.#machine.round };
  }

  /** By the Node Table before W. */
  startWindowOf(nodeId: NodeId): bigint | undefined {
    return this.#isStarted ? this.#machine.startWindowOf(nodeId) : undefined;
  }

  /** Of the own TimeChain, as measured last. */
  get iterationsPerMs(): number {
    return this.#time?.iterationsPerMs ?? ITERATIONS_PER_MS_UNKNOWN;
  }

  /** From now on nothing is signed. */
  fallSilent(): void {
    this.#isSilent = true;
  }

  /** Hands in an operation or a registration; gives what the machine says to it. Rejects when the engine stops before. */
  submit(message: Message): Promise<Verdict> {
    if (this.#isOver) return Promise.reject(new ProtocolError("node-stopped"));
    const waiting = Promise.withResolvers<Verdict>();
    this.#submitted.set(this.#take(OWN, message), waiting);
    return waiting.promise;
  }

  /** Ends everything and resolves when what was being written is written. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#stopping.abort();
    this.#leaveOff();
    await this.#parts.transport.stop();
    await Promise.all([...this.#working, this.#time?.stop()]);
  }

  onMessage(from: PeerId, message: Message): void {
    this.#take(from, message);
  }

  onConnected(peer: PeerId): void {
    this.#step({ kind: "peer-connected", peer });
    this.#parts.listener.peersChanged();
  }

  onDisconnected(peer: PeerId): void {
    this.#step({ kind: "peer-disconnected", peer });
    this.#parts.listener.peersChanged();
  }

  async findObjects(hashes: readonly Hash32[]): Promise<readonly Message[]> {
    const found = hashes.map((hash) => this.#machine.find(hash));
    const unknown = hashes.filter((_, i) => found[i]!.length === 0);
    return [...found.flat(), ...(unknown.length > 0 ? await this.#parts.tables.findObjects(unknown) : [])];
  }

  answerFastSync(...asked: Parameters<NonNullable<PeerHandler["answerFastSync"]>>) {
    return this.#parts.fastSync?.answer(...asked) ?? Promise.resolve(undefined);
  }

  findRange(asked: RangeAsked): Promise<RangePage> {
    return this.#parts.tables.findRange(asked);
  }

  async #start(): Promise<void> {
    const { tables, log, crypto, rules, genesisStateHash, folder, addonPath, transport } = this.#parts;
    const { view, past, tip } = await tables.begin();
    this.#tip = tip;
    this.#time = await OwnTime.start({
      ...{ crypto, genesisStateHash, tau2Windows: rules.params.tau2Windows },
      ...(addonPath === undefined ? {} : { addonPath }),
      progressPath: join(folder, TIMECHAIN_FILE),
      isResting: this.#parts.followsTime(),
      cpuShare: this.#parts.timeCpuShare,
      base: { segment: tip.window ?? 0n, value: tip.timechainValue, d: tip.d },
      listener: {
        ticked: (window, value) => this.#step({ kind: "ticked", window, value }),
        notice: (notice) => this.#parts.listener.timeNotice(notice),
        failed: (code, error) => this.#fail(code, {}, error),
      },
    });
    const times = this.#time.takeComputed().map(({ segment, value }) => ({ window: segment, value }));
    const signed = log.entries().map(decodeLogged);
    this.#reachedBefore = log.reached;
    this.#isStarted = true;
    this.#confirmations.open(view);
    this.#step({ kind: "started", view, past, log: signed, times });
    await transport.start(this);
  }

  #step(event: MachineEvent): void {
    if (!this.#isStarted || this.#isOver) return;
    let effects: readonly Effect[];
    try {
      effects = this.#machine.step(event);
    } catch (error) {
      this.#fail("machine-failed", { event: event.kind }, asError(error));
      return;
    }
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: Effect): void {
    const { tables, transport, listener, rules } = this.#parts;
    switch (effect.kind) {
      case "sign":
        this.#work("sign", () => this.#sign(effect));
        return;
      case "broadcast":
        transport.broadcast(effect.message, effect.except);
        return;
      case "send":
        transport.send(effect.to, effect.messages);
        return;
      case "verdict":
        this.#judge(effect.id, effect.verdict);
        return;
      case "list-objects":
        this.#work("list", async () => this.#step(await tables.listObjects(effect)));
        return;
      case "check-objects":
        this.#work("check", () => this.#check(effect));
        return;
      case "compute-transition":
        this.#work("compute", async () => this.#step(await tables.computeTransition(effect)));
        return;
      case "persist":
        this.#work("persist", () => this.#persist(effect));
        return;
      case "fetch-objects":
        transport.fetchObjects(effect.hashes);
        return;
      case "fetch-windows":
        this.#work("fetch", () => this.#fetchWindows(effect.first, effect.count));
        return;
      case "run-vdf":
        this.#runVdf(effect);
        return;
      case "restart-vdf":
        this.#time?.restart(effect);
        return;
      case "find-iterations":
        this.#work("find-iterations", () => this.#findIterations(effect));
        return;
      case "set-timer":
        this.#timers.set(effect.timer, effect.length);
        return;
      case "cancel-timer":
        this.#timers.cancel(effect.name);
        return;
      case "report":
        if (effect.fault.code === "bad-window") transport.blame(effect.fault.peer, effect.fault.failure);
        listener.fault(effect.fault);
        return;
      case "notify":
        // An rc.1 producer has passed them: what is decided up to there is caught up.
        if (effect.notice.code === "behind" && rules.profile === "rc1") this.#fetched = effect.notice.seen;
        listener.notice(effect.notice);
        return;
      case "halt":
        this.#fail(effect.code, effect.params, undefined, true);
        return;
    }
  }

  /** Whatever it fails of ends the run: the machine waits for its answer. */
  #work(name: string, run: () => Promise<void>): void {
    if (this.#isOver) return;
    const working = run()
      .catch((error: unknown) => {
        const cause = asError(error);
        if (cause instanceof ProtocolError) this.#fail(String(cause.code), cause.params, cause);
        else this.#fail("node-defect", { during: name }, cause);
      })
      .finally(() => this.#working.delete(working));
    this.#working.add(working);
  }

  /** No timer will ring and no verdict will come any more. */
  #leaveOff(): void {
    this.#timers.stop();
    for (const { reject } of this.#submitted.values()) reject(new ProtocolError("node-stopped"));
    this.#submitted.clear();
  }

  #fail(code: string, params: ErrorParams, cause?: Error, isHalt = false): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leaveOff();
    this.#parts.listener.failed({ code, params, isHalt, ...(cause && { cause }) });
  }

  /** On disk, with what was to be kept, before the machine hears of it; it is the machine that sends. */
  async #sign({ unsigned, keep }: Sign): Promise<void> {
    const { signer, log } = this.#parts;
    // Without an answer the machine asks for nothing that contradicts it.
    if (signer === undefined || this.#isSilent || unsigned.object.windowIndex < log.floor) return;
    const signed = signObject(signer, unsigned);
    const logged: LoggedObject = { signed, keep };
    const { key, object } = encodeLogged(logged);
    await log.append(key, object);
    this.#step({ kind: "signed", signed });
    if (signed.type === "bundle") this.#tellConfirmed(this.#confirmations.add(signed.object));
  }

  async #check(asked: CheckObjects): Promise<void> {
    const { tables, proofs } = this.#parts;
    const checked = await tables.checkObjects(asked);
    const isDoubtful = (failure: unknown): boolean => failure === undefined;
    const settled = checked.registrations.filter(({ failure }) => !isDoubtful(failure));
    this.#step({ ...checked, registrations: settled });
    const byHash = new Map(asked.registrations.map(({ registration, hash }) => [byteKey(hash), registration]));
    for (const check of checked.registrations) {
      if (!isDoubtful(check.failure)) continue;
      // Each takes its own time: a chain is recomputed beside the event loop.
      this.#work("check-candidate", async () => {
        const registration = byHash.get(byteKey(check.hash))!;
        const verdict = await this.#judgeChain(
          () => tables.seedOf(registration),
          (seed) => proofs.judge(registration, seed, this.#stopping.signal),
        );
        const failure = verdict === "invalid" ? ("vdf-mismatch" as const) : undefined;
        this.#step({ kind: "checked", window: checked.window, operations: [], registrations: [{ ...check, failure }] });
      });
    }
  }

  async #judgeChain<S>(seed: () => Promise<S>, judge: (seed: S) => ReturnType<CandidateProofs["judge"]>) {
    try {
      return await judge(await seed());
    } catch (error) {
      if (this.#stopping.signal.aborted) return "unverified";
      throw error;
    }
  }

  async #persist({ decided }: Persist): Promise<void> {
    const { tables, log, listener } = this.#parts;
    const persisted = await tables.persist(decided, listener.draft());
    const before = this.#tip;
    this.#tip = persisted.tip;
    this.#parts.fastSync?.windowClosed();
    this.#step(persisted.committed);
    this.#tellConfirmed(this.#confirmations.open(persisted.committed.view));
    const { window } = persisted.tip;
    listener.applied(persisted, window > this.#fetched && window >= this.#reachedBefore);
    this.#sampleTime(before, persisted.tip);
    await log.decided(persisted.tip.window + 1n);
  }

  /** Who takes T from others recomputes a step now and then (chapter 03 §4.3): beside the event loop, one at a time. */
  #sampleTime(before: Tip, { window, timechainValue }: AppliedWindow["tip"]): void {
    const { crypto, followsTime } = this.#parts;
    if (!followsTime() || this.#isSampling || window === 0n || Math.random() * SAMPLE_INTERVAL >= 1) return;
    this.#isSampling = true;
    const segment = { start: before.timechainValue, iterations: Number(before.d), claimedEnd: timechainValue };
    this.#work("sample-time", async () => {
      try {
        const [isRight] = await crypto.verifySegments([segment], { threads: 1, signal: this.#stopping.signal });
        if (isRight !== true) this.#fail("timechain-value-wrong", { window }, undefined, true);
      } catch (error) {
        if (!this.#stopping.signal.aborted) throw error;
      } finally {
        this.#isSampling = false;
      }
    });
  }

  async #fetchWindows(first: bigint, count: bigint): Promise<void> {
    // The machine asks again with every repetition; the answer that is under way comes first.
    if (this.#isFetching) return;
    this.#isFetching = true;
    let answer: FetchedAnswer | undefined;
    try {
      await Promise.race([this.#parts.beforeFetching, this.#stopped]);
      answer = this.#isOver ? undefined : await this.#parts.transport.fetchWindows(first, count);
    } finally {
      this.#isFetching = false;
    }
    for (const fetched of answer?.windows ?? []) {
      const { windowIndex } = fetched.header;
      // Further ahead than was asked for it says nothing about the windows that come.
      if (windowIndex > this.#fetched && windowIndex < first + count) this.#fetched = windowIndex;
      this.#step({ kind: "window-fetched", from: answer!.from, fetched });
    }
  }

  /** Beside the event loop, one candidate after the other: the first is nearly always the one. */
  async #findIterations({ window, from, to, candidates }: FindIterations): Promise<void> {
    const { signal } = this.#stopping;
    let iterations: bigint | undefined;
    for (const candidate of candidates) {
      const segment = { start: from, iterations: Number(candidate), claimedEnd: to };
      const [isRight] = await this.#parts.crypto
        .verifySegments([segment], { threads: 1, signal })
        .catch((error: unknown) => {
          if (signal.aborted) return [];
          throw error;
        });
      if (signal.aborted) return;
      if (isRight === true) {
        iterations = candidate;
        break;
      }
    }
    this.#step({ kind: "iterations-found", window, iterations });
  }

  #runVdf(effect: RunVdf): void {
    this.#time?.rest(this.#parts.followsTime());
    this.#time?.run(effect);
  }

  #take(from: PeerId, { type, payload }: Message): number {
    const id = this.#nextMessage++;
    const message = { type, payload, id, from };
    this.#waiting.set(id, message);
    // One that the machine still holds without a word on it.
    if (this.#waiting.size > WAITING_MAX) this.#waiting.delete(this.#waiting.keys().next().value!);
    if (this.#inbox.length >= INBOX_MAX) {
      this.#judge(id, ignore("busy"));
      return id;
    }
    this.#inbox.push(message);
    this.#flushSoon();
    return id;
  }

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      const messages = this.#inbox.splice(0, BATCH_MAX);
      if (this.#inbox.length > 0) this.#flushSoon();
      this.#step({ kind: "received", messages });
    });
  }

  #judge(id: number, verdict: Verdict): void {
    const message = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (message === undefined) return;
    const { from, type, payload } = message;
    const isKept = verdict.verdict === "accept" || verdict.verdict === "hold";
    if (isKept && type === "bundle") this.#tellConfirmed(this.#confirmations.add(bundledConfirmation.decode(payload)));
    if (from !== OWN) {
      if (isKept && type === "operation") this.#parts.listener.operation("seen", decodeOperation(payload));
      this.#parts.transport.judge(from, message, verdict);
      return;
    }
    // The caller learns of the number only after this call.
    queueMicrotask(() => {
      this.#submitted.get(id)?.resolve(verdict);
      this.#submitted.delete(id);
    });
  }

  #tellConfirmed(hashes: readonly Hash32[]): void {
    for (const { type, payload } of hashes.flatMap((hash) => this.#machine.find(hash))) {
      if (type === "operation") this.#parts.listener.operation("confirmed", decodeOperation(payload));
    }
  }
}
