/**
 * The store of one network: what survives every crash. It stands at a height, the next window to decide, and moves only by
 * {@link Store.commit}: one transaction a window, applied once, in memory only after it is on the disk.
 *
 * The long ways in and out are generators: the caller decides how they are driven, shows the progress and may end them.
 */
import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { syncDirectory } from "../../files/blocking.ts";
import { byteKey, compareBytes, equalBytes, toHex, type Hash32 } from "../../protocol/bytes.ts";
import { decode, encode } from "../../protocol/codec/codec.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import type { NetworkRules } from "../../protocol/genesis/rules.ts";
import { leafHash } from "../../protocol/merkle/hashing.ts";
import type { SparseMerkleTree } from "../../protocol/merkle/tree.ts";
import { proposalHeader, type ProposalHeader } from "../../protocol/objects/consensus.ts";
import type { NodeRecord } from "../../protocol/state/records.ts";
import { releaseTrees, type StateRoots, type StateTrees } from "../../protocol/state/roots.ts";
import type { Settled, WindowResult } from "../../protocol/transition/applyWindow.ts";
import { Archive, WINDOWS_MAX, type ArchivedObject, type HistoryEntry, type Retention } from "./archive.ts";
import { Database, type Migration } from "./database.ts";
import { storeError, translateError } from "./errors.ts";
import { requireFreeSpace } from "./files.ts";
import { KEY_FILE, KEY_SLOT_SIZE, KeyFile } from "./keyFile.ts";
import { TABLE_NAMES, type TableName } from "./layouts.ts";
import { heightMark, Meta, rootsOfSettled, type SettledRow } from "./settled.ts";
import { StateSnapshot } from "./snapshot.ts";
import { rowChangesOf, StoredState, type Progress, type StatePlan } from "./tables.ts";
import { openTrees } from "./trees.ts";
import { treeFilePath, writeTreeFile } from "./treeFile.ts";
import { TwoSlotFile } from "./twoSlotFile.ts";
import { UndoLog, type PreviousRow } from "./undoLog.ts";

export const DATABASE_FILE = "store.sqlite";
export const HEIGHT_FILE = "height.bin";
export const HEIGHT_LABEL = "height";

export interface StoreOptions {
  /** The store's own folder: nothing else lies in it. */
  readonly directory: string;
  readonly crypto: Crypto;
  readonly rules: NetworkRules;
  /** Genesis State Hash: a store belongs to one network. */
  readonly networkId: Hash32;
  /** Bytes of the disk that stay free for everything else on it. */
  readonly diskReserveBytes?: number;
  /** How many windows can be undone: the two latest snapshots lie in them (chapter 02 §4.11). */
  readonly undoWindows?: number;
  /** A smaller tree is folded again at the start. */
  readonly treeFileLeavesMin?: number;
  /** Records that a start compares with the roots. */
  readonly sampleSize?: number;
  readonly migrations?: readonly Migration[];
}

/** Responders keep the two latest windows divisible by 336. */
export const SNAPSHOT_INTERVAL = 336;
export const STORE_DEFAULTS = {
  diskReserveBytes: 64 << 20,
  undoWindows: 2 * SNAPSHOT_INTERVAL + 4,
  treeFileLeavesMin: 20_000,
  sampleSize: 256,
};
/** Between two tree files at most this share of the leaves changes, or this many windows pass. */
const TREE_FILE_CHANGES_SHARE = 0.25;
const TREE_FILE_WINDOWS = SNAPSHOT_INTERVAL;
/** A changed page is written to the log and again to the file. */
const BYTES_PER_GROUP = 2 * 4096;
const COMMIT_BYTES_MIN = 1 << 20;

/** Everything that the decision of a window leaves. */
export interface DecidedWindow {
  readonly header: ProposalHeader;
  /** Of the transition on this store's {@link Store.settled}; the store takes over its trees. */
  readonly result: Pick<WindowResult, "changes" | "epoch" | "trees" | "roots">;
  /** In the order of chapter 07 §3.18, header left out. */
  readonly objects: readonly ArchivedObject[];
  /** In the order of settlement, emission last. */
  readonly history: readonly HistoryEntry[];
}

export class Store {
  readonly archive: Archive;
  readonly state: StoredState;
  /** Why a tree was folded again at the start although it has a file, by table; for the log. */
  readonly treeNotes: readonly string[];
  readonly #options: Required<StoreOptions>;
  readonly #db: Database;
  readonly #keys: KeyFile;
  readonly #meta: Meta;
  readonly #undo: UndoLog;
  /** Of the windows before a snapshot that this store began with: of their Node Tables alone. */
  readonly #undoNodes: UndoLog;
  readonly #heightFile: TwoSlotFile;
  readonly #snapshots = new Set<StateSnapshot>();
  readonly #changedLeaves: Record<TableName, number>;
  readonly #treeFileHeights: Record<TableName, bigint | undefined>;
  #settledRow: SettledRow;
  #settled: Settled;
  #isFailed = false;
  #isClosed = false;

  /**
   * Opens a store: reads every row, loads or folds the trees, and holds a sample of the records against the roots. Throws the
   * damage that it finds by name (errors.ts).
   */
  static *open(options: StoreOptions): Generator<Progress, Store> {
    const full: Required<StoreOptions> = { migrations: [], ...STORE_DEFAULTS, ...options };
    const { directory, networkId, crypto } = full;
    finishReplacement(directory);
    const db = Database.open(join(directory, DATABASE_FILE), options.migrations);
    const closers: (() => void)[] = [() => db.close()];
    let store: Store | undefined;
    try {
      const meta = new Meta(db);
      if (!equalBytes(meta.network(), networkId)) throw storeError("wrong-network", { file: db.path });
      const settled = meta.settled();
      const heightFile = openHeightFile(directory, settled);
      closers.push(() => heightFile.close());
      const keys = KeyFile.open(join(directory, KEY_FILE), networkId, settled.keys);
      closers.push(() => keys.close());
      const state = new StoredState(keys);
      yield* state.load(db, settled);
      const archive = new Archive(db);
      checkLastHeader(crypto, archive, settled);
      const undo = new UndoLog(db, state.rowSizes);
      const opened = yield* openTrees({ ...full, state, undo, height: settled.height, roots: rootsOfSettled(settled) });
      sampleRecords(crypto, state, opened.trees, full.sampleSize);
      store = new Store(
        full,
        { db, keys, meta, undo, heightFile, archive, state },
        settled,
        meta.epochBefore(settled.height),
        opened,
      );
      return store;
    } finally {
      // Also where the caller ends the task early.
      if (store === undefined) for (const close of closers) close();
    }
  }

  private constructor(
    options: Required<StoreOptions>,
    parts: {
      readonly db: Database;
      readonly keys: KeyFile;
      readonly meta: Meta;
      readonly undo: UndoLog;
      readonly heightFile: TwoSlotFile;
      readonly archive: Archive;
      readonly state: StoredState;
    },
    settledRow: SettledRow,
    epoch: Settled["epoch"],
    opened: {
      readonly trees: StateTrees;
      readonly fileHeights: Record<TableName, bigint | undefined>;
      readonly replayed: Record<TableName, number>;
      readonly notes: readonly string[];
    },
  ) {
    this.#options = options;
    this.#db = parts.db;
    this.#keys = parts.keys;
    this.#meta = parts.meta;
    this.#undo = parts.undo;
    this.#undoNodes = new UndoLog(parts.db, parts.state.rowSizes, "undo_nodes");
    this.#heightFile = parts.heightFile;
    this.archive = parts.archive;
    this.state = parts.state;
    this.#settledRow = settledRow;
    this.#settled = { state: this.state, trees: opened.trees, epoch };
    this.#treeFileHeights = opened.fileHeights;
    this.#changedLeaves = opened.replayed;
    this.treeNotes = opened.notes;
  }

  /** Next window to decide. */
  get height(): bigint {
    return this.#settledRow.height;
  }

  get networkId(): Hash32 {
    return this.#options.networkId;
  }

  get directory(): string {
    return this.#options.directory;
  }

  /** Hash of the header of the last decided window, zeros before the first. */
  get proposalHash(): Hash32 {
    return this.#settledRow.proposalHash;
  }

  get roots(): StateRoots {
    return rootsOfSettled(this.#settledRow);
  }

  /** What the next transition starts from. Valid until the next commit. */
  get settled(): Settled {
    this.#checkUsable();
    return this.#settled;
  }

  /**
   * Makes a decided window durable, then current. Throws `wrong-window` unless it is the one at {@link height}, `wrong-parent`,
   * `roots-mismatch` where the result is not what the header says, and `disk-full` before anything is written; after any of
   * these the store stands where it stood. After `io-error` or `store-failed` it must be opened again to know.
   */
  commit({ header, result, objects, history }: DecidedWindow): void {
    this.#checkUsable();
    this.#checkHeader(header, result.roots);
    const plan = this.state.plan(result.changes);
    const proposalHash = proposalHeader.identify(this.#options.crypto, header);
    const next = this.#settledAfter(plan, header, proposalHash, result.roots);
    requireFreeSpace(this.directory, commitBytes(plan, objects), this.#options.diskReserveBytes);
    let isDecided = false;
    try {
      this.#keys.append(plan.newKeys);
      this.#db.transaction(() => {
        this.state.write(this.#db, plan);
        this.archive.write(header, proposalHash, result.epoch.d, objects, history);
        this.archive.prune(header.windowIndex, this.#retention());
        const window = Number(header.windowIndex);
        this.#undo.write(window, rowChangesOf(plan));
        this.#undo.prune(window + 1 - this.#options.undoWindows);
        this.#meta.write(next, result.epoch);
      });
      isDecided = true;
      this.#heightFile.write(encode(heightMark, { height: next.height, proposalHash }));
    } catch (error) {
      const known = translateError(error);
      // Where the disk has no room the transaction has not happened; after all else only the files can tell.
      this.#isFailed = isDecided || (known as { code?: string }).code !== "disk-full";
      throw known;
    }
    const changes = rowChangesOf(plan);
    for (const snapshot of this.#snapshots) snapshot.note(changes);
    for (const table of TABLE_NAMES) this.#changedLeaves[table] += changes[table].length;
    this.state.apply(plan);
    releaseTrees(this.#settled.trees);
    this.#settledRow = next;
    this.#settled = { state: this.state, trees: result.trees, epoch: result.epoch };
  }

  /** The Node Table as it was before `window`, ascending by id. Throws `snapshot-unavailable` where it cannot be had any more. */
  nodesBefore(window: bigint): NodeRecord[] {
    this.#checkUsable();
    const previous = this.#nodeRowsBefore(window);
    const now = new Map<string, NodeRecord>();
    for (const row of this.state.nodes.rows()) now.set(byteKey(row.nodeId), row);
    for (const { id, row } of previous.values()) {
      if (row === undefined) now.delete(byteKey(id));
      else now.set(byteKey(id), this.state.nodes.decodeRow(row));
    }
    return [...now.values()].sort((a, b) => compareBytes(a.nodeId, b.nodeId));
  }

  /** Epoch data as the proposal before `window` left it; of the newest few windows. */
  epochBefore(window: bigint): Settled["epoch"] {
    this.#checkUsable();
    return this.#meta.epochBefore(window);
  }

  /**
   * The state after `window`, as long as it is held: to be released by the caller. Throws `snapshot-unavailable`. Ended early,
   * the task releases it.
   */
  *snapshot(window: bigint): Generator<Progress, StateSnapshot> {
    this.#checkUsable();
    if (window < 0n || window >= this.height) throw storeError("snapshot-unavailable", { window });
    const previous = this.#rowsBefore(window + 1n);
    const { trees } = this.#settled;
    const snapshot = new StateSnapshot(this.#options.crypto, this.state, this.archive, trees, { window, previous });
    this.#snapshots.add(snapshot);
    let isIndexed = false;
    try {
      yield* snapshot.index();
      isIndexed = true;
    } finally {
      if (!isIndexed) this.releaseSnapshot(snapshot);
    }
    return snapshot;
  }

  releaseSnapshot(snapshot: StateSnapshot): void {
    if (this.#snapshots.delete(snapshot)) snapshot.release();
  }

  /** The tables whose tree has changed so much since its file was written that a start would take long. */
  dueTreeFiles(): TableName[] {
    return TABLE_NAMES.filter((table) => {
      const { size } = this.#settled.trees[table];
      if (size < this.#options.treeFileLeavesMin) return false;
      const written = this.#treeFileHeights[table];
      if (written === undefined) return true;
      const isOld = this.height - written >= BigInt(Math.min(TREE_FILE_WINDOWS, this.#options.undoWindows >> 1));
      return isOld ? this.#changedLeaves[table] > 0 : this.#changedLeaves[table] > size * TREE_FILE_CHANGES_SHARE;
    });
  }

  /** Writes the tree of a table as it is now; windows may be committed meanwhile. */
  *writeTreeFile(table: TableName): Generator<Progress> {
    this.#checkUsable();
    const { crypto, networkId } = this.#options;
    const { height } = this;
    const changedBefore = this.#changedLeaves[table];
    const held = this.#settled.trees[table].update([]);
    requireFreeSpace(this.directory, held.size * 100, this.#options.diskReserveBytes);
    const path = treeFilePath(this.directory, table);
    try {
      for (const done of writeTreeFile(crypto, path, networkId, height, held)) {
        yield { step: `tree-${table}`, done, total: held.size };
      }
    } finally {
      held.release();
    }
    this.#treeFileHeights[table] = height;
    this.#changedLeaves[table] -= changedBefore;
  }

  /** For the parts of this folder that read everything. */
  get internals(): { readonly db: Database; readonly keys: KeyFile; readonly undo: UndoLog; readonly meta: Meta } {
    this.#checkUsable();
    return { db: this.#db, keys: this.#keys, undo: this.#undo, meta: this.#meta };
  }

  get crypto(): Crypto {
    return this.#options.crypto;
  }

  get rules(): NetworkRules {
    return this.#options.rules;
  }

  get diskReserveBytes(): number {
    return this.#options.diskReserveBytes;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const snapshot of this.#snapshots) snapshot.release();
    this.#snapshots.clear();
    this.#keys.close();
    this.#heightFile.close();
    this.#db.close();
  }

  /** Whether the state before `window` can still be had. */
  canUndoTo(window: bigint): boolean {
    const first = this.#undo.first();
    return window === this.height || (first !== undefined && BigInt(first) <= window && window < this.height);
  }

  #rowsBefore(window: bigint) {
    if (!this.canUndoTo(window)) throw storeError("snapshot-unavailable", { window });
    return this.#undo.rowsBefore(Number(window));
  }

  #nodeRowsBefore(window: bigint): ReadonlyMap<string, PreviousRow> {
    const last = this.#undoNodes.last();
    if (this.canUndoTo(window) || last === undefined || window > BigInt(last)) return this.#rowsBefore(window).nodes;
    if (BigInt(this.#undoNodes.first()!) > window) throw storeError("snapshot-unavailable", { window });
    return new Map([...this.#rowsBefore(BigInt(last) + 1n).nodes, ...this.#undoNodes.rowsBefore(Number(window)).nodes]);
  }

  #retention(): Retention {
    const consensusObjects = this.#options.undoWindows;
    const { tau2Windows } = this.#options.rules.params;
    // Participation of the current epoch is counted again from the bodies (chapter 07 §3.18), and the signers before W_start,
    // up to 2τ₂ ago, seed the candidate chain that a registration claims (chapter 05 R8).
    const bodies = 2n * tau2Windows < WINDOWS_MAX ? Number(2n * tau2Windows) : Number(WINDOWS_MAX);
    return { consensusObjects, bodies: bodies + consensusObjects };
  }

  #checkHeader(header: ProposalHeader, roots: StateRoots): void {
    if (header.windowIndex !== this.height) {
      throw storeError("wrong-window", { window: header.windowIndex, height: this.height });
    }
    // There the follower has compared it with what the producer may say after a restart, or after a window without a header.
    const isLinked = this.#options.rules.profile === "spec";
    if (isLinked && !equalBytes(header.prevProposalHash, this.proposalHash)) {
      throw storeError("wrong-parent", { window: header.windowIndex });
    }
    for (const name of ["accountRoot", "nodeRoot", "candidateRoot", "stateRoot"] as const) {
      if (equalBytes(header[name], roots[name])) continue;
      const params = { window: header.windowIndex, root: name, header: toHex(header[name]), found: toHex(roots[name]) };
      throw storeError("roots-mismatch", params);
    }
  }

  #settledAfter(
    { tables, newKeys }: StatePlan,
    header: ProposalHeader,
    proposalHash: Hash32,
    roots: StateRoots,
  ): SettledRow {
    return {
      height: header.windowIndex + 1n,
      proposalHash,
      ...roots,
      accounts: tables.accounts.sizeAfter,
      nodes: tables.nodes.sizeAfter,
      candidates: tables.candidates.sizeAfter,
      keys: this.#keys.count + newKeys.length,
    };
  }

  #checkUsable(): void {
    if (this.#isClosed) throw storeError("store-closed");
    if (this.#isFailed) throw storeError("store-failed");
  }
}

/** Drives a long task to its end at once: for tests, and where nobody waits. */
export function finish<T>(task: Generator<unknown, T>): T {
  for (;;) {
    const { done, value } = task.next();
    if (done) return value;
  }
}

function commitBytes({ tables, newKeys }: StatePlan, objects: readonly ArchivedObject[]): number {
  let bytes = COMMIT_BYTES_MIN + newKeys.length * KEY_SLOT_SIZE;
  for (const table of TABLE_NAMES)
    bytes += tables[table].groups.size * BYTES_PER_GROUP + tables[table].changes.length * 512;
  for (const object of objects) bytes += 2 * object.bytes.length + 512;
  return bytes;
}

/** A database that lost its last windows, with its log or with a file put back from elsewhere, looks whole by itself. */
function openHeightFile(directory: string, { height, proposalHash }: SettledRow): TwoSlotFile {
  const path = join(directory, HEIGHT_FILE);
  const file = TwoSlotFile.open(path, HEIGHT_LABEL, "height-file-corrupted");
  if (file === undefined) throw storeError("height-file-missing", { file: path });
  const recorded = decode(heightMark, file.value);
  const isOther = recorded.height === height && !equalBytes(recorded.proposalHash, proposalHash);
  if (recorded.height > height || isOther) {
    file.close();
    throw storeError("windows-lost", { height, recorded: recorded.height });
  }
  if (recorded.height < height) file.write(encode(heightMark, { height, proposalHash }));
  return file;
}

function checkLastHeader(crypto: Crypto, archive: Archive, settled: SettledRow): void {
  if (settled.height === 0n) return;
  const window = settled.height - 1n;
  const header = archive.header(window);
  if (header === undefined) throw storeError("header-missing", { window });
  const isSame =
    equalBytes(proposalHeader.identify(crypto, header), settled.proposalHash) &&
    equalBytes(header.stateRoot, settled.stateRoot) &&
    equalBytes(header.accountRoot, settled.accountRoot) &&
    equalBytes(header.nodeRoot, settled.nodeRoot) &&
    equalBytes(header.candidateRoot, settled.candidateRoot);
  if (!isSame) throw storeError("roots-mismatch", { window });
}

function sampleRecords(crypto: Crypto, state: StoredState, trees: StateTrees, count: number): void {
  for (const name of TABLE_NAMES) {
    const table = state.table(name);
    const tree: SparseMerkleTree = trees[name];
    for (const row of table.sample(count, Math.random)) {
      const id = table.layout.idOf(row);
      const leaf = tree.get(id);
      const found = leafHash(crypto, encode(table.layout.codec, row));
      if (leaf === undefined || !equalBytes(leaf, found)) {
        throw storeError("record-corrupted", { table: name, id: toHex(id) });
      }
    }
  }
}

/** The name that a store has while it is being made, and the one that it replaces while it is being replaced. */
export const makingPath = (directory: string): string => `${directory}.new`;
const replacedPath = (directory: string): string => `${directory}.old`;

/** Puts a finished store in its place, the old one's if there is one. A crash in between is undone by the next start. */
export function putInPlace(directory: string): void {
  const replaced = replacedPath(directory);
  rmSync(replaced, { recursive: true, force: true });
  if (existsSync(directory)) renameSync(directory, replaced);
  renameSync(makingPath(directory), directory);
  syncDirectory(dirname(directory));
  rmSync(replaced, { recursive: true, force: true });
}

function finishReplacement(directory: string): void {
  const replaced = replacedPath(directory);
  if (!existsSync(replaced)) return;
  if (existsSync(directory)) {
    rmSync(replaced, { recursive: true, force: true });
  } else {
    renameSync(replaced, directory);
    syncDirectory(dirname(directory));
  }
}
