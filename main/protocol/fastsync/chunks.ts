/** How a snapshot is cut into chunks, so that chunk k is the same bytes from every honest peer (chapter 02 §4.11). */
import { concatBytes } from "../bytes.ts";
import { encode } from "../codec/codec.ts";
import { compareTreeOrder } from "../merkle/order.ts";
import { proposalHeader, type ProposalHeader } from "../objects/consensus.ts";
import { accountRecord, candidateRecord, nodeRecord } from "../state/records.ts";
import type { State } from "../state/table.ts";
import {
  CHUNK_HEADER_SIZE,
  encodeChunk,
  RECORD_SIZES,
  TABLE_ACCOUNTS,
  TABLE_CANDIDATES,
  TABLE_IDS,
  TABLE_NODES,
  TABLE_PROPOSALS,
  type TableId,
} from "./codec.ts";

/** Bound of a payload, chunk header included. */
export const PAYLOAD_SIZE_MAX = 1_048_576;

/** 509 accounts, 499 nodes, 503 candidates, 281 headers. */
export const RECORDS_PER_CHUNK: Readonly<Record<TableId, number>> = {
  1: recordsPerChunk(TABLE_ACCOUNTS),
  2: recordsPerChunk(TABLE_NODES),
  3: recordsPerChunk(TABLE_CANDIDATES),
  4: recordsPerChunk(TABLE_PROPOSALS),
};

/** A settled state as a server hands it out. It does not change while it is handed out. */
export interface Snapshot {
  readonly recordCounts: Readonly<Record<TableId, number>>;
  /** `count` encoded records from place `first` on: accounts, nodes and candidates in tree order, headers by window. */
  records(table: TableId, first: number, count: number): Iterable<Uint8Array>;
}

/** Which records a chunk carries: all of one table. */
export interface ChunkRange {
  readonly tableId: TableId;
  readonly first: number;
  readonly count: number;
}

/** Tables in the order 1 to 4; every chunk of a table is full except its last; an empty table has none. */
export class ChunkPlan {
  readonly #counts: Readonly<Record<TableId, number>>;
  readonly #perChunk: Readonly<Record<TableId, number>>;

  constructor(recordCounts: Readonly<Record<TableId, number>>, perChunk = RECORDS_PER_CHUNK) {
    this.#counts = recordCounts;
    this.#perChunk = perChunk;
  }

  get totalChunks(): number {
    return TABLE_IDS.reduce((total, table) => total + this.#chunksOf(table), 0);
  }

  /** Undefined from `totalChunks` on. */
  locate(index: number): ChunkRange | undefined {
    let place = index;
    for (const tableId of TABLE_IDS) {
      const chunks = this.#chunksOf(tableId);
      if (place < chunks) {
        const first = place * this.#perChunk[tableId];
        return { tableId, first, count: Math.min(this.#perChunk[tableId], this.#counts[tableId] - first) };
      }
      place -= chunks;
    }
    return undefined;
  }

  #chunksOf(table: TableId): number {
    return Math.ceil(this.#counts[table] / this.#perChunk[table]);
  }
}

/** The payload of chunk `index`; undefined where the snapshot has no such chunk, which is answered with error 1. */
export function snapshotChunk(
  snapshot: Snapshot,
  index: number,
  plan = new ChunkPlan(snapshot.recordCounts),
): Uint8Array | undefined {
  const range = plan.locate(index);
  if (range === undefined) return undefined;
  const { tableId, first, count } = range;
  return encodeChunk({
    chunkIndex: index,
    totalChunks: plan.totalChunks,
    tableId,
    recordCount: count,
    records: concatBytes(...snapshot.records(tableId, first, count)),
  });
}

/**
 * A snapshot held in memory, for small networks and tests. `headers` ascend by window from 0 to the anchor. Servers keep the
 * default order; receivers take any.
 */
export function snapshotInMemory(state: State, headers: readonly ProposalHeader[], order = compareTreeOrder): Snapshot {
  const accounts = [...state.accounts.rows()].sort((a, b) => order(a.accountId, b.accountId));
  const nodes = [...state.nodes.rows()].sort((a, b) => order(a.nodeId, b.nodeId));
  const candidates = [...state.candidates.rows()].sort((a, b) => order(a.nodeId, b.nodeId));
  return {
    recordCounts: { 1: accounts.length, 2: nodes.length, 3: candidates.length, 4: headers.length },
    records(table, first, count) {
      const end = first + count;
      switch (table) {
        case TABLE_ACCOUNTS:
          return accounts.slice(first, end).map((row) => encode(accountRecord, row));
        case TABLE_NODES:
          return nodes.slice(first, end).map((row) => encode(nodeRecord, row));
        case TABLE_CANDIDATES:
          return candidates.slice(first, end).map((row) => encode(candidateRecord, row));
        case TABLE_PROPOSALS:
          return headers.slice(first, end).map((header) => proposalHeader.encode(header));
      }
    },
  };
}

function recordsPerChunk(table: TableId): number {
  return Math.floor((PAYLOAD_SIZE_MAX - CHUNK_HEADER_SIZE) / RECORD_SIZES[table]);
}
