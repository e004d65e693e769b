/**
 * The node of one network: opens what is on disk, runs the machine, carries out its effects, and begins again from the disk
 * when a part of it ends by itself. This is the only place where the parts meet.
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

import type { Fault, Notice as MachineNotice } from "../../consensus/effects.ts";
import type { Message } from "../../consensus/objects.ts";
import type { Verdict } from "../../consensus/verdict.ts";
import type { IdentityStore } from "../../keystore/identityStore.ts";
import type { NodeSigner } from "../../keystore/signers.ts";
import type { Native } from "../../native/index.ts";
import { toHex, type NodeId } from "../../protocol/bytes.ts";
import { ProtocolError, type ErrorParams } from "../../protocol/errors.ts";
import type { Operation } from "../../protocol/objects/operations.ts";
import type { Peer } from "../../network/ports.ts";
import { supplyAt } from "../../protocol/state/supply.ts";
import { CandidateProofs, type CandidateVdfCheck } from "../lifecycle/candidateProofs.ts";
import type { OpenedNetwork } from "../network/openNetwork.ts";
import { StateClient } from "../state/client.ts";
import { SIGNED_LOG_FILE, SignedLog } from "../store/signedLog.ts";
import { checkHistory } from "../sync/historyCheck.ts";
import { findFarTip, join as takeSnapshot, type JoinerParts } from "../sync/joiner.ts";
import { FastSyncServer } from "../sync/server.ts";
import { CATCH_UP_WINDOWS_MAX } from "../sync/syncState.ts";
import { Candidacy, type CandidacyStatus, type JoinRequest } from "./candidacy.ts";
import { Engine, type EngineFailure } from "./engine.ts";
import { NoticeBoard, type Notice } from "./notices.ts";
import { WindowPace } from "./pace.ts";
import { forgetSeenElsewhere, markSeenElsewhere, QuietPeriod, wasSeenElsewhere, type QuietReason } from "./quiet.ts";
import { DEFAULT_NODE_SETTINGS, readNodeSettings, writeNodeSettings, type NodeSettings } from "./settings.ts";
import { backUpStored, checkStored, type Task } from "./storeTasks.ts";
import { Tables, type AppliedWindow, type Tip } from "./tables.ts";
import { nobody, type Transport } from "./transport.ts";

/** What the runtime needs of an identity; the keystore's is one. */
export type NodeIdentity = Pick<IdentityStore, "openNodeSigner" | "endQuietPeriod"> & {
  readonly summary: Pick<IdentityStore["summary"], "provenance">;
};

export interface NodeLog {
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
  error(detail: object, message: string): void;
}

export interface NodeOptions {
  readonly crypto: Native;
  readonly identity: NodeIdentity;
  readonly network: OpenedNetwork;
  /** Nobody unless given. */
  readonly transport?: Transport;
  /** What the person's settings `auto` stand for, in tests. */
  readonly candidateVdfCheck?: CandidateVdfCheck;
  readonly followsTimeAsCandidate?: boolean;
  /** Of one core, for the TimeChain, above 0 to 1; in a real network a node that rests is late. */
  readonly timeCpuShare?: number | undefined;
  /** File of the add-on, for the threads of a packaged program. */
  readonly addonPath?: string;
  /** Windows behind the others from which on a snapshot is taken; by default as many as peers keep. */
  readonly behindMax?: bigint;
  readonly logger: NodeLog;
  /** Aborted where the start is not wanted any more, which then rejects with `cancelled`. */
  readonly stopping?: AbortSignal;
  /** Hears how far it is while it opens what is on disk; later the status says so. */
  readonly onProgress?: ((progress: NodeProgress) => void) | undefined;
}

export interface NodeStatus extends CandidacyStatus {
  readonly window: number | null;
  readonly windowAtMs: number | null;
  readonly stateRoot: string | null;
  readonly supply: string | null;
  readonly peers: number;
  readonly progress: NodeProgress | null;
  /** Node ids. */
  readonly unverifiedCandidates: string[];
  readonly notices: Notice[];
}

/** What is left out stays. */
export type NodeSettingsChange = { readonly [Name in keyof NodeSettings]?: NodeSettings[Name] | undefined };

/** Of what keeps a node from being in step with the network. */
export interface NodeProgress {
  readonly what: "open" | "catch-up" | "snapshot";
  readonly done: number;
  readonly total: number | null;
  readonly unit: string;
}

export interface NodeSettingsInForce extends NodeSettings {
  /** What `auto` comes to here. */
  readonly inForce: { readonly candidateVdfCheck: CandidateVdfCheck; readonly followsTime: boolean };
}

export interface NodeTime {
  readonly window: number;
  readonly timechainValue: string;
  readonly d: number;
  readonly meanWindowSeconds: number | null;
}

export type NodeChange =
  { readonly kind: "window-closed" | "status" } | { readonly kind: "notice"; readonly notice: Notice };

/** What the node told about a window that it decided, for who follows operations. */
export interface DecidedWindow {
  readonly window: bigint;
  /** False while it catches up. */
  readonly isLive: boolean;
  readonly skipped: AppliedWindow["skipped"];
}

/** An operation that came from elsewhere, or that the bundles of the open window confirm. */
export interface SeenOperation {
  readonly what: "seen" | "confirmed";
  readonly operation: Operation;
  /** The open window. */
  readonly window: bigint;
}

/** Between failures of a part and the next attempt; after the last the node stays down until it is started again. */
const RESTART_MS = [200, 1000, 5000, 15_000, 60_000] as const;
/** A store that has not closed by then is left as a crash would leave it. */
const CLOSE_MS_MAX = 3000;
/** After these a person must decide. */
const SYNC_HALTS = new Set(["snapshot-breaks-rules", "two-certificates", "protocol-version-unsupported"]);
const REPORT_INTERVAL_MS = 200;
/** A run that lasted so long is a new beginning. */
const STABLE_MS = 600_000;

/** Throws what stands in the way, by name, with nothing left running. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const signer = await options.identity.openNodeSigner();
  const node = new RunningNode(options, signer);
  try {
    await node.open();
  } catch (error) {
    await node.stop();
    throw error;
  }
  return node;
}

/** One life of store, log and machine. */
interface Run {
  readonly client: StateClient;
  readonly log: SignedLog;
  readonly engine: Engine;
  readonly ending: AbortController;
}

export class RunningNode {
  readonly #options: NodeOptions;
  readonly #signer: NodeSigner;
  readonly #transport: Transport;
  readonly #notices: NoticeBoard;
  readonly #pace = new WindowPace();
  readonly #proofs: CandidateProofs;
  readonly #listeners = new Set<(change: NodeChange) => void>();
  readonly #deciders = new Set<(decided: DecidedWindow) => void>();
  #settings: NodeSettings = DEFAULT_NODE_SETTINGS;
  readonly #operationListeners = new Set<(seen: SeenOperation) => void>();
  #candidacy: Candidacy | undefined;
  #run: Run | undefined;
  #tip: Tip | undefined;
  #tipAtMs: number | null = null;
  #progress: NodeProgress | null = null;
  #reportedMs = -Infinity;
  /** The newest window that others have told of. */
  #seen = 0n;
  /** The last window of this run was decided in step with the others. */
  #isLive: boolean;
  /** Windows below it were decided before this run began, even where the store does not know it. */
  #reachedBefore = 0n;
  #quiet: QuietPeriod | undefined;
  #isLookingAhead = false;
  readonly #stopping = new AbortController();
  #failures = 0;
  #runSinceMs = 0;
  #restart: NodeJS.Timeout | undefined;
  /** Starts and ends of runs, one after the other. */
  #work: Promise<void> = Promise.resolve();
  #isStopped = false;
  /** It failed too often, or so that a person must decide. */
  #isHalted = false;

  constructor(options: NodeOptions, signer: NodeSigner) {
    this.#options = options;
    this.#signer = signer;
    this.#transport = options.transport ?? nobody;
    this.#isLive = this.#transport.isAlone;
    this.#proofs = new CandidateProofs(options.crypto, () => this.#inForce.candidateVdfCheck);
    this.#notices = new NoticeBoard((notice) => {
      options.logger.info({ notice: notice.code, ...notice.params }, "notice");
      this.#emit({ kind: "notice", notice });
    });
  }

  /** Only for {@link startNode}. */
  async open(): Promise<void> {
    const { crypto, network, addonPath } = this.#options;
    const { rules } = network.network;
    this.#quiet = this.#quietAtStart();
    const onDamage = (): void => this.#notices.tell("node-settings-damaged");
    this.#settings = (await readNodeSettings(network.directory, onDamage)) ?? DEFAULT_NODE_SETTINGS;
    this.#candidacy = await Candidacy.open({
      ...{ crypto, rules, signer: this.#signer, folder: network.directory, notices: this.#notices },
      ...(addonPath === undefined ? {} : { addonPath }),
      publish: (message) => {
        this.#publish(message);
      },
      maySign: () => this.#quiet === undefined,
      windowSeconds: () => this.#windowSeconds(),
      iterationsPerSecond: () => this.#iterationsPerSecond(),
      changed: () => this.#emit({ kind: "status" }),
    });
    await this.#begin();
  }

  async status(): Promise<NodeStatus> {
    const window = this.#tip?.window;
    const { emissionMoneta } = this.#options.network.network.rules.params;
    const standing = this.#candidacy?.status() ?? NO_CANDIDACY;
    const unverified = await this.#unverifiedCandidates();
    return {
      ...standing,
      window: window === undefined ? null : Number(window),
      windowAtMs: this.#tipAtMs,
      stateRoot: this.#tip === undefined ? null : toHex(this.#tip.stateRoot),
      supply: window === undefined ? null : supplyAt(emissionMoneta, window).toString(),
      peers: this.#transport.peers.length,
      progress: this.#progress,
      unverifiedCandidates: unverified.map(toHex),
      notices: this.#notices.standing,
    };
  }

  settings(): Promise<NodeSettingsInForce> {
    return Promise.resolve({ ...this.#settings, inForce: this.#inForce });
  }

  /** Durable when it resolves; in force from the next window on. */
  async setSettings({
    candidateVdfCheck = this.#settings.candidateVdfCheck,
    followsTime = this.#settings.followsTime,
  }: NodeSettingsChange): Promise<NodeSettingsInForce> {
    const settings = { candidateVdfCheck, followsTime };
    await writeNodeSettings(this.#options.network.directory, settings);
    this.#settings = settings;
    return this.settings();
  }

  /** Throws `no-window-yet` before window 0 is decided. */
  time(): Promise<NodeTime> {
    const tip = this.#tip;
    if (tip?.window === undefined) return Promise.reject(new ProtocolError("no-window-yet"));
    return Promise.resolve({
      window: Number(tip.window),
      timechainValue: toHex(tip.timechainValue),
      d: Number(tip.d),
      meanWindowSeconds: this.#pace.meanSeconds ?? null,
    });
  }

  /** Throws `network-has-one-producer` in profile `rc1`, whose producer admits nobody. */
  async join(request: JoinRequest): Promise<void> {
    const { profile, params } = this.#options.network.network.rules;
    if (profile === "rc1") throw new ProtocolError("network-has-one-producer");
    const { tau2Windows } = params;
    const standing = await this.#tables.standing(undefined);
    const target = standing.requiredLength > tau2Windows ? standing.requiredLength : tau2Windows;
    await this.#own.join(request, { d: this.#d, target });
  }

  leave(): Promise<void> {
    return this.#own.leave();
  }

  pause(): Promise<void> {
    return this.#own.setPaused(true);
  }

  resume(): Promise<void> {
    return this.#own.setPaused(false);
  }

  /** Throws the first problem by its name; the others are in the log. */
  async check(task: Task): Promise<Record<string, string | number | boolean>> {
    return checkStored(this.state, task, ({ code, params }) =>
      this.#options.logger.error({ code, params: printable(params) }, "check"),
    );
  }

  async backup(directory: string, task: Task): Promise<Record<string, string | number | boolean>> {
    return backUpStored(this.state, directory, task);
  }

  /** After every applied window and whenever the status changed otherwise; gives the way to end that. */
  onChange(listener: (change: NodeChange) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** As {@link onChange}, with what became of operations. */
  onDecided(listener: (decided: DecidedWindow) => void): () => void {
    this.#deciders.add(listener);
    return () => {
      this.#deciders.delete(listener);
    };
  }

  /** What comes and goes before a window settles it. */
  onOperation(listener: (seen: SeenOperation) => void): () => void {
    this.#operationListeners.add(listener);
    return () => {
      this.#operationListeners.delete(listener);
    };
  }

  /** Tells a person, with the node's own notices. */
  tell(code: string, params: ErrorParams = {}): void {
    this.#notices.tell(code, params);
  }

  /**
   * Gives an operation or a registration to the machine, which relays it; its word on it. One that the machine holds goes to all
   * peers again: who came later, or lost what they held, have not got it (chapter 04 §4.12). Throws as {@link state}.
   */
  async submit(message: Message): Promise<Verdict> {
    const verdict = await this.#engine.submit(message);
    if (verdict.verdict === "ignore" && verdict.code === "duplicate") this.#transport.broadcast(message);
    return verdict;
  }

  /** The state worker, for look-ups. Throws `node-stopped` where none runs, `node-not-ready` where one is to come. */
  get state(): StateClient {
    if (this.#run === undefined) throw this.#absent;
    return this.#run.client;
  }

  /** Of a node in the Node Table. */
  startWindowOf(nodeId: NodeId): bigint | undefined {
    return this.#run?.engine.startWindowOf(nodeId);
  }

  /** Who is connected. */
  get peers(): readonly Pick<Peer, "nodeId" | "isOutbound" | "silentMs">[] {
    return this.#transport.joining?.peers ?? [];
  }

  /** Mean of the last windows; undefined until two were seen. */
  get windowSeconds(): number | undefined {
    return this.#pace.meanSeconds;
  }

  /** Whether there can be anybody else at all. */
  get isAlone(): boolean {
    return this.#transport.isAlone;
  }

  /** Windows behind the newest that others have told of. */
  get behind(): bigint {
    const window = this.#tip?.window ?? 0n;
    return this.#seen > window ? this.#seen - window : 0n;
  }

  /** Whether this node is in step with the network, as far as it knows. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** Writes down what must be, and ends all threads. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopping.abort();
    clearTimeout(this.#restart);
    await Promise.all([this.#candidacy?.close(), this.#queue(() => this.#end())]);
    this.#signer.close();
  }

  get #followsTime(): boolean {
    const phase = this.#candidacy?.phase;
    return this.#inForce.followsTime && (phase === "CandidateVdf" || phase === "Registered");
  }

  get #inForce(): NodeSettingsInForce["inForce"] {
    const { candidateVdfCheck, followsTimeAsCandidate, network } = this.#options;
    const { candidateVdfCheck: check, followsTime } = this.#settings;
    // What a reference node publishes as the end of its chain is none (chapter 05 §8, L2).
    const usual = candidateVdfCheck ?? (network.network.rules.profile === "rc1" ? "none" : "full");
    const isOneCore = followsTimeAsCandidate ?? availableParallelism() < 2;
    return {
      candidateVdfCheck: check === "auto" ? usual : check,
      followsTime: followsTime === "auto" ? isOneCore : followsTime === "yes",
    };
  }

  /** In the pool, and their chains let pass unchecked since this start. While the node begins anew nobody can look. */
  async #unverifiedCandidates(): Promise<readonly NodeId[]> {
    const { unverified } = this.#proofs;
    if (unverified.length === 0 || this.#run === undefined) return [];
    try {
      return await this.#run.client.ask("candidatesAmong", unverified);
    } catch (error) {
      if (error instanceof ProtocolError) return [];
      throw error;
    }
  }

  /** Between two runs, as while a snapshot is taken, nobody has to do anything. */
  get #absent(): ProtocolError {
    return new ProtocolError(this.#isStopped || this.#isHalted ? "node-stopped" : "node-not-ready");
  }

  get #engine(): Engine {
    if (this.#run === undefined) throw this.#absent;
    return this.#run.engine;
  }

  get #own(): Candidacy {
    if (this.#candidacy === undefined) throw this.#absent;
    return this.#candidacy;
  }

  get #tables(): Tables {
    return new Tables(this.#options.crypto, this.#signer.nodeId, this.state);
  }

  get #d(): bigint {
    return this.#tip?.d ?? this.#options.network.network.rules.params.d0;
  }

  #queue(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  /** Opens everything from the disk. */
  #begin(): Promise<void> {
    return this.#queue(async () => {
      if (this.#isStopped) return;
      this.#runSinceMs = performance.now();
      const { network, genesis, directory } = this.#options.network;
      const { addonPath, logger, crypto, stopping } = this.#options;
      let isCurrent = true;
      const fail = (failure: EngineFailure): void => {
        if (isCurrent) this.#failed(failure);
        isCurrent = false;
      };
      const client = new StateClient({
        ...(addonPath === undefined ? {} : { addonPath }),
        onFailure: (cause) => fail({ code: "state-worker-failed", params: {}, isHalt: false, cause }),
      });
      const isKnown = existsSync(join(directory, SIGNED_LOG_FILE));
      const hasLooked = Promise.withResolvers<undefined>();
      let log: SignedLog | undefined;
      try {
        const opened = await client.ask(
          "open",
          {
            ...{ directory, rules: network.rules, networkId: genesis.stateHash, founders: network.otherFounders },
            whenMissing: isKnown ? "must-exist" : "create",
          },
          {
            onProgress: ({ step, done, total }) => this.#report({ what: "open", done, total, unit: step }),
            ...(stopping && { signal: stopping }),
          },
        );
        this.#progress = null;
        for (const note of opened.notes) logger.warn({ note }, "store");
        if (!isKnown && opened.height > 0n) this.#keepQuiet("signed-log-missing");
        log = await SignedLog.open(directory, genesis.stateHash);
        this.#compareHeights(opened.height, log);
        if (log.tornBytes > 0) logger.warn({ bytes: log.tornBytes }, "the signed log ended in a cut record");
        const engine = await Engine.start({
          ...{ crypto, rules: network.rules, genesisStateHash: genesis.stateHash, nodeId: this.#signer.nodeId },
          ...(addonPath === undefined ? {} : { addonPath }),
          ...{ folder: directory, tables: new Tables(crypto, this.#signer.nodeId, client), log },
          signer: this.#quiet === undefined ? this.#signer : undefined,
          ...{ transport: this.#transport, proofs: this.#proofs, beforeFetching: hasLooked.promise },
          ...(network.rules.profile === "spec" && { fastSync: new FastSyncServer({ state: client }) }),
          followsTime: () => this.#followsTime,
          timeCpuShare: this.#options.timeCpuShare,
          listener: {
            draft: () => this.#candidacy?.draft,
            applied: (window, isLive) => this.#applied(window, isLive),
            operation: (what, operation) => {
              const window = this.#run?.engine.window ?? 0n;
              for (const listener of this.#operationListeners) listener({ what, operation, window });
            },
            notice: (notice) => this.#hear(notice),
            peersChanged: () => this.#emit({ kind: "status" }),
            fault: (fault) => this.#hearFault(fault),
            timeNotice: ({ code, ...params }) => this.#notices.tell(code, params),
            failed: fail,
          },
        });
        this.#run = { client, log, engine, ending: new AbortController() };
        this.#tip = engine.tip;
        if (engine.tip.window !== undefined) {
          this.#candidacy?.see(engine.tip.window, await this.#tables.standing(this.#candidacy.draft));
        }
      } catch (error) {
        isCurrent = false;
        await log?.close();
        await client.close().catch(() => undefined);
        throw error;
      }
      this.#notices.clear("run");
      this.#emit({ kind: "status" });
      void this.#lookAhead().finally(() => hasLooked.resolve(undefined));
      void this.#checkHistory();
    });
  }

  get #joinerParts(): JoinerParts {
    const { crypto, network: opened, addonPath, behindMax, logger } = this.#options;
    const { network, genesis, directory } = opened;
    return {
      ...{ crypto, transport: this.#transport, genesisStateRoot: genesis.roots.stateRoot },
      open: {
        ...{ directory, rules: network.rules, networkId: genesis.stateHash, founders: network.otherFounders },
        whenMissing: "must-exist",
      },
      ...(addonPath === undefined ? {} : { addonPath }),
      ...(behindMax === undefined ? {} : { behindMax }),
      onProgress: ({ step, done, total }) => this.#report({ what: "snapshot", done, total, unit: step }),
      onFault: ({ peerId, fault }) => {
        logger.warn({ fault }, "a peer's part of the snapshot");
        this.#notices.tell("sync-peer-fault", { peer: peerId, fault });
      },
    };
  }

  /** Are the others too far ahead to be followed window by window? Then the machine rests until a snapshot is taken. */
  async #lookAhead(hint?: bigint): Promise<void> {
    // An rc.1 producer serves no snapshots.
    if (this.#options.network.network.rules.profile === "rc1") return;
    const run = this.#run;
    const { behindMax = CATCH_UP_WINDOWS_MAX } = this.#options;
    const isFar = hint === undefined || (run !== undefined && hint - run.engine.window > behindMax);
    if (run === undefined || !isFar || this.#isLookingAhead) return;
    this.#isLookingAhead = true;
    try {
      const tip = await findFarTip(
        this.#joinerParts,
        run.engine.window,
        () => (this.#seen > 0n ? this.#seen : undefined),
        run.ending.signal,
      );
      if (tip === undefined || this.#run !== run) return;
      this.#notices.post("sync", "snapshot-taken", { window: run.engine.window, tip });
      await this.#queue(() => this.#end());
      await this.#queue(() => this.#takeSnapshot(tip));
      this.#beginSoon(0);
    } catch (error) {
      if (error instanceof ProtocolError && error.code === "cancelled") return;
      const known = error instanceof ProtocolError;
      this.#failed({
        code: known ? String(error.code) : "node-defect",
        params: known ? error.params : {},
        isHalt: known && SYNC_HALTS.has(String(error.code)),
        ...(error instanceof Error && { cause: error }),
      });
    } finally {
      this.#isLookingAhead = false;
    }
  }

  async #takeSnapshot(tip: bigint): Promise<void> {
    try {
      const { anchor, bytesReceived, faults } = await takeSnapshot(this.#joinerParts, tip, this.#stopping.signal);
      const faulty = faults.map(({ peerId, fault }) => `${peerId} ${fault}`).join(", ");
      this.#options.logger.info({ anchor: String(anchor), bytesReceived, faulty }, "snapshot");
    } finally {
      this.#progress = null;
      this.#notices.clear("sync");
      this.#emit({ kind: "status" });
    }
  }

  /** The windows before the snapshot, of which joining has looked at a sample. */
  async #checkHistory(): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    const { crypto, network } = this.#options;
    try {
      const outcome = await checkHistory({
        ...{ crypto, directory: network.directory, state: run.client, height: run.engine.window },
        onProgress: (done, total) => this.#notices.post("history", "history-verified", { done, total }),
        signal: run.ending.signal,
      });
      this.#notices.clear("history");
      if (outcome === "verified") this.#notices.tell("history-verified-whole");
    } catch (error) {
      if (run.ending.signal.aborted || this.#run !== run) return;
      const known = error instanceof ProtocolError;
      const code = known ? String(error.code) : "node-defect";
      // What is wrong with it will be found again.
      const isHalt = code === "timechain-history-wrong";
      this.#failed({
        code,
        params: known ? error.params : {},
        isHalt,
        ...(error instanceof Error && { cause: error }),
      });
    }
  }

  /**
   * A store from an older backup beside the newer log: what the log holds is decided from it anew, the same as before; what it
   * has forgotten others bring, and nothing is signed for it. A node alone has lost that: throws `store-behind-signed-log`.
   */
  #compareHeights(height: bigint, { completeFrom, reached }: SignedLog): void {
    this.#reachedBefore = reached;
    if (reached <= height) return;
    const params = { height, reached };
    if (this.#transport.isAlone && completeFrom > height) {
      throw new ProtocolError("store-behind-signed-log", params);
    }
    this.#notices.post("behind-log", "store-catches-up", params);
  }

  /** Ends the run, with everything on disk; what is broken already does not keep the rest from it. */
  async #end(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined) return;
    run.ending.abort();
    const note = (error: unknown): void => this.#options.logger.warn({ err: error }, "while stopping");
    await run.engine.stop().catch(note);
    await run.log.close().catch(note);
    const hangs = setTimeout(() => void run.client.terminate(), CLOSE_MS_MAX);
    await run.client.close().catch(note);
    clearTimeout(hangs);
  }

  /** A part ended by itself, or cannot go on: everything begins again from the disk, a few times. */
  #failed({ code, params, isHalt, cause }: EngineFailure): void {
    this.#options.logger.error({ code, params: printable(params), err: cause }, "the node's run failed");
    if (performance.now() - this.#runSinceMs > STABLE_MS) this.#failures = 0;
    const delayMs = isHalt ? undefined : RESTART_MS[this.#failures];
    this.#isHalted = delayMs === undefined;
    this.#failures++;
    this.#notices.post("run", delayMs === undefined ? "node-halted" : "node-restarts", { reason: code, ...params });
    this.#emit({ kind: "status" });
    void this.#queue(() => this.#end());
    if (delayMs !== undefined) this.#beginSoon(delayMs);
  }

  #beginSoon(delayMs: number): void {
    if (this.#isStopped) return;
    this.#restart = setTimeout(() => {
      this.#begin().catch((error: unknown) => {
        const known = error instanceof ProtocolError;
        this.#failed({
          code: known ? String(error.code) : "node-defect",
          params: known ? error.params : {},
          isHalt: false,
          ...(error instanceof Error && { cause: error }),
        });
      });
    }, delayMs);
  }

  #applied(applied: AppliedWindow, isLive: boolean): void {
    const { tip, skipped } = applied;
    this.#isLive = isLive;
    this.#notices.clear("producer");
    if (tip.window + 1n >= this.#reachedBefore) this.#notices.clear("behind-log");
    this.#tip = tip;
    this.#tipAtMs = Date.now();
    const isBehind = !isLive && tip.window < this.#seen;
    this.#progress = isBehind
      ? { what: "catch-up", done: Number(tip.window), total: Number(this.#seen), unit: "windows" }
      : null;
    this.#pace.closed(tip.window, isLive, performance.now());
    this.#candidacy?.applied({ ...applied, isSynchronised: isLive });
    if (this.#quiet?.closed(tip.window, isLive) === true) void this.#endQuiet();
    for (const listener of this.#deciders) listener({ window: tip.window, isLive, skipped });
    this.#emit({ kind: "window-closed" });
  }

  #report(progress: NodeProgress): void {
    this.#progress = progress;
    const now = performance.now();
    if (now - this.#reportedMs < REPORT_INTERVAL_MS) return;
    this.#reportedMs = now;
    this.#options.onProgress?.(progress);
    this.#emit({ kind: "status" });
  }

  #hear(notice: MachineNotice): void {
    if (notice.code === "behind") {
      this.#seen = notice.seen;
      this.#options.logger.info({ window: notice.window, seen: notice.seen }, "behind");
      void this.#lookAhead(notice.seen);
    }
    if (notice.code === "iterations-found") {
      this.#options.logger.info({ window: notice.window, d: notice.iterations }, "the producer's D");
    }
    // Every round after the first means that somebody is missing.
    if (notice.code === "round" && notice.round > 1) {
      this.#options.logger.info({ window: notice.window, round: notice.round }, "another round");
    }
  }

  #hearFault(fault: Fault): void {
    this.#options.logger.warn({ fault: fault.code }, "fault");
    switch (fault.code) {
      case "equivocation":
        this.#notices.tell("equivocation-seen", { nodeId: toHex(fault.nodeId) });
        return;
      case "own-signature-elsewhere":
        this.#seeElsewhere(fault.object.object.windowIndex);
        return;
      case "protocol-version-unsupported":
        this.#notices.post("version", fault.code, { version: fault.protocolVersion });
        break;
      case "producer-header-refused": {
        const { window, failure, field = "" } = fault;
        this.#notices.post("producer", fault.code, { window, failure, field });
        break;
      }
      case "invalid-proposal":
      case "bad-window":
        return;
      case "adopted-time-differs":
      case "certified-state-differs":
      case "two-certificates":
        this.#notices.post("silence", fault.code, { window: fault.window });
    }
    this.#emit({ kind: "status" });
  }

  #quietAtStart(): QuietPeriod | undefined {
    // Who is alone can contradict nobody, and nobody's windows would end the period.
    if (this.#transport.isAlone) return undefined;
    const { identity, network } = this.#options;
    if (wasSeenElsewhere(network.directory)) return this.#quietFor("seen-elsewhere");
    return identity.summary.provenance.isRestoredOrCopied ? this.#quietFor("restored-or-copied") : undefined;
  }

  #keepQuiet(reason: QuietReason): void {
    if (!this.#transport.isAlone) this.#quiet ??= this.#quietFor(reason);
  }

  #quietFor(reason: QuietReason): QuietPeriod {
    this.#notices.post("quiet", "quiet-period", { reason });
    return new QuietPeriod(reason);
  }

  /** The own key is at work elsewhere: from here on this node signs nothing, also after a restart. */
  #seeElsewhere(window: bigint): void {
    // Of decided windows the log forgets what it held: they may be this node's own words.
    if (this.#run !== undefined && window < this.#run.log.floor) return;
    if (this.#quiet !== undefined && !this.#quiet.seen(window)) return;
    this.#run?.engine.fallSilent();
    this.#quiet ??= new QuietPeriod("seen-elsewhere");
    this.#notices.post("quiet", "own-signature-elsewhere", { window });
    this.#emit({ kind: "status" });
    markSeenElsewhere(this.#options.network.directory, window).catch((error: unknown) => {
      this.#options.logger.error({ err: error }, "quiet period");
    });
  }

  /** Nobody signed with this key for long enough: a new run signs again. */
  async #endQuiet(): Promise<void> {
    this.#quiet = undefined;
    try {
      await forgetSeenElsewhere(this.#options.network.directory);
      if (this.#options.identity.summary.provenance.isRestoredOrCopied) await this.#options.identity.endQuietPeriod();
    } catch (error) {
      this.#options.logger.error({ err: error }, "quiet period");
    }
    this.#notices.clear("quiet");
    this.#notices.tell("quiet-period-over");
    await this.#queue(() => this.#end());
    this.#beginSoon(0);
  }

  #publish(message: Message): void {
    if (this.#run === undefined) return;
    // The machine relays it when it is new; a peer that came later has not got it.
    this.#transport.broadcast(message);
    this.#run.engine.submit(message).then(
      (verdict) => {
        if (verdict.verdict === "reject") this.#notices.tell("registration-refused", { failure: verdict.code });
      },
      () => undefined,
    );
  }

  #windowSeconds(): number {
    return this.#pace.meanSeconds ?? Number(this.#d) / this.#iterationsPerSecond();
  }

  #iterationsPerSecond(): number {
    return (this.#run?.engine.iterationsPerMs ?? 1000) * 1000;
  }

  #emit(change: NodeChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

const NO_CANDIDACY: CandidacyStatus = { phase: "Bootstrap", candidate: null, candidacy: null, queue: null };

function printable(params: ErrorParams): object {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]));
}
