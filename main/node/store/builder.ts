/**
 * Makes a store from rows: a genesis, a snapshot from peers, a foreign data directory. It grows beside the place where it will
 * lie and takes that place whole; one that was never finished is thrown away by the next.
 */
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { createDirectory, syncDirectory } from "../../files/blocking.ts";
import { byteKey, toHex, ZERO_HASH, type Hash32 } from "../../protocol/bytes.ts";
import { encode } from "../../protocol/codec/codec.ts";
import { proposalHeader, type ProposalHeader } from "../../protocol/objects/consensus.ts";
import type { AccountRecord, CandidateRecord, NodeRecord } from "../../protocol/state/records.ts";
import { releaseTrees, rootsOf, type StateTrees } from "../../protocol/state/roots.ts";
import type { State } from "../../protocol/state/table.ts";
import type { EpochData } from "../../protocol/transition/adaptEpoch.ts";
import { Archive, type WindowTime } from "./archive.ts";
import { Database } from "./database.ts";
import { storeError } from "./errors.ts";
import { fileSize, requireFreeSpace } from "./files.ts";
import { KEY_FILE, KEY_SLOT_SIZE, KeyFile } from "./keyFile.ts";
import { TABLE_NAMES } from "./layouts.ts";
import { heightMark, Meta } from "./settled.ts";
import {
  DATABASE_FILE,
  finish,
  HEIGHT_FILE,
  HEIGHT_LABEL,
  makingPath,
  putInPlace,
  STORE_DEFAULTS,
  type StoreOptions,
} from "./store.ts";
import { StoredState, type Progress } from "./tables.ts";
import { foldTable } from "./trees.ts";
import { treeFilePath, writeTreeFile } from "./treeFile.ts";
import { TwoSlotFile } from "./twoSlotFile.ts";
import { UndoLog } from "./undoLog.ts";

/** A row in the database, its key, the page it shares. */
const BYTES_PER_ROW = KEY_SLOT_SIZE + 512;

export interface NewRows {
  readonly accounts?: readonly AccountRecord[];
  readonly nodes?: readonly NodeRecord[];
  readonly candidates?: readonly CandidateRecord[];
}

/** What the window machine looks back on (chapter 03 §6.2), for a window before the one that the store stands before. */
export interface PastTables {
  readonly window: bigint;
  /** Node Table before it. All of these nodes are still there. */
  readonly nodes: readonly NodeRecord[];
  readonly epoch: EpochData;
}

/** A body, encoded, and the hash of its header. */
export interface NewBody {
  readonly window: bigint;
  readonly proposalHash: Hash32;
  readonly bytes: Uint8Array;
}

export interface BuilderOptions extends StoreOptions {
  /** Take the place of a store that is there: a node that joins again from a snapshot. */
  readonly replace?: boolean;
}

export class StoreBuilder {
  readonly #options: Required<Omit<BuilderOptions, "migrations" | "replace">>;
  readonly #making: string;
  readonly #db: Database;
  readonly #keys: KeyFile;
  readonly #archive: Archive;
  readonly #state: StoredState;
  #headers = 0;
  #isOpen = true;

  /** Throws `store-exists` unless it is to be replaced. */
  constructor(options: BuilderOptions) {
    this.#options = { ...STORE_DEFAULTS, ...options };
    const { directory, networkId } = options;
    if (existsSync(directory) && options.replace !== true) throw storeError("store-exists", { file: directory });
    this.#making = makingPath(directory);
    rmSync(this.#making, { recursive: true, force: true });
    createDirectory(this.#making);
    syncDirectory(dirname(this.#making));
    this.#db = Database.create(join(this.#making, DATABASE_FILE), options.migrations);
    this.#keys = KeyFile.create(join(this.#making, KEY_FILE), networkId);
    this.#archive = new Archive(this.#db);
    this.#state = new StoredState(this.#keys);
  }

  /** Adds rows, or replaces those with the same id: a few thousand a call, which is one transaction. */
  addRows({ accounts = [], nodes = [], candidates = [] }: NewRows): void {
    this.#requireSpace((accounts.length + nodes.length + candidates.length) * BYTES_PER_ROW);
    const plan = this.#state.plan({
      accounts: accounts.map((row) => ({ id: row.accountId, row })),
      nodes: nodes.map((row) => ({ id: row.nodeId, row })),
      candidates: candidates.map((row) => ({ id: row.nodeId, row })),
    });
    this.#keys.append(plan.newKeys);
    this.#db.transaction(() => {
      this.#state.write(this.#db, plan);
    });
    this.#state.apply(plan);
  }

  /** Adds headers by ascending window. */
  addHeaders(headers: readonly ProposalHeader[]): void {
    this.#requireSpace(headers.length * 3 * proposalHeader.codec.minSize);
    this.#db.transaction(() => {
      for (const header of headers) {
        this.#archive.writeHeader(header, proposalHeader.identify(this.#options.crypto, header));
      }
    });
    this.#headers += headers.length;
  }

  /** Adds T and D of windows, once each. */
  addTimes(times: readonly WindowTime[]): void {
    this.#db.transaction(() => {
      for (const time of times) this.#archive.writeTime(time);
    });
  }

  addBodies(bodies: readonly NewBody[]): void {
    this.#requireSpace(bodies.reduce((sum, { bytes }) => sum + 2 * bytes.length, 0));
    this.#db.transaction(() => {
      for (const { window, proposalHash, bytes } of bodies) this.#archive.writeBody(window, proposalHash, bytes);
    });
  }

  /** Takes over the history of another store of the same chain, which nobody has open. */
  copyHistory(directory: string): void {
    const path = join(directory, DATABASE_FILE);
    this.#requireSpace(fileSize(path));
    this.#db.copyRows(path, "history");
  }

  /** What has been added so far. */
  get state(): State {
    return this.#state;
  }

  /**
   * Ends it: the store stands before window `height`, and `epoch` is that after the window before; `past` are the windows
   * before, ascending, as far as they are to be known. Throws `header-missing` or
   * `roots-mismatch` unless the last header commits to these rows; nothing has taken the store's place then.
   */
  *finish(height: bigint, epoch: EpochData, past: readonly PastTables[] = []): Generator<Progress> {
    const { crypto, networkId } = this.#options;
    let isWhole = false;
    try {
      const trees = {
        accounts: yield* foldTable(crypto, this.#state, "accounts"),
        nodes: yield* foldTable(crypto, this.#state, "nodes"),
        candidates: yield* foldTable(crypto, this.#state, "candidates"),
      };
      const roots = rootsOf(crypto, trees);
      const proposalHash = this.#checkHeader(height, toHex(roots.stateRoot));
      const settled = {
        height,
        proposalHash,
        ...roots,
        accounts: this.#state.accounts.size,
        nodes: this.#state.nodes.size,
        candidates: this.#state.candidates.size,
        keys: this.#keys.count,
      };
      this.#db.transaction(() => {
        const meta = new Meta(this.#db);
        meta.writeNetwork(networkId);
        meta.write(settled, epoch);
        this.#writePast(meta, past);
      });
      yield* this.#writeTrees(height, trees);
      releaseTrees(trees);
      const mark = encode(heightMark, { height, proposalHash });
      TwoSlotFile.create(join(this.#making, HEIGHT_FILE), HEIGHT_LABEL, mark).close();
      isWhole = true;
    } finally {
      // Also where the caller ends the task early.
      if (!isWhole) this.discard();
    }
    this.#close();
    putInPlace(this.#options.directory);
  }

  #writePast(meta: Meta, past: readonly PastTables[]): void {
    const { nodes } = this.#state;
    const undo = new UndoLog(this.#db, this.#state.rowSizes, "undo_nodes");
    for (const { window, nodes: before, epoch } of past) {
      meta.writeEpochBefore(window, epoch);
      const present = new Set(before.map(({ nodeId }) => byteKey(nodeId)));
      const newcomers = [...nodes.rows()].filter(({ nodeId }) => !present.has(byteKey(nodeId)));
      undo.write(Number(window), {
        accounts: [],
        candidates: [],
        nodes: [
          ...before.map((row) => ({ id: row.nodeId, slot: 0, before: nodes.encodeEarlier(row), after: undefined })),
          ...newcomers.map(({ nodeId }) => ({ id: nodeId, slot: 0, before: undefined, after: undefined })),
        ],
      });
    }
  }

  discard(): void {
    this.#close();
    rmSync(this.#making, { recursive: true, force: true });
  }

  *#writeTrees(height: bigint, trees: StateTrees): Generator<Progress> {
    const { crypto, networkId, treeFileLeavesMin } = this.#options;
    for (const table of TABLE_NAMES) {
      const tree = trees[table];
      if (tree.size < treeFileLeavesMin) continue;
      for (const done of writeTreeFile(crypto, treeFilePath(this.#making, table), networkId, height, tree)) {
        yield { step: `tree-${table}`, done, total: tree.size };
      }
    }
  }

  /** Gives the hash of the last header. */
  #checkHeader(height: bigint, stateRoot: string) {
    if (height === 0n) return ZERO_HASH;
    const header = this.#archive.header(height - 1n);
    if (header === undefined || BigInt(this.#headers) > height)
      throw storeError("header-missing", { window: height - 1n });
    if (toHex(header.stateRoot) !== stateRoot) {
      const expected = toHex(header.stateRoot);
      throw storeError("roots-mismatch", { window: height - 1n, expected, found: stateRoot });
    }
    return proposalHeader.identify(this.#options.crypto, header);
  }

  #requireSpace(bytes: number): void {
    requireFreeSpace(this.#making, bytes, this.#options.diskReserveBytes);
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#keys.close();
    this.#db.close();
  }
}

/** The store of a network before its first window. Throws `store-exists`. */
export function createStore(
  options: StoreOptions,
  genesis: { readonly accounts: readonly AccountRecord[]; readonly nodes: readonly NodeRecord[] },
  epoch: EpochData,
): void {
  const builder = new StoreBuilder(options);
  builder.addRows(genesis);
  finish(builder.finish(0n, epoch));
}
