/** Suites fastsync-* of chapter 02. */
import { compareBytes } from "../../../main/protocol/bytes.ts";
import type { Crypto } from "../../../main/protocol/crypto.ts";
import { ChunkPlan, snapshotChunk, snapshotInMemory } from "../../../main/protocol/fastsync/chunks.ts";
import {
  decodeChunk,
  decodeError,
  decodeRequest,
  encodeChunk,
  encodeError,
  encodeRequest,
  TABLE_IDS,
} from "../../../main/protocol/fastsync/codec.ts";
import { findRootMismatch } from "../../../main/protocol/fastsync/verify.ts";
import { compareTreeOrder } from "../../../main/protocol/merkle/order.ts";
import { recomputeRoots } from "../../../main/protocol/state/recomputeRoots.ts";
import type { State } from "../../../main/protocol/state/table.ts";
import type { Input, Runner } from "../harness.ts";
import { big, hex, hex32 } from "./inputs.ts";
import { headerFrom, stateFrom } from "./stateInputs.ts";

const codecs: Readonly<Record<string, Runner>> = {
  request: (input) => ({
    payload: encodeRequest({ anchorWindow: big(input.anchor_window), resumeOffset: big(input.resume_offset) }),
  }),
  "request-decode": (input) => {
    const { anchorWindow, resumeOffset } = decodeRequest(hex(input.payload));
    return { anchor_window: anchorWindow, resume_offset: resumeOffset };
  },
  chunk: (input) => ({
    payload: encodeChunk({
      chunkIndex: Number(input.chunk_index),
      totalChunks: Number(input.total_chunks),
      tableId: input.table_id,
      recordCount: Number(input.record_count),
      records: hex(input.records),
    }),
  }),
  "chunk-decode": (input) => describeChunk(hex(input.payload)),
  error: (input) => ({ payload: encodeError({ code: Number(input.code), message: hex(input.message) }) }),
  "error-decode": (input) => ({ ...decodeError(hex(input.payload)) }),
};

const fastSyncCodec: Runner = (input, context) => {
  const codec = codecs[input.type];
  if (codec === undefined) throw new Error(`no such type: ${String(input.type)}`);
  return codec(input, context);
};

function describeChunk(payload: Uint8Array) {
  const { chunkIndex, totalChunks, tableId, recordCount, records } = decodeChunk(payload);
  return {
    chunk_index: chunkIndex,
    total_chunks: totalChunks,
    table_id: tableId,
    record_count: recordCount,
    records,
  };
}

const fastSyncSnapshot: Runner = (input, { crypto }) => {
  const state = stateFrom(crypto, input);
  const headers = (input.proposals as Input[]).map(headerFrom).sort((a, b) => (a.windowIndex < b.windowIndex ? -1 : 1));
  const snapshot = snapshotInMemory(state, headers, input.order === "key" ? compareBytes : compareTreeOrder);
  const perChunk = Object.fromEntries(TABLE_IDS.map((table) => [table, Number(input.records_per_chunk)]));
  const plan = new ChunkPlan(snapshot.recordCounts, perChunk as Record<1 | 2 | 3 | 4, number>);
  const chunks = Array.from({ length: plan.totalChunks }, (_, index) => {
    const payload = snapshotChunk(snapshot, index, plan)!;
    return { ...describeChunk(payload), payload_len: payload.length, payload_sha256: crypto.sha256(payload) };
  });
  return { total_chunks: plan.totalChunks, chunks, ...describeRoots(crypto, state) };
};

function describeRoots(crypto: Crypto, state: State) {
  const { accountRoot, nodeRoot, candidateRoot, stateRoot } = recomputeRoots(crypto, state);
  return { account_root: accountRoot, node_root: nodeRoot, candidate_root: candidateRoot, state_root: stateRoot };
}

const fastSyncVerify: Runner = (input, { crypto }) => {
  const { header } = input;
  const named = {
    accountRoot: hex32(header.account_root),
    nodeRoot: hex32(header.node_root),
    candidateRoot: hex32(header.candidate_root),
    stateRoot: hex32(header.state_root),
  };
  const error = findRootMismatch(named, recomputeRoots(crypto, stateFrom(crypto, input)));
  return error === undefined ? { accepted: true } : { error };
};

export const fastSyncRunners: Readonly<Record<string, Runner>> = {
  "02-state/fastsync-codec": fastSyncCodec,
  "02-state/fastsync-snapshot": fastSyncSnapshot,
  "02-state/fastsync-verify": fastSyncVerify,
};
