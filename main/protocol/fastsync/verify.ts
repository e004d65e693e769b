/** The receiving side of a snapshot (chapter 02 §4.11, §5.2; chapter 07 §4.5). */
import { byteKey, equalBytes } from "../bytes.ts";
import { decode, encode, u64, type Codec } from "../codec/codec.ts";
import type { Crypto } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import type { NetworkRules } from "../genesis/rules.ts";
import { proposalHeader, type ProposalHeader } from "../objects/consensus.ts";
import {
  accountRecord,
  candidateRecord,
  nodeRecord,
  type AccountRecord,
  type CandidateRecord,
  type NodeRecord,
} from "../state/records.ts";
import type { StateRoots } from "../state/roots.ts";
import { findAccountFault, findCandidateFault, findNodeFault, type RecordFault } from "../state/snapshotChecks.ts";
import {
  RECORD_SIZES,
  TABLE_ACCOUNTS,
  TABLE_CANDIDATES,
  TABLE_IDS,
  TABLE_NODES,
  TABLE_PROPOSALS,
  type Chunk,
  type TableId,
} from "./codec.ts";
import { readReply, splitRecords, type ReplyFault, type Result } from "./reply.ts";

/** A server that announces more is not believed: 10⁹ accounts take 1 964 637. */
const CHUNKS_MAX = 2_000_000;

/** The records of one chunk. */
export type SnapshotRows =
  | { readonly tableId: typeof TABLE_ACCOUNTS; readonly rows: readonly AccountRecord[] }
  | { readonly tableId: typeof TABLE_NODES; readonly rows: readonly NodeRecord[] }
  | { readonly tableId: typeof TABLE_CANDIDATES; readonly rows: readonly CandidateRecord[] }
  | { readonly tableId: typeof TABLE_PROPOSALS; readonly rows: readonly ProposalHeader[] };

/** `already-received` is nobody's fault: the chunk was asked for twice. Every other one is a violation of its sender. */
export type ChunkFault = ReplyFault | RecordFault | "table-out-of-order" | "already-received";

/**
 * Keeps account of one transfer, whose chunks may come from several peers and in any order. It holds no records: the caller
 * stores what {@link accept} gives back and answers whether a key is stored already.
 */
export class SnapshotTransfer {
  readonly #crypto: Crypto;
  readonly #rules: NetworkRules;
  readonly #anchor: bigint;
  readonly #isStored: (tableId: TableId, key: Uint8Array) => boolean;
  readonly #received = new Set<number>();
  readonly #ranges = new Map<TableId, { readonly first: number; readonly last: number }>();
  #totalChunks: number | undefined;

  /** `anchor` is the window of the snapshot. The key of a header is its window index, 8 bytes. */
  constructor(
    crypto: Crypto,
    rules: NetworkRules,
    anchor: bigint,
    isStored: (tableId: TableId, key: Uint8Array) => boolean,
  ) {
    this.#crypto = crypto;
    this.#rules = rules;
    this.#anchor = anchor;
    this.#isStored = isStored;
  }

  /** Known from the first accepted chunk on. */
  get totalChunks(): number | undefined {
    return this.#totalChunks;
  }

  get isComplete(): boolean {
    return this.#received.size === this.#totalChunks;
  }

  /** Checks the answer to the request for chunk `index`, in the order of §4.11. After a fault the chunk is still missing. */
  accept(index: number, payload: Uint8Array): Result<SnapshotRows, ChunkFault> {
    const reply = readReply(payload, index, ({ tableId }) => RECORD_SIZES[tableId]);
    if (reply.value === undefined) return reply;
    const chunk = reply.value;
    const fault = this.#findPlaceFault(chunk);
    if (fault !== undefined) return { fault };
    const decoded = decodeRows(chunk);
    if (decoded === undefined) return { fault: "non-canonical-flag" };
    const recordFault = this.#findDuplicate(decoded) ?? this.#findRecordFault(decoded);
    if (recordFault !== undefined) return { fault: recordFault };
    this.#note(chunk);
    return { value: decoded };
  }

  #findPlaceFault({ chunkIndex, totalChunks, tableId, recordCount }: Chunk): ChunkFault | undefined {
    if (recordCount === 0) return "wrong-record-count";
    if (totalChunks > CHUNKS_MAX) return "wrong-total-chunks";
    if (this.#totalChunks !== undefined && totalChunks !== this.#totalChunks) return "wrong-total-chunks";
    if (this.#received.has(chunkIndex)) return "already-received";
    for (const other of TABLE_IDS) {
      const range = this.#ranges.get(other);
      if (range === undefined || other === tableId) continue;
      if (other < tableId ? range.last > chunkIndex : range.first < chunkIndex) return "table-out-of-order";
    }
    return undefined;
  }

  #findDuplicate(chunk: SnapshotRows): ChunkFault | undefined {
    const keys = keysOf(chunk);
    if (new Set(keys.map(byteKey)).size !== keys.length) return "duplicate-key";
    return keys.some((key) => this.#isStored(chunk.tableId, key)) ? "duplicate-key" : undefined;
  }

  #findRecordFault(chunk: SnapshotRows): ChunkFault | undefined {
    const anchor = this.#anchor;
    switch (chunk.tableId) {
      case TABLE_ACCOUNTS:
        // Accounts of an rc1 chain are exempt (§5.2).
        if (this.#rules.profile === "rc1") return undefined;
        return firstFault(chunk.rows, (row) => findAccountFault(row, anchor));
      case TABLE_NODES:
        return firstFault(chunk.rows, (row) => findNodeFault(this.#crypto, row, anchor));
      case TABLE_CANDIDATES:
        return firstFault(chunk.rows, (row) => findCandidateFault(this.#crypto, this.#rules, row, anchor));
      case TABLE_PROPOSALS:
        return chunk.rows.some((header) => header.windowIndex > anchor) ? "window-after-anchor" : undefined;
    }
  }

  #note({ chunkIndex, totalChunks, tableId }: Chunk): void {
    this.#totalChunks = totalChunks;
    this.#received.add(chunkIndex);
    const range = this.#ranges.get(tableId);
    this.#ranges.set(tableId, {
      first: Math.min(range?.first ?? chunkIndex, chunkIndex),
      last: Math.max(range?.last ?? chunkIndex, chunkIndex),
    });
  }
}

export type RootMismatch =
  "account-root-mismatch" | "node-root-mismatch" | "candidate-root-mismatch" | "state-root-mismatch";

/**
 * R6, the check that decides: the first root that is not what the header of the anchor window names. `found` is recomputed
 * from the received records.
 */
export function findRootMismatch(header: StateRoots, found: StateRoots): RootMismatch | undefined {
  if (!equalBytes(found.accountRoot, header.accountRoot)) return "account-root-mismatch";
  if (!equalBytes(found.nodeRoot, header.nodeRoot)) return "node-root-mismatch";
  if (!equalBytes(found.candidateRoot, header.candidateRoot)) return "candidate-root-mismatch";
  if (!equalBytes(found.stateRoot, header.stateRoot)) return "state-root-mismatch";
  return undefined;
}

/** Undefined where a flag is neither 0 nor 1: of records of the right length nothing else can be wrong. */
function decodeRows({ tableId, records }: Chunk): SnapshotRows | undefined {
  const rowsOf = <T>(codec: Codec<T>): T[] =>
    splitRecords(records, RECORD_SIZES[tableId]).map((bytes) => decode(codec, bytes));
  try {
    switch (tableId) {
      case TABLE_ACCOUNTS:
        return { tableId, rows: rowsOf(accountRecord) };
      case TABLE_NODES:
        return { tableId, rows: rowsOf(nodeRecord) };
      case TABLE_CANDIDATES:
        return { tableId, rows: rowsOf(candidateRecord) };
      case TABLE_PROPOSALS:
        return { tableId, rows: rowsOf(proposalHeader.codec) };
    }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function keysOf(chunk: SnapshotRows): Uint8Array[] {
  switch (chunk.tableId) {
    case TABLE_ACCOUNTS:
      return chunk.rows.map((row) => row.accountId);
    case TABLE_NODES:
    case TABLE_CANDIDATES:
      return chunk.rows.map((row) => row.nodeId);
    case TABLE_PROPOSALS:
      return chunk.rows.map((header) => encode(u64, header.windowIndex));
  }
}

function firstFault<T>(rows: readonly T[], find: (row: T) => RecordFault | undefined): RecordFault | undefined {
  for (const row of rows) {
    const fault = find(row);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
