/** The trees at a start: from their files and the changes since, or folded again from the records. */
import { equalBytes, toHex, type Hash32 } from "../../protocol/bytes.ts";
import { encode } from "../../protocol/codec/codec.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { leafHashes } from "../../protocol/merkle/hashing.ts";
import { SparseMerkleTree, type LeafChange } from "../../protocol/merkle/tree.ts";
import type { StateRoots, StateTrees } from "../../protocol/state/roots.ts";
import { storeError } from "./errors.ts";
import { TABLE_NAMES, type TableName } from "./layouts.ts";
import type { Progress, StoredState } from "./tables.ts";
import { loadTreeFile, readTreeFile, treeFilePath } from "./treeFile.ts";
import type { UndoLog } from "./undoLog.ts";

/** Records in one slice of a fold: about 80 ms, and some 10 MB. */
const RECORDS_PER_SLICE = 2000;

export interface TreeSource {
  readonly directory: string;
  readonly crypto: Crypto;
  readonly networkId: Hash32;
  readonly state: StoredState;
  readonly undo: UndoLog;
  readonly height: bigint;
  readonly roots: StateRoots;
}

export interface OpenedTrees {
  readonly trees: StateTrees;
  /** Height of the file that a tree came from. */
  readonly fileHeights: Record<TableName, bigint | undefined>;
  /** Leaves that changed since. */
  readonly replayed: Record<TableName, number>;
  readonly notes: readonly string[];
}

const ROOT_NAMES = { accounts: "accountRoot", nodes: "nodeRoot", candidates: "candidateRoot" } as const;

/** Throws `roots-mismatch` where the records do not lead to the roots. */
export function* openTrees(source: TreeSource): Generator<Progress, OpenedTrees> {
  const trees: Partial<Record<TableName, SparseMerkleTree>> = {};
  const fileHeights: Record<TableName, bigint | undefined> = {
    accounts: undefined,
    nodes: undefined,
    candidates: undefined,
  };
  const replayed: Record<TableName, number> = { accounts: 0, nodes: 0, candidates: 0 };
  const notes: string[] = [];
  for (const table of TABLE_NAMES) {
    const expected = source.roots[ROOT_NAMES[table]];
    const fromFile = replayFile(source, table, expected);
    if (typeof fromFile === "string") notes.push(`${table}: ${fromFile}`);
    if (typeof fromFile === "object") {
      trees[table] = fromFile.tree;
      fileHeights[table] = fromFile.height;
      replayed[table] = fromFile.changes;
      continue;
    }
    const tree = yield* foldTable(source.crypto, source.state, table);
    if (!equalBytes(tree.root, expected)) {
      throw storeError("roots-mismatch", { table, expected: toHex(expected), found: toHex(tree.root) });
    }
    trees[table] = tree;
  }
  return { trees: trees as StateTrees, fileHeights, replayed, notes };
}

/** Undefined where there is no file; a text where it is of no use. */
function replayFile(
  { crypto, directory, networkId, state, undo, height }: TreeSource,
  table: TableName,
  expected: Hash32,
): { readonly tree: SparseMerkleTree; readonly height: bigint; readonly changes: number } | string | undefined {
  const path = treeFilePath(directory, table);
  const file = readTreeFile(path, networkId);
  if (file === undefined) return undefined;
  const isSame = equalBytes(file.root, expected);
  const first = undo.first();
  const isReachable =
    file.height === height || (first !== undefined && BigInt(first) <= file.height && file.height < height);
  if (!isSame && !isReachable) return "outdated-tree";
  const loaded = loadTreeFile(crypto, path, file.root);
  if (typeof loaded === "string") return loaded;
  if (isSame) return { tree: loaded, height, changes: 0 };
  const previous = undo.rowsBefore(Number(file.height))[table];
  const changes = leafChanges(
    crypto,
    state,
    table,
    Array.from(previous.values(), ({ id }) => id),
  );
  const tree = loaded.update(changes);
  loaded.release();
  if (equalBytes(tree.root, expected)) return { tree, height: file.height, changes: changes.length };
  tree.release();
  return "tree-root-mismatch";
}

/** What the leaves of `ids` are now. */
function leafChanges(crypto: Crypto, state: StoredState, table: TableName, ids: readonly Hash32[]): LeafChange[] {
  const rows = state.table(table);
  const records = ids.map((id) => rows.record(id as never));
  const hashes = leafHashes(
    crypto,
    records.filter((record) => record !== undefined),
  ).values();
  return ids.map((key, i) => ({ key, leaf: records[i] === undefined ? undefined : hashes.next().value }));
}

/** The tree of all records of a table. */
export function* foldTable(crypto: Crypto, state: StoredState, name: TableName): Generator<Progress, SparseMerkleTree> {
  const table = state.table(name);
  let tree = SparseMerkleTree.empty(crypto);
  let keys: Hash32[] = [];
  let records: Uint8Array[] = [];
  let done = 0;
  const flush = (): void => {
    const hashes = leafHashes(crypto, records);
    const next = tree.update(keys.map((key, i) => ({ key, leaf: hashes[i] })));
    tree.release();
    tree = next;
    done += keys.length;
    keys = [];
    records = [];
  };
  for (const row of table.rows()) {
    keys.push(table.layout.idOf(row));
    records.push(encode(table.layout.codec, row));
    if (keys.length < RECORDS_PER_SLICE) continue;
    flush();
    yield { step: `fold-${name}`, done, total: table.size };
  }
  flush();
  return tree;
}
