import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { byteKey } from "../bytes.ts";
import { MONTANA_PARAMS } from "../genesis/montana.ts";
import { rulesOf } from "../genesis/rules.ts";
import { compareTreeOrder } from "../merkle/order.ts";
import type { ProposalHeader } from "../objects/consensus.ts";
import { MemoryState } from "../state/memory.ts";
import { headerOf } from "../state/records.fixture.ts";
import { recomputeRoots } from "../state/recomputeRoots.ts";
import { validState } from "../state/validState.fixture.ts";
import { ChunkPlan, RECORDS_PER_CHUNK, snapshotChunk, snapshotInMemory, type Snapshot } from "./chunks.ts";
import { decodeChunk, encodeChunk, TABLE_ACCOUNTS, TABLE_PROPOSALS, type Chunk, type TableId } from "./codec.ts";
import { findRootMismatch, SnapshotTransfer, type SnapshotRows } from "./verify.ts";

const { crypto } = loadCrypto();
const rules = rulesOf(MONTANA_PARAMS, "spec");
const ANCHOR = 336n;
const counts = fc.record({
  accounts: fc.integer({ min: 0, max: 9 }),
  nodes: fc.integer({ min: 0, max: 4 }),
  candidates: fc.integer({ min: 0, max: 4 }),
});
const headers = Array.from({ length: 5 }, (_, i) => headerOf(BigInt(i)));

const nameOf = (table: TableId, key: Uint8Array): string => `${table} ${byteKey(key)}`;

/** What a client has stored of a transfer. */
class Received {
  readonly state = new MemoryState();
  readonly headers: ProposalHeader[] = [];
  readonly #keys = new Set<string>();
  readonly transfer = new SnapshotTransfer(crypto, rules, ANCHOR, (table, key) => this.#keys.has(nameOf(table, key)));

  /** The fault of a chunk, or undefined when it was taken. */
  take(index: number, payload: Uint8Array): string | undefined {
    const { fault, value } = this.transfer.accept(index, payload);
    if (value !== undefined) this.#store(value);
    return fault;
  }

  #store(chunk: SnapshotRows): void {
    const { tableId } = chunk;
    if (tableId === TABLE_PROPOSALS) this.headers.push(...chunk.rows);
    else if (tableId === TABLE_ACCOUNTS) {
      this.state.load({ accounts: chunk.rows });
      for (const row of chunk.rows) this.#keys.add(nameOf(tableId, row.accountId));
    } else {
      this.state.load(tableId === 2 ? { nodes: chunk.rows } : { candidates: chunk.rows });
      for (const row of chunk.rows) this.#keys.add(nameOf(tableId, row.nodeId));
    }
  }
}

function planOf(snapshot: Snapshot, perChunk: number): ChunkPlan {
  return new ChunkPlan(snapshot.recordCounts, { 1: perChunk, 2: perChunk, 3: perChunk, 4: perChunk });
}

function chunksOf(snapshot: Snapshot, perChunk: number): Uint8Array[] {
  const plan = planOf(snapshot, perChunk);
  return Array.from({ length: plan.totalChunks }, (_, index) => snapshotChunk(snapshot, index, plan)!);
}

describe("a snapshot", () => {
  it("is cut into full chunks of one table each, tables ascending, without a chunk for an empty one", () => {
    expect(RECORDS_PER_CHUNK).toEqual({ 1: 509, 2: 499, 3: 503, 4: 281 });
    const count = fc.integer({ min: 0, max: 2000 });
    fc.assert(
      fc.property(fc.record({ 1: count, 2: count, 3: count, 4: count }), (recordCounts) => {
        const plan = new ChunkPlan(recordCounts);
        const seen: Record<TableId, number> = { 1: 0, 2: 0, 3: 0, 4: 0 };
        let table: TableId = 1;
        for (let index = 0; index < plan.totalChunks; index++) {
          const range = plan.locate(index)!;
          expect(range.tableId).toBeGreaterThanOrEqual(table);
          table = range.tableId;
          expect(range.first).toBe(seen[table]);
          seen[table] += range.count;
          expect(range.count).toBeGreaterThan(0);
          expect(range.count === RECORDS_PER_CHUNK[table] || seen[table] === recordCounts[table]).toBe(true);
        }
        expect(seen).toEqual(recordCounts);
        expect(plan.locate(plan.totalChunks)).toBeUndefined();
      }),
    );
  });

  it("comes whole out of any order of chunks and of records, with the same roots", () => {
    fc.assert(
      fc.property(
        counts,
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.nat()),
        fc.boolean(),
        (drawn, size, mix, swap) => {
          const state = validState(crypto, rules, ANCHOR, drawn);
          const order = swap ? (a: Uint8Array, b: Uint8Array) => compareTreeOrder(b, a) : compareTreeOrder;
          const payloads = chunksOf(snapshotInMemory(state, headers, order), size);
          const asked = payloads.map((_, i) => i).sort((a, b) => (mix[a] ?? a) - (mix[b] ?? b));
          const received = new Received();
          for (const index of asked) {
            expect(received.transfer.isComplete).toBe(false);
            expect(received.take(index, payloads[index]!)).toBeUndefined();
          }
          expect(received.transfer.isComplete).toBe(true);
          expect(
            findRootMismatch(recomputeRoots(crypto, state), recomputeRoots(crypto, received.state)),
          ).toBeUndefined();
          expect(received.headers.length).toBe(headers.length);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("is refused after a change of any single byte", () => {
    const state = validState(crypto, rules, ANCHOR, { accounts: 3, nodes: 2, candidates: 2 });
    const payloads = chunksOf(snapshotInMemory(state, []), 2);
    const roots = recomputeRoots(crypto, state);
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), (which, where, difference) => {
        const changed = which % payloads.length;
        const received = new Received();
        const faults = payloads.map((payload, index) => {
          const sent = payload.slice();
          if (index === changed) sent[where % sent.length]! ^= difference;
          return received.take(index, sent);
        });
        const isRefused = faults.some((fault) => fault !== undefined);
        expect(isRefused || findRootMismatch(roots, recomputeRoots(crypto, received.state)) !== undefined).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a chunk is not taken", () => {
  const state = validState(crypto, rules, ANCHOR, { accounts: 4, nodes: 2, candidates: 1 });
  const payloads = chunksOf(snapshotInMemory(state, headers), 2);
  const changed = (index: number, change: (chunk: Chunk) => Partial<Chunk>): Uint8Array => {
    const chunk = decodeChunk(payloads[index]!);
    return encodeChunk({ ...chunk, ...change(chunk) });
  };

  it.each<[string, number, Uint8Array]>([
    ["payload-too-large", 0, new Uint8Array(1_048_577)],
    ["truncated-payload", 0, payloads[0]!.subarray(0, 12)],
    ["invalid-payload-field", 0, changed(0, () => ({ totalChunks: 0 }))],
    ["wrong-chunk-index", 1, payloads[0]!],
    ["wrong-records-length", 0, payloads[0]!.subarray(0, payloads[0]!.length - 1)],
    ["wrong-records-length", 0, changed(0, () => ({ recordCount: 1 }))],
    ["wrong-record-count", 0, changed(0, () => ({ recordCount: 0, records: new Uint8Array(0) }))],
    ["wrong-total-chunks", 0, changed(0, () => ({ totalChunks: 2_000_001 }))],
    [
      "duplicate-key",
      0,
      changed(0, ({ records }) => ({
        records: new Uint8Array([...records.subarray(0, 2059), ...records.subarray(0, 2059)]),
      })),
    ],
    [
      "non-canonical-flag",
      0,
      changed(0, ({ records }) => ({ records: records.map((byte, i) => (i === 50 ? 2 : byte)) })),
    ],
    ["unknown-suite", 0, changed(0, ({ records }) => ({ records: records.map((byte, i) => (i === 49 ? 1 : byte)) }))],
    [
      "wrong-node-id",
      2,
      changed(2, ({ records }) => ({ records: records.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) })),
    ],
  ])("when it has fault %s", (fault, index, payload) => {
    const received = new Received();
    expect(received.take(index, payload)).toBe(fault);
    expect(received.transfer.totalChunks).toBeUndefined();
    expect(received.take(index, payloads[index]!)).toBeUndefined();
  });

  it("when another chunk announced another total, brought the key, came before, or has a later table", () => {
    const received = new Received();
    expect(received.take(2, payloads[2]!)).toBeUndefined();
    expect(
      received.take(
        0,
        changed(0, () => ({ totalChunks: payloads.length + 1 })),
      ),
    ).toBe("wrong-total-chunks");
    expect(received.take(2, payloads[2]!)).toBe("already-received");
    expect(
      received.take(
        3,
        changed(0, () => ({ chunkIndex: 3 })),
      ),
    ).toBe("table-out-of-order");
    expect(
      received.take(
        0,
        changed(3, () => ({ chunkIndex: 0 })),
      ),
    ).toBe("table-out-of-order");
    expect(received.take(0, payloads[0]!)).toBeUndefined();
    expect(
      received.take(
        1,
        changed(0, () => ({ chunkIndex: 1 })),
      ),
    ).toBe("duplicate-key");
  });

  it("when it holds a header from after the anchor", () => {
    const received = new Received();
    const [payload] = chunksOf(snapshotInMemory(new MemoryState(), [headerOf(ANCHOR + 1n)]), 1);
    expect(received.take(0, payload!)).toBe("window-after-anchor");
  });
});
