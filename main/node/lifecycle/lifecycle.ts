/**
 * The life of the own node: carries out what the machine says. Owns the lifecycle file and the candidate chain; hears of each
 * applied window, publishes through its owner, and tells a person what happens.
 */
import { join as joinPath } from "node:path";

import type { Native } from "../../native/index.ts";
import { equalBytes, type AccountId, type Hash32, type NodeId } from "../../protocol/bytes.ts";
import type { PublicKey } from "../../protocol/crypto.ts";
import { chainProgressTenths, estimateRegistered } from "../../protocol/entry/status.ts";
import { expiryWindow } from "../../protocol/entry/records.ts";
import type { NetworkRules } from "../../protocol/genesis/rules.ts";
import { accountIdOf, nodeIdOf, SUITE_MLDSA65 } from "../../protocol/identity/ids.ts";
import type { RefusedRegistration } from "../../protocol/transition/applyControlSet.ts";
import { CandidateChain } from "../vdf/candidateChain.ts";
import type { ChainEvent } from "../vdf/chainThread.ts";
import type { ChainSettings } from "../vdf/messages.ts";
import { findCandidate, type ProgressNotice } from "../vdf/progressFile.ts";
import { deadlineOf, etaOf, nextAlarm, type Alarm, type Deadline, type Eta, type Pace } from "./deadline.ts";
import { freshState, prospectiveDraft, resumeActions, step, type Self } from "./machine.ts";
import type { OwnStanding } from "./standing.ts";
import type {
  ChainState,
  Hindrance,
  LifecycleAction,
  LifecycleEvent,
  LifecycleNews,
  LifecycleState,
  Phase,
  RegistrationDraft,
  RestartCause,
} from "./state.ts";
import { StateFile, type StateFileNotice } from "./stateFile.ts";

export const LIFECYCLE_FILE = "lifecycle.bin";
export const CANDIDATE_FILE = "candidate.bin";

/** What a person is told. */
export type LifecycleReport =
  | LifecycleNews
  | { readonly kind: "alarm"; readonly alarm: Alarm; readonly deadline: Deadline }
  | { readonly kind: "damage"; readonly notice: ProgressNotice | StateFileNotice }
  /** The lifecycle file was lost, and the chain of the progress file is taken up, for the node key's own account. */
  | { readonly kind: "recovered"; readonly done: bigint }
  /** The stretch before the last stop was computed wrong: memory or processor of this machine made a mistake. */
  | { readonly kind: "computed-wrong"; readonly segment: bigint }
  /** Progress cannot be written; `code` is that of the file system. The chain goes on. */
  | { readonly kind: "not-saved"; readonly code: string }
  | { readonly kind: "chain-failed"; readonly error: Error };

export interface LifecycleOptions {
  readonly crypto: Native;
  readonly rules: NetworkRules;
  readonly nodePubkey: PublicKey;
  /** The folder of the network; holds {@link LIFECYCLE_FILE} and {@link CANDIDATE_FILE}. */
  readonly folder: string;
  /** How the chain runs from the start; {@link Lifecycle.configure} changes it. */
  readonly chainSettings?: Partial<ChainSettings>;
  readonly addonPath?: string;
  /** After which a chain that could not be started, or whose thread ended, is tried again. */
  readonly retryMs?: number;
  /** Signs with the node key and sends to the network. */
  readonly publish: (draft: RegistrationDraft) => void;
  readonly tell: (report: LifecycleReport) => void;
  /** Mean duration of the network's last windows. */
  readonly windowSeconds: () => number;
  /** Share of the hours in which the chain could run, from 0 to 1. */
  readonly awakeShare: () => number;
}

export interface JoinWish {
  readonly operatorAccountId?: AccountId;
  /** The earliest window in which the chain may begin; forgotten with the end of the program. */
  readonly notBefore?: bigint;
}

/** A window that was applied, as the node knows it. */
export interface AppliedWindow {
  readonly window: bigint;
  readonly timechainValue: Hash32;
  /** cba(W − 2). */
  readonly aggregate: Hash32;
  /** D(W). */
  readonly d: bigint;
  /** Was the node at the tip of the network when the window closed? */
  readonly isSynchronised: boolean;
  /** After the window, for the registration that {@link Lifecycle.draft} names. */
  readonly standing: OwnStanding;
  readonly refused: readonly RefusedRegistration[];
}

/** After a chain that had written progress; one that fails again before it does waits for longer. */
const FIRST_RETRY_MS = 1000;
const RETRY_MS = 30_000;

/** An alarm may only divide by a share that says something. */
const AWAKE_SHARE_MIN = 0.01;

export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #self: Self;
  readonly #nodeId: NodeId;
  readonly #file: StateFile;
  #state: LifecycleState;
  #settings: Partial<ChainSettings>;
  #chain: CandidateChain | undefined;
  #runs: ChainState | undefined;
  /** Starts, extensions and stops of the chain, one after the other. */
  #chainWork: Promise<void> = Promise.resolve();
  #segmentSeconds: number | undefined;
  #iterations = 0n;
  #alarm: Alarm = "none";
  #window: bigint | undefined;
  #standing: OwnStanding | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Since its progress was written last. */
  #hasFailed = false;
  #isSaved = true;
  #isClosed = false;

  /** Reads what is on disk and lets an unfinished chain go on. */
  constructor(options: LifecycleOptions) {
    const { crypto, rules, nodePubkey, folder } = options;
    this.#options = options;
    this.#self = { crypto, rules, nodePubkey };
    this.#nodeId = nodeIdOf(crypto, nodePubkey);
    this.#settings = options.chainSettings ?? {};
    this.#file = new StateFile(crypto, joinPath(folder, LIFECYCLE_FILE), this.#nodeId);
    for (const notice of this.#file.notices) options.tell({ kind: "damage", notice });
    this.#state = this.#file.state ?? this.#recover() ?? freshState(this.#self);
    this.#carryOut(resumeActions(this.#state));
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /**
   * Asks to become a node: the chain begins with the next window, from `notBefore` on, that closes in step with the network,
   * and everything up to the admission follows by itself. Income goes to `operatorAccountId`, by default the account that the node key itself has
   * (chapter 05, PW-13).
   */
  join({ operatorAccountId = this.#ownAccount(), notBefore }: JoinWish = {}): void {
    this.#hear({ kind: "join", operatorAccountId, notBefore });
  }

  /** Ends the candidacy, where nothing is in the pool yet. The chain is given up. */
  withdraw(): void {
    this.#hear({ kind: "withdraw" });
  }

  /** Gives up a chain that cannot be in time and begins another one. */
  startOver(): void {
    this.#hear({ kind: "start-over" });
  }

  /** To be called for every window that was applied, in order. */
  applied({ refused, ...facts }: AppliedWindow): void {
    this.see(facts.window, facts.standing);
    const refusal = refused.find(({ nodeId }) => equalBytes(nodeId, this.#nodeId))?.failure;
    this.#hear({ kind: "window", ...facts, refusal, isFastEnough: this.#isFastEnough() });
    this.#ring();
  }

  /** How the tables saw the own node after `window`, the last one applied before a start: for {@link status}. */
  see(window: bigint, standing: OwnStanding): void {
    this.#window = window;
    this.#standing = standing;
  }

  /** The registration that the node would publish, where it is a candidate. */
  get draft(): RegistrationDraft | undefined {
    return prospectiveDraft(this.#self, this.#state);
  }

  /** Pauses or resumes the chain, changes its CPU share or priority; also for chains to come. */
  configure(change: Partial<ChainSettings>): Promise<void> {
    this.#settings = { ...this.#settings, ...change };
    return this.#queueChainWork(async () => {
      await this.#chain?.configure(change);
    });
  }

  status(): LifecycleStatus {
    const { phase, chain, registration, admissionWindow, hindrance, lastRestart } = this.#state;
    return {
      ...{ phase, hindrance, lastRestart, admissionWindow },
      candidate: phase === "CandidateVdf" && chain !== undefined ? this.#candidateStatus(chain) : undefined,
      queue: phase === "Registered" && registration !== undefined ? this.#queueStatus(registration.window) : undefined,
    };
  }

  /** Resolves when the chain's progress is on disk and its thread is gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.#queueChainWork(async () => {
      await this.#chain?.stop();
    });
    this.#file.close();
  }

  #ownAccount(): AccountId {
    return accountIdOf(this.#self.crypto, SUITE_MLDSA65, this.#self.nodePubkey);
  }

  /** Two weeks of work are in the progress file, too: enough to go on when the lifecycle file is lost. */
  #recover(): LifecycleState | undefined {
    const { crypto, folder } = this.#options;
    const found = findCandidate(crypto, joinPath(folder, CANDIDATE_FILE));
    if (found === undefined || !equalBytes(found.identity.context, this.#nodeId)) return undefined;
    const { start: init, startWindow: wStart, d } = found.identity;
    const base = this.#self.rules.params.tau2Windows;
    const target = found.segment > base ? found.segment : base;
    this.#options.tell({ kind: "recovered", done: found.segment });
    return {
      ...freshState(this.#self),
      phase: "CandidateVdf",
      operatorAccountId: this.#ownAccount(),
      chain: { wStart, init, d, target, done: found.segment, value: found.value },
    };
  }

  #hear(event: LifecycleEvent): void {
    if (this.#isClosed) return;
    const { state, actions } = step(this.#self, this.#state, event);
    const hasChanged = state !== this.#state;
    this.#state = state;
    if (hasChanged || !this.#isSaved) this.#save();
    this.#carryOut(actions);
  }

  /** A full disk does not stop a node: tables and progress file hold what is lost with this file. */
  #save(): void {
    try {
      this.#file.write(this.#state);
      this.#isSaved = true;
    } catch (error) {
      if (this.#isSaved) this.#options.tell({ kind: "not-saved", code: codeOf(error) });
      this.#isSaved = false;
    }
  }

  #carryOut(actions: readonly LifecycleAction[]): void {
    for (const action of actions) {
      switch (action.kind) {
        case "publish":
          this.#options.publish(action.draft);
          break;
        case "tell":
          this.#options.tell(action.news);
          break;
        case "run-chain":
          void this.#queueChainWork(() => this.#runChain(action.chain));
          break;
        case "rest-chain":
          void this.#queueChainWork(() => this.#restChain());
          break;
      }
    }
  }

  #queueChainWork(work: () => Promise<void>): Promise<void> {
    this.#chainWork = this.#chainWork.then(work).catch((error: unknown) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    return this.#chainWork;
  }

  /** Two weeks of work must not end because of one bad moment. */
  #fail(error: Error): void {
    this.#chain = undefined;
    this.#runs = undefined;
    if (this.#isClosed) return;
    this.#options.tell({ kind: "chain-failed", error });
    clearTimeout(this.#retry);
    const delayMs = this.#hasFailed ? RETRY_MS : FIRST_RETRY_MS;
    this.#hasFailed = true;
    this.#retry = setTimeout(() => {
      this.#carryOut(resumeActions(this.#state));
    }, this.#options.retryMs ?? delayMs);
  }

  async #runChain(chain: ChainState): Promise<void> {
    if (this.#isClosed) return;
    if (this.#chain !== undefined && this.#runs !== undefined && equalBytes(this.#runs.init, chain.init)) {
      await this.#chain.extend(chain.target);
      return;
    }
    await this.#restChain();
    this.#runs = chain;
    const { crypto, folder, addonPath } = this.#options;
    this.#chain = await CandidateChain.start(crypto, {
      ...{ nodeId: this.#nodeId, ...chain, progressPath: joinPath(folder, CANDIDATE_FILE), settings: this.#settings },
      ...(addonPath === undefined ? {} : { addonPath }),
      listener: (event) => {
        if (this.#runs === chain) this.#hearChain(event);
      },
    });
  }

  async #restChain(): Promise<void> {
    const chain = this.#chain;
    this.#chain = undefined;
    this.#runs = undefined;
    this.#iterations = 0n;
    await chain?.stop();
  }

  #hearChain(event: ChainEvent): void {
    const { tell } = this.#options;
    switch (event.kind) {
      case "progress": {
        const { iterationsPerSecond, d, iterations } = event.progress;
        this.#iterations = iterations;
        if (iterationsPerSecond !== undefined && d !== undefined)
          this.#segmentSeconds = Number(d) / iterationsPerSecond;
        break;
      }
      case "segment":
        this.#hear({ kind: "segment", done: event.end.segment, value: event.end.value });
        break;
      case "went-back":
        tell({ kind: "computed-wrong", segment: event.position.segment });
        this.#hear({ kind: "segment", done: event.end.segment, value: event.end.value });
        break;
      case "notice":
        tell({ kind: "damage", notice: event.notice });
        break;
      case "not-saved":
        tell({ kind: "not-saved", code: event.code });
        break;
      case "failed":
        this.#fail(event.error);
        break;
      case "saved":
        this.#hasFailed = false;
        break;
    }
  }

  #pace(): Pace | undefined {
    if (this.#segmentSeconds === undefined || this.#window === undefined) return undefined;
    return {
      window: this.#window,
      windowSeconds: this.#options.windowSeconds(),
      segmentSeconds: this.#segmentSeconds,
      awakeShare: Math.min(1, Math.max(AWAKE_SHARE_MIN, this.#options.awakeShare())),
    };
  }

  #isFastEnough(): boolean | undefined {
    const pace = this.#pace();
    if (pace === undefined) return undefined;
    const { tau2Windows } = this.#self.rules.params;
    const whole = { wStart: pace.window, target: tau2Windows, done: 0n, iterations: 0n, d: 1n };
    return deadlineOf(whole, tau2Windows, pace).slackWithoutBreaksSeconds >= 0;
  }

  #deadline(chain: ChainState, pace: Pace): Deadline {
    return deadlineOf({ ...chain, iterations: this.#iterations }, this.#self.rules.params.tau2Windows, pace);
  }

  /** Tells a person when the deadline comes near, and when it no longer does. */
  #ring(): void {
    const { phase, chain } = this.#state;
    const pace = this.#pace();
    if (phase !== "CandidateVdf" || chain === undefined || pace === undefined) return;
    const deadline = this.#deadline(chain, pace);
    const alarm = nextAlarm(this.#alarm, deadline, Number(this.#self.rules.params.tau2Windows) * pace.windowSeconds);
    if (alarm !== this.#alarm) this.#options.tell({ kind: "alarm", alarm, deadline });
    this.#alarm = alarm;
  }

  #candidateStatus(chain: ChainState): CandidateStatus {
    const { rules } = this.#self;
    const pace = this.#pace();
    const position = { ...chain, iterations: this.#iterations };
    const standing = this.#standing;
    return {
      ...{ done: chain.done, total: chain.target, tenths: chainProgressTenths(chain.done, chain.target) },
      ...{ iterations: chain.done < chain.target ? this.#iterations : 0n, d: chain.d, wStart: chain.wStart },
      isPublishing: this.#state.publication !== undefined,
      alarm: this.#alarm,
      deadline: pace && this.#deadline(chain, pace),
      eta: pace && standing && etaOf(rules, position, pace, standing.queueLength, standing.activeNodes),
    };
  }

  #queueStatus(registrationWindow: bigint): QueueStatus | undefined {
    const standing = this.#standing;
    const window = this.#window;
    if (standing === undefined || window === undefined) return undefined;
    const { rules } = this.#self;
    const { position, queueLength, activeNodes } = standing;
    const { earliest, expected } = estimateRegistered(rules, window, position ?? 1n, queueLength, activeNodes);
    return {
      ...{ position, length: queueLength, registrationWindow, expectedWindow: window + expected },
      nextDrawWindow: rules.admission === "selection" ? window + earliest : undefined,
      expiresIn: expiryWindow(registrationWindow, rules.params) - window,
    };
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

export interface LifecycleStatus {
  readonly phase: Phase;
  readonly candidate: CandidateStatus | undefined;
  /** Undefined also until the first window after a start. */
  readonly queue: QueueStatus | undefined;
  readonly admissionWindow: bigint | undefined;
  /** Why a finished chain is not published now. */
  readonly hindrance: Hindrance | undefined;
  /** Why the chain was begun or taken up last, where not at first. */
  readonly lastRestart: RestartCause | undefined;
}

export interface CandidateStatus {
  /** Segments. */
  readonly done: bigint;
  readonly total: bigint;
  /** Of the segment in progress, of `d`. */
  readonly iterations: bigint;
  readonly d: bigint;
  readonly wStart: bigint;
  /** Tenths of a percent (chapter 05 §7.2). */
  readonly tenths: number;
  readonly isPublishing: boolean;
  readonly alarm: Alarm;
  /** Undefined until the own speed is measured, some seconds after a start. */
  readonly deadline: Deadline | undefined;
  readonly eta: Eta | undefined;
}

export interface QueueStatus {
  /** From 1; undefined where admission is by lot: the order of a draw follows from T of its own window. */
  readonly position: bigint | undefined;
  /** Where admission is by lot. */
  readonly nextDrawWindow: bigint | undefined;
  readonly length: bigint;
  readonly registrationWindow: bigint;
  readonly expectedWindow: bigint;
  /** Windows until the registration leaves the pool without an admission. */
  readonly expiresIn: bigint;
}
