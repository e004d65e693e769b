/**
 * Reads everything that a store holds: pages of the database, checksums, the chain of headers, every record with its key
 * against the trees, and the trees against the roots. Windows may be decided meanwhile.
 */
import { byteKey, equalBytes, toHex, type Hash32 } from "../../protocol/bytes.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { ProtocolError, type ErrorParams } from "../../protocol/errors.ts";
import { TABLE_ACCOUNTS, TABLE_CANDIDATES, TABLE_NODES } from "../../protocol/fastsync/codec.ts";
import { leafHashes } from "../../protocol/merkle/hashing.ts";
import { prefixOf } from "../../protocol/merkle/order.ts";
import { foldSubtreeRoots } from "../../protocol/merkle/subtrees.ts";
import { SparseMerkleTree } from "../../protocol/merkle/tree.ts";
import { proposalHeader } from "../../protocol/objects/consensus.ts";
import type { HistoryPlace } from "./archive.ts";
import { storeError } from "./errors.ts";
import { TABLE_NAMES, type TableName } from "./layouts.ts";
import type { StateSnapshot } from "./snapshot.ts";
import type { Store } from "./store.ts";
import type { Progress } from "./tables.ts";
import { foldTable } from "./trees.ts";

export interface Problem {
  readonly code: string;
  readonly params: ErrorParams;
}

export interface CheckReport {
  /** The height at which the check began. */
  readonly height: bigint;
  /** Empty where nothing is wrong; at most {@link PROBLEMS_MAX}. */
  readonly problems: readonly Problem[];
}

export const PROBLEMS_MAX = 100;
const ROWS_PER_STEP = 500;
const SQL_TABLES = ["meta", "epochs", ...TABLE_NAMES, "headers", "times", "objects", "history", "undo"];
const TABLE_IDS = { accounts: TABLE_ACCOUNTS, nodes: TABLE_NODES, candidates: TABLE_CANDIDATES } as const;
/** Records whose subtree is folded in one slice, on average. */
const RECORDS_PER_SUBTREE = 512;

export function* checkStore(store: Store): Generator<Progress, CheckReport> {
  const { height } = store;
  const problems: Problem[] = [];
  const parts = [
    checkPages(store),
    ...TABLE_NAMES.map((table) => checkGroups(store, table)),
    ...(["headers", "times", "objects"] as const).map((table) => checkArchive(store, table)),
    checkHistory(store),
    checkUndo(store),
    checkHeaders(store, height),
    checkRecords(store, problems),
  ];
  for (const part of parts) yield* collecting(part, problems);
  return { height, problems };
}

/** Turns what a part throws into a problem; the part ends with it. */
function* collecting(part: Generator<Progress>, problems: Problem[]): Generator<Progress> {
  try {
    yield* part;
  } catch (error) {
    note(problems, error);
  }
}

function note(problems: Problem[], error: unknown): void {
  if (!(error instanceof ProtocolError)) throw error;
  const { code, params } = error as ProtocolError;
  if (problems.length < PROBLEMS_MAX) problems.push({ code, params });
}

function* checkPages({ internals: { db } }: Store): Generator<Progress> {
  for (const [done, table] of SQL_TABLES.entries()) {
    yield { step: "pages", done, total: SQL_TABLES.length };
    const [first] = db.all(`PRAGMA integrity_check('${table}')`);
    if (first?.[0] !== "ok") throw storeError("database-corrupted", { table, detail: String(first?.[0]) });
  }
}

function* checkGroups(store: Store, table: TableName): Generator<Progress> {
  const rows = store.state.table(table);
  for (let after = -1; ;) {
    const sql = `SELECT grp, row FROM ${table} WHERE grp > ? ORDER BY grp LIMIT ?`;
    const groups = store.internals.db.all(sql, after, ROWS_PER_STEP);
    for (const [group, bytes] of groups) rows.verifyGroup(group as number, bytes as Uint8Array);
    after = (groups.at(-1)?.[0] ?? after) as number;
    yield { step: `rows-${table}`, done: after + 1, total: rows.groups };
    if (groups.length < ROWS_PER_STEP) return;
  }
}

function* checkArchive({ archive, height }: Store, table: "headers" | "times" | "objects"): Generator<Progress> {
  let done = 0;
  for (let after: number | undefined = -1; after !== undefined;) {
    after = archive.verify(table, after, ROWS_PER_STEP);
    done += ROWS_PER_STEP;
    yield { step: table, done, total: Math.max(done, Number(height)) };
  }
}

function* checkHistory({ archive }: Store): Generator<Progress> {
  let done = 0;
  for (let after: HistoryPlace | undefined = { subject: new Uint8Array(1), seq: 0 }; after !== undefined;) {
    after = archive.verifyHistory(after, ROWS_PER_STEP);
    done += ROWS_PER_STEP;
    yield { step: "history", done, total: done };
  }
}

function* checkUndo({ internals: { undo } }: Store): Generator<Progress> {
  let done = 0;
  for (let after: number | undefined = -1; after !== undefined;) {
    after = undo.verify(after);
    yield { step: "undo", done: ++done, total: done };
  }
}

/** Every header is stored under its hash and names the one before; the follower of an rc.1 producer has checked that itself. */
function* checkHeaders({ archive, crypto, rules }: Store, height: bigint): Generator<Progress> {
  let previous: Hash32 | undefined;
  for (let window = 0n; window < height; window++) {
    const header = archive.header(window);
    if (header === undefined) throw storeError("header-missing", { window });
    const hash = proposalHeader.identify(crypto, header);
    const isLinked = previous === undefined || rules.profile === "rc1" || equalBytes(header.prevProposalHash, previous);
    if (!isLinked || archive.headerByHash(hash) === undefined) {
      throw storeError("record-corrupted", { table: "headers", key: window });
    }
    previous = hash;
    if (window % 200n === 0n) yield { step: "chain", done: Number(window), total: Number(height) };
  }
}

function* checkRecords(store: Store, problems: Problem[]): Generator<Progress> {
  const { height, crypto, roots } = store;
  if (height === 0n) {
    const expected = { accounts: roots.accountRoot, nodes: roots.nodeRoot, candidates: roots.candidateRoot };
    for (const table of TABLE_NAMES) {
      const tree = yield* foldTable(crypto, store.state, table);
      if (!equalBytes(tree.root, expected[table])) throw storeError("roots-mismatch", { table });
      tree.release();
    }
    return;
  }
  const snapshot = yield* store.snapshot(height - 1n);
  try {
    for (const table of TABLE_NAMES) yield* collecting(checkTable(crypto, snapshot, table, problems), problems);
  } finally {
    store.releaseSnapshot(snapshot);
  }
}

/** Folds the records subtree by subtree, in tree order, and the subtree roots to the root. */
function* checkTable(
  crypto: Crypto,
  snapshot: StateSnapshot,
  table: TableName,
  problems: Problem[],
): Generator<Progress> {
  const tree = snapshot.tree(table);
  const total = tree.size;
  const depth = Math.max(0, Math.ceil(Math.log2(Math.max(1, total / RECORDS_PER_SUBTREE))));
  const subtrees = tree.subtreeRoots(depth);
  const check = { crypto, table, tree, depth, subtrees, problems };
  let batch: Uint8Array[] = [];
  let prefix = -1;
  let done = 0;
  for (let first = 0; first < total; first += ROWS_PER_STEP) {
    for (const record of recordsOf(snapshot, table, first, problems)) {
      const own = prefixOf(record, depth);
      if (own !== prefix) {
        checkSubtree(check, prefix, batch);
        batch = [];
        prefix = own;
      }
      batch.push(record);
      done++;
    }
    yield { step: `records-${table}`, done, total };
  }
  checkSubtree(check, prefix, batch);
  if (!equalBytes(foldSubtreeRoots(crypto, subtrees), tree.root)) throw storeError("roots-mismatch", { table });
}

interface SubtreeCheck {
  readonly crypto: Crypto;
  readonly table: TableName;
  readonly tree: SparseMerkleTree;
  readonly depth: number;
  readonly subtrees: readonly Hash32[];
  readonly problems: Problem[];
}

/** One by one, so that each record that cannot be read is named. */
function* recordsOf(
  snapshot: StateSnapshot,
  table: TableName,
  first: number,
  problems: Problem[],
): Iterable<Uint8Array> {
  const end = Math.min(first + ROWS_PER_STEP, snapshot.tree(table).size);
  for (let i = first; i < end; i++) {
    try {
      yield* snapshot.records(TABLE_IDS[table], i, 1);
    } catch (error) {
      note(problems, error);
    }
  }
}

function checkSubtree(
  { crypto, table, tree, depth, subtrees, problems }: SubtreeCheck,
  prefix: number,
  records: readonly Uint8Array[],
): void {
  if (records.length === 0) return;
  const leaves = leafHashes(crypto, records);
  const own = SparseMerkleTree.empty(crypto).update(
    records.map((record, i) => ({ key: record.slice(0, 32) as Hash32, leaf: leaves[i] })),
  );
  if (equalBytes(own.subtreeRoots(depth, prefix, 1)[0]!, subtrees[prefix]!)) return;
  const known = problems.length;
  for (const [i, record] of records.entries()) {
    const id = record.slice(0, 32) as Hash32;
    const leaf = tree.get(id);
    if (leaf !== undefined && byteKey(leaf) === byteKey(leaves[i]!)) continue;
    note(problems, storeError("record-corrupted", { table, id: toHex(id) }));
  }
  if (problems.length === known) note(problems, storeError("roots-mismatch", { table, prefix, depth }));
}
