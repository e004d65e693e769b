/**
 * What the state worker does, free of threads: it owns the store and answers one request after the other. Long tasks run in
 * slices, between which other requests are answered, windows decided among them.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";

import { createDirectory } from "../../files/blocking.ts";
import { byteKey, equalBytes, type AccountId, type Hash32 } from "../../protocol/bytes.ts";
import type { Native } from "../../native/interface.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { decode } from "../../protocol/codec/codec.ts";
import { invariant } from "../../protocol/errors.ts";
import { ChunkPlan, snapshotChunk } from "../../protocol/fastsync/chunks.ts";
import { genesisRecords } from "../../protocol/genesis/state.ts";
import { encodeProof, prove } from "../../protocol/merkle/proof.ts";
import { bundledConfirmation, proposalHeader, type ProposalHeader } from "../../protocol/objects/consensus.ts";
import { cementedBundleAggregate, lookbackOf } from "../../protocol/quorum/aggregate.ts";
import { releaseTrees } from "../../protocol/state/roots.ts";
import { genesisEpoch } from "../../protocol/transition/adaptEpoch.ts";
import { applyWindow, type WindowResult } from "../../protocol/transition/applyWindow.ts";
import type { WindowView } from "../../consensus/facts.ts";
import type { DecidedWindow, PastWindow } from "../../consensus/material.ts";
import { emptyBody } from "../../consensus/rc1/headers.ts";
import { checkObjects, computeTransition, listObjects, outcomeOf, viewOf } from "../../consensus/tables.ts";
import { standingOf } from "../lifecycle/standing.ts";
import { backUp, STORE_FOLDER } from "../store/backup.ts";
import { createStore } from "../store/builder.ts";
import { checkStore } from "../store/check.ts";
import { storeError } from "../store/errors.ts";
import { historyOf } from "../store/history.ts";
import { importRc1 } from "../store/importRc1.ts";
import type { StateSnapshot } from "../store/snapshot.ts";
import { finish, Store, type StoreOptions } from "../store/store.ts";
import type { Progress } from "../store/tables.ts";
import { Assembly } from "../sync/assembly.ts";
import { SnapshotShelf } from "../sync/serve.ts";
import { admittedSince, candidateRows, nodeRows, windowFacts } from "./looks.ts";
import { archivedObjects } from "./archived.ts";
import { readRange } from "./range.ts";
import {
  HISTORY_PAGE_SIZE,
  type OpenOptions,
  type Opened,
  type Standing,
  type StateRequestName,
  type StateRequests,
} from "./requests.ts";

/** Proposals of one window that are computed at a time: two a depth, of a cascade that has gone deep. */
const TRANSITIONS_MAX = 32;
/** A starting machine looks back so far (chapter 03 §6.2). */
const PAST_WINDOWS = 3n;
const SLICE_MS = 40;
const OBJECTS_PER_REQUEST_MAX = 1000;
const SNAPSHOTS_MAX = 4;

/** How a task tells its caller where it is, and learns that nobody waits any more. */
export interface TaskContext {
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

type Handlers = {
  readonly [Name in StateRequestName]: (
    input: StateRequests[Name]["takes"],
    context: TaskContext,
  ) => StateRequests[Name]["gives"] | Promise<StateRequests[Name]["gives"]>;
};

export class StateService {
  readonly #crypto: Native;
  #store: Store | undefined;
  #directory = "";
  /** Computed transitions of the open window, oldest first. */
  readonly #transitions = new Map<string, WindowResult>();
  readonly #snapshots = new Map<bigint, StateSnapshot>();
  readonly #tasks = new Set<AbortController>();
  readonly #shelf = new SnapshotShelf();
  #assembly: Assembly | undefined;
  #isWritingTrees = false;

  constructor(crypto: Native) {
    this.#crypto = crypto;
  }

  readonly handlers: Handlers = {
    open: (options, context) => this.#open(options, context),
    importRc1: (options, context) =>
      drive(importRc1(options.source, { ...storeOptions(this.#crypto, options), replace: false }), context),
    standing: () => this.#standing(),
    listObjects: (asked) => listObjects(this.#crypto, this.#rules, this.#opened.state, asked),
    checkObjects: (asked) => checkObjects(this.#crypto, this.#rules, this.#opened.state, asked),
    computeTransition: ({ key, inputs }) => {
      const { outcome, result } = computeTransition(this.#crypto, this.#rules, this.#opened.settled, inputs);
      if (result !== undefined) this.#keepTransition(key, result);
      return outcome;
    },
    persist: (decided) => this.#persist(decided),
    ownStanding: ({ nodeId, draft }) => {
      const { state, height } = this.#opened;
      return standingOf(this.#crypto, this.#rules, state, height - 1n, nodeId, draft);
    },
    summary: () => {
      const { height, roots, state, archive } = this.#opened;
      const { accounts, nodes, candidates } = state;
      const header = height === 0n ? undefined : archive.header(height - 1n);
      const sizes = { accounts: accounts.size, nodes: nodes.size, candidates: candidates.size };
      return { height, roots, ...sizes, totalBalance: accounts.totalBalance, header };
    },
    candidatesAmong: (ids) => ids.filter((id) => this.#opened.state.candidates.get(id) !== undefined),
    nodeRows: ({ after, count }) => nodeRows(this.#opened.state.nodes, after, count),
    candidateRows: ({ after, count }) => candidateRows(this.#opened.state.candidates, after, count),
    admittedSince: (first, context) =>
      this.#run((signal) => drive(admittedSince(this.#opened.state.nodes, first), { ...context, signal }), context),
    windowFacts: (asked, context) =>
      this.#run((signal) => drive(windowFacts(this.#opened.archive, asked), { ...context, signal }), context),
    account: (id) => this.#opened.state.accounts.get(id),
    accounts: (ids) => {
      const { state, height } = this.#opened;
      const records = ids.map((id) => state.accounts.get(id));
      return { window: height === 0n ? undefined : height - 1n, records };
    },
    accountProof: (id) => this.#accountProof(id),
    anchorGround: (asked, context) => this.#anchorGround(asked, context),
    history: ({ subject, before, count = HISTORY_PAGE_SIZE }) =>
      this.#opened.archive.history(subject, Math.min(count, HISTORY_PAGE_SIZE), before),
    headers: ({ first, count }) => this.#opened.archive.headerBytes(first, Math.min(count, OBJECTS_PER_REQUEST_MAX)),
    times: ({ first, last }) => this.#opened.archive.times(first, last),
    windowObjects: ({ window, first, count }) =>
      this.#opened.archive.objects(window, first, Math.min(count, OBJECTS_PER_REQUEST_MAX)),
    range: (asked) => readRange(this.#opened.archive, asked),
    objectsById: (ids) => ids.slice(0, OBJECTS_PER_REQUEST_MAX).map((id) => this.#opened.archive.object(id)),
    holdSnapshot: (window, context) => this.#holdSnapshot(window, context),
    snapshotChunk: ({ window, index }) => {
      const snapshot = this.#snapshots.get(window);
      if (snapshot === undefined) throw storeError("snapshot-unavailable", { window });
      return snapshotChunk(snapshot, index);
    },
    releaseSnapshot: (window) => {
      const snapshot = this.#snapshots.get(window);
      if (snapshot !== undefined) this.#opened.releaseSnapshot(snapshot);
      this.#snapshots.delete(window);
      return undefined;
    },
    snapshotPart: ({ anchor, resumeOffset }, context) => {
      const driven = <T>(task: Generator<Progress, T>): Promise<T> =>
        this.#run((signal) => drive(task, { ...context, signal }), context);
      return this.#shelf.part(this.#opened, anchor, resumeOffset, driven);
    },
    joinBegin: (options) => {
      this.#assembly?.close();
      this.#assembly = new Assembly({
        ...{ crypto: this.#crypto, store: storeOptions(this.#crypto, options), rules: options.rules },
        ...{ directory: options.directory, networkId: options.networkId, genesisStateRoot: options.genesisStateRoot },
        decided:
          this.#store === undefined || this.#store.height === 0n
            ? undefined
            : { window: this.#store.height - 1n, hash: this.#store.proposalHash },
      });
      return undefined;
    },
    joinAim: (target) => this.#joining.aim(target),
    joinPlan: () => this.#joining.plan(),
    joinProbe: (payload) => this.#joining.takeProbe(payload),
    joinHeaders: ({ chunk, index, payload }) => this.#joining.takeHeaders(chunk, index, payload),
    joinRestartTables: () => {
      this.#joining.restartTables();
      return undefined;
    },
    joinTables: ({ index, payload }) => this.#joining.takeTables(index, payload),
    joinCertify: (_, { onProgress, signal }) => this.#joining.certify(onProgress, signal),
    joinIsCertified: ({ next, certificate }) => this.#joining.isCertified(next, certificate),
    joinTime: (_, { onProgress, signal }) => this.#joining.sampleTime(onProgress, signal),
    joinManifest: ({ index, payload }) => this.#joining.takeManifest(index, payload),
    joinAccounts: ({ prefix, payloads }) => this.#joining.takeAccounts(prefix, payloads),
    joinProposalHashes: (windows) => this.#joining.proposalHashes(windows),
    joinBodies: (bodies) => this.#joining.takeBodies(bodies),
    joinInstall: async (_, context) => {
      this.#closeStore();
      await drive(this.#joining.install(), context);
      return undefined;
    },
    joinEnd: () => {
      this.#assembly?.close();
      this.#assembly = undefined;
      return undefined;
    },
    check: (_, context) => this.#run((signal) => drive(checkStore(this.#opened), { ...context, signal }), context),
    backup: async ({ target }, context) => {
      await this.#run((signal) => {
        const { onProgress } = context;
        const driven = <T>(task: Generator<Progress, T>): Promise<T> => drive(task, { onProgress, signal });
        const options = { directory: this.#directory, target, onProgress, signal, drive: driven };
        return backUp({ store: this.#opened, ...options });
      }, context);
      return undefined;
    },
    close: () => {
      this.#close();
      return undefined;
    },
  };

  /** Writes tree files that are due, in slices; called when nothing else is to be done. Gives what went wrong, for the log. */
  async maintain(): Promise<unknown> {
    const store = this.#store;
    if (store === undefined || this.#isWritingTrees) return undefined;
    await this.#shelf.tidy(store);
    this.#isWritingTrees = true;
    const context = { onProgress: () => undefined, signal: new AbortController().signal };
    try {
      for (const table of store.dueTreeFiles()) {
        await this.#run((signal) => drive(store.writeTreeFile(table), { ...context, signal }), context);
      }
      return undefined;
    } catch (error) {
      return error;
    } finally {
      this.#isWritingTrees = false;
    }
  }

  get #opened(): Store {
    if (this.#store === undefined) throw storeError("store-closed");
    return this.#store;
  }

  get #joining(): Assembly {
    if (this.#assembly === undefined) throw storeError("store-closed");
    return this.#assembly;
  }

  get #rules() {
    return this.#opened.rules;
  }

  async #open(options: OpenOptions, context: TaskContext): Promise<Opened> {
    if (this.#store !== undefined) throw storeError("store-in-use", { file: options.directory });
    const full = storeOptions(this.#crypto, options);
    createDirectory(options.directory);
    const isThere = existsSync(full.directory) || existsSync(`${full.directory}.old`);
    if (!isThere && options.whenMissing === "create") {
      const { rules, founders } = options;
      const genesis = genesisRecords(this.#crypto, rules.params, rules.profile, founders);
      createStore(full, genesis, genesisEpoch(rules));
    }
    const store = await drive(Store.open(full), context);
    this.#store = store;
    this.#directory = options.directory;
    return { height: store.height, notes: store.treeNotes };
  }

  #standing(): Standing {
    const { height } = this.#opened;
    const past: PastWindow[] = [];
    for (let window = height > PAST_WINDOWS ? height - PAST_WINDOWS : 0n; window < height; window++) {
      const one = this.#pastWindow(window);
      if (one !== undefined) past.push(one);
    }
    return { view: this.#viewBefore(height), past };
  }

  /** Undefined where the store began later: after a snapshot. */
  #pastWindow(window: bigint): PastWindow | undefined {
    const { archive } = this.#opened;
    const header = archive.header(window);
    const isBodiless = this.#isRc1 && header !== undefined;
    const body = isBodiless ? emptyBody(window, this.#hashOf(header)) : archive.body(window);
    if (header === undefined || body === undefined) return undefined;
    const count = Number.MAX_SAFE_INTEGER;
    const bundles = archive.objects(window, 0, count).flatMap(({ kind, bytes }) => {
      const bundle = kind === "bundle" ? decode(bundledConfirmation.codec, bytes) : undefined;
      return bundle?.windowIndex === window ? [bundle] : [];
    });
    return { view: this.#viewBefore(window), header, body, bundles };
  }

  get #isRc1(): boolean {
    return this.#rules.profile === "rc1";
  }

  #hashOf(header: ProposalHeader): Hash32 {
    return proposalHeader.identify(this.#crypto, header);
  }

  #viewBefore(window: bigint): WindowView {
    const { archive } = this.#opened;
    const body = window === 0n ? undefined : archive.body(window - 1n);
    const signers = (body?.bundles ?? []).map(({ nodeId }) => nodeId);
    return {
      window,
      nodes: this.#opened.nodesBefore(window),
      epoch: this.#opened.epochBefore(window),
      aggregate: cementedBundleAggregate(this.#crypto, lookbackOf(window), signers),
    };
  }

  #keepTransition(key: Hash32, result: WindowResult): void {
    const text = byteKey(key);
    const known = this.#transitions.get(text);
    if (known !== undefined && known !== result) releaseTrees(known.trees);
    this.#transitions.delete(text);
    this.#transitions.set(text, result);
    if (this.#transitions.size <= TRANSITIONS_MAX) return;
    const [oldest, dropped] = this.#transitions.entries().next().value!;
    this.#transitions.delete(oldest);
    releaseTrees(dropped.trees);
  }

  #persist(decided: DecidedWindow): StateRequests["persist"]["gives"] {
    const store = this.#opened;
    const { header, key, inputs } = decided;
    const text = byteKey(key);
    // One that had to make room for others is computed again.
    const result = this.#transitions.get(text) ?? applyWindow(this.#crypto, this.#rules, store.settled, inputs);
    // A range of an rc.1 chain yields its headers only (chapter 07 §3.18).
    const objects = this.#isRc1 ? [] : archivedObjects(this.#crypto, decided);
    const history = historyOf(this.#crypto, this.#rules, inputs, result.events);
    this.#keepTransition(key, result);
    store.commit({ header, result, objects, history });
    this.#transitions.delete(text);
    this.#dropTransitions();
    const { state, settled, height } = store;
    const view = viewOf(this.#crypto, state, settled.epoch, height, decided);
    return { ...outcomeOf(result), view, refused: result.events.refused, skipped: result.events.skipped };
  }

  #dropTransitions(): void {
    for (const { trees } of this.#transitions.values()) releaseTrees(trees);
    this.#transitions.clear();
  }

  #accountProof(id: AccountId): StateRequests["accountProof"]["gives"] {
    const { height, settled, state } = this.#opened;
    if (height === 0n) throw storeError("snapshot-unavailable", { window: 0n });
    const proof = prove(settled.trees.accounts, id, state.accounts.record(id));
    invariant(
      equalBytes(settled.trees.accounts.root, this.#opened.roots.accountRoot),
      "the tree is that of the header",
    );
    return { window: height - 1n, proof: encodeProof(proof) };
  }

  async #anchorGround(
    { sender, window }: StateRequests["anchorGround"]["takes"],
    context: TaskContext,
  ): Promise<StateRequests["anchorGround"]["gives"]> {
    const store = this.#opened;
    if (window < 1n || window > store.height || !store.canUndoTo(window)) return undefined;
    const nodes = store.nodesBefore(window);
    const snapshot = await this.#run((signal) => drive(store.snapshot(window - 1n), { ...context, signal }), context);
    try {
      const proof = prove(snapshot.tree("accounts"), sender, snapshot.record("accounts", sender));
      return { senderProof: encodeProof(proof), nodes };
    } finally {
      store.releaseSnapshot(snapshot);
    }
  }

  async #holdSnapshot(window: bigint, context: TaskContext): Promise<{ totalChunks: number }> {
    let snapshot = this.#snapshots.get(window);
    if (snapshot === undefined) {
      if (this.#snapshots.size >= SNAPSHOTS_MAX) throw storeError("busy", { snapshots: SNAPSHOTS_MAX });
      snapshot = await this.#run((signal) => drive(this.#opened.snapshot(window), { ...context, signal }), context);
      this.#snapshots.set(window, snapshot);
    }
    return { totalChunks: new ChunkPlan(snapshot.recordCounts).totalChunks };
  }

  /** A task that ends when its caller cancels it or the store closes. */
  async #run<T>(task: (signal: AbortSignal) => Promise<T>, { signal }: TaskContext): Promise<T> {
    const controller = new AbortController();
    this.#tasks.add(controller);
    try {
      return await task(AbortSignal.any([signal, controller.signal]));
    } finally {
      this.#tasks.delete(controller);
    }
  }

  #close(): void {
    this.#assembly?.close();
    this.#assembly = undefined;
    this.#closeStore();
  }

  #closeStore(): void {
    for (const task of this.#tasks) task.abort();
    const store = this.#store;
    if (store === undefined) return;
    this.#dropTransitions();
    this.#snapshots.clear();
    this.#shelf.clear();
    this.#store = undefined;
    try {
      for (const table of store.dueTreeFiles()) finish(store.writeTreeFile(table));
    } catch {
      // A tree file saves time and nothing else: a full or failing disk does not keep the store open.
    } finally {
      store.close();
    }
  }
}

function storeOptions(crypto: Crypto, options: OpenOptions): StoreOptions {
  const { directory, rules, networkId, diskReserveBytes, treeFileLeavesMin } = options;
  return {
    directory: join(directory, STORE_FOLDER),
    crypto,
    rules,
    networkId,
    ...(diskReserveBytes !== undefined && { diskReserveBytes }),
    ...(treeFileLeavesMin !== undefined && { treeFileLeavesMin }),
  };
}

/** Runs a task in slices. Rejects with `cancelled` when the signal is aborted; the task has cleaned up by then. */
async function drive<T>(task: Generator<Progress, T>, { onProgress, signal }: TaskContext): Promise<T> {
  let sliceEnd = performance.now() + SLICE_MS;
  for (;;) {
    if (signal.aborted) {
      task.return(undefined as T);
      throw storeError("cancelled");
    }
    const step = task.next();
    if (step.done === true) return step.value;
    if (performance.now() < sliceEnd) continue;
    onProgress(step.value);
    await setImmediate();
    sliceEnd = performance.now() + SLICE_MS;
  }
}
