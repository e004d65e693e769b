/**
 * The way of the own node into the Node Table: the lifecycle with the person's settings, the computer's power and sleep, and
 * the registration that is published each window until it is applied.
 */
import { registrationMessage, type Message } from "../../consensus/objects.ts";
import type { NodeSigner } from "../../keystore/signers.ts";
import type { Native } from "../../native/index.ts";
import { byteKey, toHex } from "../../protocol/bytes.ts";
import { ProtocolError, type ErrorParams } from "../../protocol/errors.ts";
import type { NetworkRules } from "../../protocol/genesis/rules.ts";
import { nodeRegistration } from "../../protocol/objects/nodeRegistration.ts";
import { Conditions, type ConditionsReport } from "../lifecycle/conditions.ts";
import { outlookOf } from "../lifecycle/deadline.ts";
import { Lifecycle, type LifecycleReport } from "../lifecycle/lifecycle.ts";
import type { OwnStanding } from "../lifecycle/standing.ts";
import type { LifecycleNews, Phase, RegistrationDraft } from "../lifecycle/state.ts";
import type { ChainSettings } from "../vdf/messages.ts";
import type { NoticeBoard } from "./notices.ts";
import { DEFAULT_SETTINGS, readSettings, writeSettings, type JoinSettings } from "./settings.ts";
import type { AppliedWindow } from "./tables.ts";

export interface CandidacyOptions {
  readonly crypto: Native;
  readonly rules: NetworkRules;
  readonly signer: NodeSigner;
  /** The folder of the network. */
  readonly folder: string;
  readonly addonPath?: string;
  readonly notices: NoticeBoard;
  /** Hands a signed registration to the own machine and to the peers. */
  readonly publish: (message: Message) => void;
  /** False while the node must sign nothing. */
  readonly maySign: () => boolean;
  readonly windowSeconds: () => number;
  /** Of one chain on this computer, with all running that runs. */
  readonly iterationsPerSecond: () => number;
  /** The status is another one. */
  readonly changed: () => void;
}

/** As a person joins; what is left out stays as it is. */
export interface JoinRequest {
  readonly cpuShare?: number | undefined;
  readonly onMainsOnly?: boolean | undefined;
  readonly isLowPriority?: boolean | undefined;
  readonly keepsAwake?: boolean | undefined;
  readonly startsAnyway?: boolean | undefined;
  /** The earliest window in which the chain may begin. */
  readonly notBefore?: number | undefined;
}

export interface CandidacyStatus {
  readonly phase: Phase;
  readonly candidate: {
    readonly done: number;
    readonly total: number;
    readonly d: number;
    readonly etaSeconds: number | null;
    readonly admissionSeconds: number | null;
    readonly pausableSeconds: number | null;
    readonly startWindow: number;
    readonly isPublishing: boolean;
    readonly isPaused: boolean;
    readonly waitsFor: string | null;
  } | null;
  readonly candidacy: (Omit<JoinSettings, "isPaused"> & { readonly isWanted: boolean }) | null;
  readonly queue: {
    readonly position: number | null;
    readonly nextDrawWindow: number | null;
    readonly length: number;
    readonly expectedWindow: number;
    readonly registrationWindow: number;
  } | null;
}

export class Candidacy {
  readonly #options: CandidacyOptions;
  readonly #conditions: Conditions;
  readonly #lifecycle: Lifecycle;
  #settings: JoinSettings;
  #configured: string;
  /** The same object each window: one that differs in its signature alone would be another message for everybody. */
  #published: { readonly key: string; readonly message: Message } | undefined;
  /** Changes of the settings, one after the other. */
  #work: Promise<void> = Promise.resolve();

  static async open(options: CandidacyOptions): Promise<Candidacy> {
    const settings = await readSettings(options.folder, () => options.notices.tell("join-settings-damaged"));
    return new Candidacy(options, settings ?? DEFAULT_SETTINGS);
  }

  private constructor(options: CandidacyOptions, settings: JoinSettings) {
    this.#options = options;
    this.#settings = settings;
    const { crypto, rules, signer, folder, addonPath, windowSeconds } = options;
    this.#conditions = new Conditions({
      ...{ crypto, folder, listener: (report) => this.#hearConditions(report) },
      preferences: { isPaused: settings.isPaused, isMainsOnly: settings.onMainsOnly, isKeptAwake: false },
    });
    this.#configured = JSON.stringify(this.#chainSettings);
    this.#lifecycle = new Lifecycle({
      ...{ crypto, rules, nodePubkey: signer.publicKey, folder, windowSeconds },
      ...(addonPath === undefined ? {} : { addonPath }),
      chainSettings: this.#chainSettings,
      publish: (draft) => this.#publish(draft),
      tell: (report) => this.#tell(report),
      awakeShare: () => this.#conditions.awakeShare ?? 1,
    });
    void this.#apply();
  }

  get phase(): Phase {
    return this.#lifecycle.state.phase;
  }

  /** The registration that would be published now. */
  get draft(): RegistrationDraft | undefined {
    return this.#lifecycle.draft;
  }

  /** For the status after a start. */
  see(window: bigint, standing: OwnStanding): void {
    this.#lifecycle.see(window, standing);
  }

  applied({ tip, aggregate, standing, refused, isSynchronised }: AppliedWindow & { isSynchronised: boolean }): void {
    const { window, timechainValue, d } = tip;
    this.#lifecycle.applied({ window, timechainValue, aggregate, d, isSynchronised, standing, refused });
    void this.#apply();
  }

  /**
   * Begins, or changes how it runs. Throws `already-a-node`, and `computer-too-slow` where the speed test says that the deadline
   * will be missed and the person did not say to start anyway.
   */
  async join(request: JoinRequest, network: { readonly d: bigint; readonly target: bigint }): Promise<void> {
    if (this.phase === "Active") throw new ProtocolError("already-a-node");
    const { startsAnyway, notBefore, ...changes } = request;
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const settings: JoinSettings = { ...this.#settings, isPaused: false, ...given };
    if (this.phase === "Bootstrap" && startsAnyway !== true) this.#requireSpeed(settings, network);
    await this.#change(settings);
    this.#lifecycle.join(notBefore === undefined ? {} : { notBefore: BigInt(notBefore) });
    this.#options.changed();
  }

  leave(): Promise<void> {
    this.#lifecycle.withdraw();
    this.#options.notices.clear("deadline");
    this.#options.notices.clear("restart");
    this.#options.changed();
    return this.#apply();
  }

  setPaused(isPaused: boolean): Promise<void> {
    return this.#change({ ...this.#settings, isPaused });
  }

  status(): CandidacyStatus {
    const { phase, candidate, queue } = this.#lifecycle.status();
    const { isPaused, ...settings } = this.#settings;
    const isOnTheWay = phase === "Bootstrap" || phase === "CandidateVdf";
    return {
      phase,
      candidacy: { ...settings, isWanted: isOnTheWay && this.#lifecycle.state.operatorAccountId !== undefined },
      candidate:
        candidate === undefined
          ? null
          : {
              done: Number(candidate.done * candidate.d + candidate.iterations),
              total: Number(candidate.total * candidate.d),
              d: Number(candidate.d),
              etaSeconds: candidate.eta?.chainSeconds ?? null,
              admissionSeconds: candidate.eta?.admissionSeconds ?? null,
              pausableSeconds: candidate.deadline?.pausableSeconds ?? null,
              startWindow: Number(candidate.wStart),
              isPublishing: candidate.isPublishing,
              isPaused,
              waitsFor: this.#conditions.pauseReasons.includes("battery") ? "mains" : null,
            },
      queue:
        queue === undefined
          ? null
          : {
              position: queue.position === undefined ? null : Number(queue.position),
              nextDrawWindow: queue.nextDrawWindow === undefined ? null : Number(queue.nextDrawWindow),
              length: Number(queue.length),
              expectedWindow: Number(queue.expectedWindow),
              registrationWindow: Number(queue.registrationWindow),
            },
    };
  }

  /** Resolves when the chain's progress is on disk and its thread is gone. */
  async close(): Promise<void> {
    await Promise.all([this.#lifecycle.close(), this.#conditions.close()]);
  }

  get #chainSettings(): ChainSettings {
    const { cpuShare, isLowPriority } = this.#settings;
    const isPaused = this.#conditions.pauseReasons.length > 0;
    return { isPaused, cpuShare, priority: isLowPriority ? "low" : "normal" };
  }

  /** Chapter 05: the chain must be done 2τ₂ windows after it began. */
  #requireSpeed({ cpuShare }: JoinSettings, { d, target }: { readonly d: bigint; readonly target: bigint }): void {
    const { iterationsPerSecond, windowSeconds, rules } = this.#options;
    const { tau2Windows } = rules.params;
    const outlook = outlookOf(iterationsPerSecond() * cpuShare, {
      ...{ d, tau2Windows, target, windowSeconds: windowSeconds() },
    });
    const params = { hoursPerDay: Math.ceil(outlook.hoursPerDayNeeded * 10) / 10 };
    if (outlook.verdict === "too-slow") throw new ProtocolError("computer-too-slow", params);
    const { coreHours } = outlook;
    this.#options.notices.tell("join-outlook", {
      ...params,
      coreHours: Math.ceil(coreHours),
      verdict: outlook.verdict,
    });
  }

  async #change(settings: JoinSettings): Promise<void> {
    await writeSettings(this.#options.folder, settings);
    this.#settings = settings;
    await this.#apply();
    this.#options.changed();
  }

  /** Brings chain and computer to what settings and power say. */
  #apply(): Promise<void> {
    const { isPaused, onMainsOnly, keepsAwake } = this.#settings;
    const isKeptAwake = keepsAwake && this.phase === "CandidateVdf" && !isPaused;
    this.#conditions.prefer({ isPaused, isMainsOnly: onMainsOnly, isKeptAwake });
    return this.#configure();
  }

  /** A chain that is told how to run measures its speed anew, so it is told what is new alone. */
  #configure(): Promise<void> {
    this.#work = this.#work.then(async () => {
      const settings = this.#chainSettings;
      if (JSON.stringify(settings) === this.#configured) return;
      this.#configured = JSON.stringify(settings);
      await this.#lifecycle.configure(settings);
    });
    return this.#work;
  }

  #hearConditions(report: ConditionsReport): void {
    const { notices, changed } = this.#options;
    switch (report.kind) {
      case "pause-reasons":
        // The first comes while the conditions are made; the lifecycle then starts with them.
        if ((this.#lifecycle as Lifecycle | undefined) !== undefined) void this.#configure();
        changed();
        return;
      case "slept":
        notices.tell("computer-slept", { seconds: Math.round(report.seconds) });
        return;
      case "clock-set":
        notices.tell("clock-set", { seconds: Math.round(report.seconds) });
        return;
      case "not-kept-awake":
        notices.tell("not-kept-awake", { reason: report.reason });
        return;
      case "awake-log":
        notices.tell("awake-log-damaged", { detail: report.code });
        return;
      case "power":
      case "kept-awake":
        return;
    }
  }

  #publish(draft: RegistrationDraft): void {
    const { signer, maySign, publish, crypto } = this.#options;
    if (!maySign()) return;
    const key = byteKey(nodeRegistration.identify(crypto, draft));
    if (this.#published?.key !== key) {
      const signature = signer.signScope(nodeRegistration.scope(draft));
      this.#published = { key, message: registrationMessage({ ...draft, signature }) };
    }
    publish(this.#published.message);
  }

  #tell(report: LifecycleReport): void {
    const { notices, changed } = this.#options;
    switch (report.kind) {
      case "alarm": {
        const { alarm, deadline } = report;
        if (alarm === "none") notices.clear("deadline");
        else {
          const hoursPerDay = Math.ceil(deadline.hoursPerDayNeeded * 10) / 10;
          notices.post("deadline", `deadline-${alarm}`, { hoursPerDay, window: deadline.deadlineWindow });
        }
        break;
      }
      case "damage":
        notices.tell(report.notice.code);
        break;
      case "recovered":
        notices.tell("candidacy-recovered", { segments: report.done });
        break;
      case "computed-wrong":
        notices.post("hardware", "computed-wrong");
        break;
      case "not-saved":
        notices.tell("progress-not-saved", { errno: report.code });
        break;
      case "chain-failed":
        notices.tell("candidate-chain-failed", { detail: report.error.message });
        break;
      case "chain-begun":
      case "chain-taken-up":
      case "chain-extended":
      case "chain-finished":
      case "published":
      case "refused":
      case "hindered":
      case "registered":
      case "admitted":
      case "already-a-node":
      case "lost-place":
        this.#tellNews(report);
    }
    changed();
  }

  #tellNews(news: LifecycleNews): void {
    const { notices } = this.#options;
    const [code, params] = wordsOf(news);
    const isRestart = (news.kind === "chain-begun" || news.kind === "chain-taken-up") && news.cause !== undefined;
    if (isRestart) notices.post("restart", code, params);
    else notices.tell(code, params);
    if (news.kind === "hindered") notices.post("hindrance", code, params);
    if (news.kind === "published" || news.kind === "registered" || news.kind === "admitted") notices.clear("hindrance");
    if (news.kind === "chain-begun" || news.kind === "registered" || news.kind === "admitted") {
      notices.clear("deadline");
    }
    if (news.kind === "registered" || news.kind === "admitted") notices.clear("restart");
  }
}

function wordsOf(news: LifecycleNews): [code: string, params: ErrorParams] {
  switch (news.kind) {
    case "chain-begun":
      return news.cause === undefined
        ? ["candidate-chain-begun", { window: news.wStart, windows: news.target }]
        : ["candidate-chain-restarted", { window: news.wStart, cause: news.cause }];
    case "chain-taken-up":
      return ["candidate-chain-taken-up", { segments: news.done, cause: news.cause }];
    case "chain-extended":
      return ["candidate-chain-extended", { from: news.from, to: news.to }];
    case "chain-finished":
      return ["candidate-chain-finished", { segments: news.segments }];
    case "published":
      return ["registration-published", { window: news.window }];
    case "refused":
      return ["registration-refused", { failure: news.failure }];
    case "hindered":
      return ["registration-hindered", { failure: news.hindrance }];
    case "registered":
      return ["registered", { window: news.window }];
    case "admitted":
      return ["admitted", { window: news.window, bonus: news.bonus, account: toHex(news.operatorAccountId) }];
    case "already-a-node":
      return ["already-a-node", {}];
    case "lost-place":
      return ["place-lost", { cause: news.cause }];
  }
}
