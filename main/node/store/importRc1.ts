/** Takes over the data directory of a reference node (chapter 02 §3.9) into a store of profile `rc1`. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { equalBytes } from "../../protocol/bytes.ts";
import type { ProposalHeader } from "../../protocol/objects/consensus.ts";
import {
  CURRENT_WINDOW_FILE,
  decodeCurrentWindow,
  decodeNodeLifecycle,
  decodeTimechain,
  NODE_STATE_FILE,
  TIMECHAIN_FILE,
  type NodeLifecycle,
  type TimechainPosition,
} from "../../protocol/rc1/nodeFiles.ts";
import {
  ACCOUNTS_FILE,
  CANDIDATES_FILE,
  LAST_CEMENTED_FILE,
  loadLastCemented,
  loadProposal,
  loadTables,
  NODES_FILE,
  proposalFile,
  type DataDirectory,
} from "../../protocol/rc1/storeFiles.ts";
import { recomputeRoots } from "../../protocol/state/recomputeRoots.ts";
import type { Table } from "../../protocol/state/table.ts";
import type { Hash32 } from "../../protocol/bytes.ts";
import { genesisEpoch } from "../../protocol/transition/adaptEpoch.ts";
import { StoreBuilder, type BuilderOptions } from "./builder.ts";
import { storeError } from "./errors.ts";
import type { Progress } from "./tables.ts";

const TABLE_FILES = [ACCOUNTS_FILE, NODES_FILE, CANDIDATES_FILE];
const META_FILES = [LAST_CEMENTED_FILE, CURRENT_WINDOW_FILE, TIMECHAIN_FILE, NODE_STATE_FILE];
const ROWS_PER_STEP = 2000;
const HEADERS_PER_STEP = 200;

export interface Rc1Import {
  /** Next window of the store: the reference's own, or one before it where a crash left its tables behind its archive. */
  readonly height: bigint;
  readonly timechain: TimechainPosition;
  /** Undefined where the reference never wrote it. */
  readonly lifecycle: NodeLifecycle | undefined;
}

/**
 * Reads `source` and makes the store. Throws `store-missing` where there are no tables, the reference's own errors for its
 * files (chapter 02 §5.4), `header-missing`, and `roots-mismatch` where the tables are those of no archived header: a node of
 * the reference that is not the producer has an account in its tables that the network does not have (difference D-4).
 */
export function* importRc1(source: string, options: BuilderOptions): Generator<Progress, Rc1Import> {
  const files = readFiles(source);
  if (!TABLE_FILES.some((name) => files.has(name))) throw storeError("store-missing", { file: source });
  const { crypto, rules } = options;
  const state = loadTables(files);
  const timechain = decodeTimechain(crypto, rules.params, files.get(TIMECHAIN_FILE));
  const lifecycleFile = files.get(NODE_STATE_FILE);
  const lifecycle = lifecycleFile === undefined ? undefined : decodeNodeLifecycle(lifecycleFile);
  // Only its form is checked: the counter follows the tables in the reference, not the other way round.
  decodeCurrentWindow(files.get(CURRENT_WINDOW_FILE));
  const height = findHeight(source, loadLastCemented(files), recomputeRoots(crypto, state).stateRoot);

  const builder = new StoreBuilder(options);
  let isFilled = false;
  try {
    yield* addTable(state.accounts, "accounts", (accounts) => {
      builder.addRows({ accounts });
    });
    yield* addTable(state.nodes, "nodes", (nodes) => {
      builder.addRows({ nodes });
    });
    yield* addTable(state.candidates, "candidates", (candidates) => {
      builder.addRows({ candidates });
    });
    yield* addHeaders(builder, source, height);
    isFilled = true;
  } finally {
    if (!isFilled) builder.discard();
  }
  const target = height === 0n ? undefined : readHeader(source, height - 1n).target;
  const epoch = genesisEpoch(rules);
  yield* builder.finish(height, { ...epoch, d: timechain.currentD, target: target ?? epoch.target });
  return { height, timechain, lifecycle };
}

/** The reference writes header, pointer and tables one after the other: after a crash the tables may be a window older. */
function findHeight(source: string, last: bigint | undefined, stateRoot: Hash32): bigint {
  if (last === undefined) return 0n;
  for (const window of last === 0n ? [last] : [last, last - 1n]) {
    if (equalBytes(readHeader(source, window).stateRoot, stateRoot)) return window + 1n;
  }
  throw storeError("roots-mismatch", { window: last });
}

function* addTable<Row>(table: Table<never, Row>, step: string, add: (rows: Row[]) => void): Generator<Progress> {
  let batch: Row[] = [];
  let done = 0;
  for (const row of table.rows()) {
    batch.push(row);
    if (batch.length < ROWS_PER_STEP) continue;
    add(batch);
    done += batch.length;
    batch = [];
    yield { step, done, total: table.size };
  }
  if (batch.length > 0) add(batch);
}

function* addHeaders(builder: StoreBuilder, source: string, height: bigint): Generator<Progress> {
  for (let first = 0n; first < height; first += BigInt(HEADERS_PER_STEP)) {
    const count = Math.min(HEADERS_PER_STEP, Number(height - first));
    builder.addHeaders(Array.from({ length: count }, (_, i) => readHeader(source, first + BigInt(i))));
    yield { step: "headers", done: Number(first) + count, total: Number(height) };
  }
}

function readHeader(source: string, window: bigint): ProposalHeader {
  const name = proposalFile(window);
  const path = join(source, name);
  const files: DataDirectory = new Map(existsSync(path) ? [[name, bytesOf(path)]] : []);
  const header = loadProposal(files, window);
  if (header === undefined) throw storeError("header-missing", { window });
  return header;
}

/** Everything but the archive, which is read header by header. */
function readFiles(source: string): DataDirectory {
  if (!existsSync(source) || readdirSync(source).length === 0) throw storeError("store-missing", { file: source });
  const names = [...TABLE_FILES, ...META_FILES].filter((name) => existsSync(join(source, name)));
  return new Map(names.map((name) => [name, bytesOf(join(source, name))]));
}

function bytesOf(path: string): Uint8Array {
  return new Uint8Array(readFileSync(path));
}
