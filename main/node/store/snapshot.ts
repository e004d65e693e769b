/**
 * A state of the past as it is served to joining nodes (chapter 02 §4.11, §4.12): the tables of now, with what windows after
 * it have changed put back. It holds no lock and no transaction, so that windows go on being decided, and it can be made
 * again after a restart.
 */
import { byteKey, equalBytes, HASH_SIZE, toHex, type Hash32 } from "../../protocol/bytes.ts";
import { encode } from "../../protocol/codec/codec.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import type { Snapshot } from "../../protocol/fastsync/chunks.ts";
import {
  TABLE_ACCOUNTS,
  TABLE_CANDIDATES,
  TABLE_NODES,
  TABLE_PROPOSALS,
  type TableId,
} from "../../protocol/fastsync/codec.ts";
import { leafHash } from "../../protocol/merkle/hashing.ts";
import { prefixOf } from "../../protocol/merkle/order.ts";
import type { SparseMerkleTree } from "../../protocol/merkle/tree.ts";
import { rootsOf, type StateTrees } from "../../protocol/state/roots.ts";
import type { Archive } from "./archive.ts";
import { CHECKSUM_SIZE } from "./checksum.ts";
import { storeError } from "./errors.ts";
import { TABLE_NAMES, type TableName } from "./layouts.ts";
import type { RowChange } from "./storedTable.ts";
import type { Progress, StoredState } from "./tables.ts";
import type { PreviousRow, PreviousRows } from "./undoLog.ts";

const LEAVES_PER_STEP = 20_000;
const TABLES_BY_ID = { 1: "accounts", 2: "nodes", 3: "candidates" } as const;

export class StateSnapshot implements Snapshot {
  /** The state is that after this window. */
  readonly window: bigint;
  readonly recordCounts: Readonly<Record<TableId, number>>;
  readonly #state: StoredState;
  readonly #archive: Archive;
  readonly #trees: StateTrees;
  /** Ids in tree order, 32 bytes each. */
  readonly #ids: Readonly<Record<TableName, Uint8Array>>;
  readonly #previous: Record<TableName, Map<string, PreviousRow>>;
  #isReleased = false;

  /**
   * `previous` are the rows that later windows changed; from now on {@link note} must be told of every change. It serves once
   * {@link index} has ended. Throws `roots-mismatch` where the result is not what the header of `window` says.
   */
  constructor(
    crypto: Crypto,
    state: StoredState,
    archive: Archive,
    trees: StateTrees,
    { window, previous }: { readonly window: bigint; readonly previous: PreviousRows },
  ) {
    this.window = window;
    this.#state = state;
    this.#archive = archive;
    this.#trees = {
      accounts: undone(crypto, state, "accounts", trees, previous),
      nodes: undone(crypto, state, "nodes", trees, previous),
      candidates: undone(crypto, state, "candidates", trees, previous),
    };
    const header = archive.header(window);
    const { stateRoot } = rootsOf(crypto, this.#trees);
    if (header === undefined || !equalBytes(header.stateRoot, stateRoot)) {
      throw storeError("roots-mismatch", { window, found: toHex(stateRoot) });
    }
    this.#previous = {
      accounts: new Map(previous.accounts),
      nodes: new Map(previous.nodes),
      candidates: new Map(previous.candidates),
    };
    this.recordCounts = {
      [TABLE_ACCOUNTS]: this.#trees.accounts.size,
      [TABLE_NODES]: this.#trees.nodes.size,
      [TABLE_CANDIDATES]: this.#trees.candidates.size,
      [TABLE_PROPOSALS]: Number(window) + 1,
    };
    this.#ids = {
      accounts: new Uint8Array(this.#trees.accounts.size * HASH_SIZE),
      nodes: new Uint8Array(this.#trees.nodes.size * HASH_SIZE),
      candidates: new Uint8Array(this.#trees.candidates.size * HASH_SIZE),
    };
  }

  /** Finds the place of every record in tree order. Windows may be committed meanwhile. */
  *index(): Generator<Progress> {
    for (const table of TABLE_NAMES) {
      const total = this.#trees[table].size;
      let done = 0;
      for (const leaf of this.#trees[table].leaves()) {
        this.#ids[table].set(leaf.subarray(0, HASH_SIZE), done * HASH_SIZE);
        done++;
        if (done % LEAVES_PER_STEP === 0) yield { step: `snapshot-${table}`, done, total };
      }
    }
  }

  /** The tree of a table, for subtree roots and proofs. Not to be released. */
  tree(table: TableName): SparseMerkleTree {
    return this.#trees[table];
  }

  *records(table: TableId, first: number, count: number): Iterable<Uint8Array> {
    if (this.#isReleased) throw storeError("snapshot-unavailable", { window: this.window });
    if (table === TABLE_PROPOSALS) {
      yield* this.#archive.headerBytes(BigInt(first), Math.min(count, this.recordCounts[table] - first));
      return;
    }
    const name = TABLES_BY_ID[table];
    const end = Math.min(first + count, this.recordCounts[table]);
    for (let i = first; i < end; i++) {
      const record = this.record(name, this.#ids[name].slice(i * HASH_SIZE, (i + 1) * HASH_SIZE) as Hash32);
      if (record === undefined) throw storeError("snapshot-unavailable", { window: this.window });
      yield record;
    }
  }

  /** Which places in tree order the records under one prefix of `depth` bits take. */
  placesUnder(table: TableName, depth: number, prefix: number): { readonly first: number; readonly count: number } {
    const first = this.#firstPlaceFrom(table, depth, prefix);
    return { first, count: this.#firstPlaceFrom(table, depth, prefix + 1) - first };
  }

  #firstPlaceFrom(table: TableName, depth: number, prefix: number): number {
    const ids = this.#ids[table];
    let low = 0;
    let high = ids.length / HASH_SIZE;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (prefixOf(ids.subarray(middle * HASH_SIZE, (middle + 1) * HASH_SIZE), depth) < prefix) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** A window is about to change these rows: what they were is kept, once. */
  note(changes: Readonly<Record<TableName, readonly RowChange[]>>): void {
    for (const table of TABLE_NAMES) {
      const previous = this.#previous[table];
      for (const { id, before } of changes[table]) {
        const key = byteKey(id);
        const row = before?.subarray(0, before.length - CHECKSUM_SIZE);
        if (!previous.has(key)) previous.set(key, { id, row });
      }
    }
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    for (const table of TABLE_NAMES) this.#trees[table].release();
  }

  /** Canonical bytes of one record; undefined where the state has none. */
  record(name: TableName, id: Hash32): Uint8Array | undefined {
    const table = this.#state.table(name);
    const changed = this.#previous[name].get(byteKey(id));
    if (changed === undefined) return table.record(id as never);
    return changed.row === undefined ? undefined : encode(table.layout.codec, table.decodeRow(changed.row));
  }
}

/** The version of a table's tree before the changes. */
function undone(
  crypto: Crypto,
  state: StoredState,
  name: TableName,
  trees: StateTrees,
  previous: PreviousRows,
): SparseMerkleTree {
  const table = state.table(name);
  const changes = Array.from(previous[name].values(), ({ id, row }) => ({
    key: id,
    leaf: row === undefined ? undefined : leafHash(crypto, encode(table.layout.codec, table.decodeRow(row))),
  }));
  return trees[name].update(changes);
}
