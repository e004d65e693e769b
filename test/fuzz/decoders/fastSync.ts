/** What a peer sends while this node catches up. */
import { concatBytes, equalBytes, type AccountId, type Hash32, type NodeId } from "../../../main/protocol/bytes.ts";
import { decode, encode, u64, type Codec } from "../../../main/protocol/codec/codec.ts";
import { ProtocolError } from "../../../main/protocol/errors.ts";
import {
  accountsAddress,
  chunkAddress,
  manifestAddress,
  readAddress,
  type Address,
} from "../../../main/protocol/fastsync/addressing.ts";
import {
  decodeChunk,
  decodeError,
  decodeRequest,
  encodeChunk,
  encodeError,
  encodeRequest,
  TABLE_ACCOUNTS,
  TABLE_CANDIDATES,
  TABLE_IDS,
  TABLE_NODES,
  TABLE_PROPOSALS,
  type Chunk,
  type FastSyncError,
  type FastSyncRequest,
  type TableId,
} from "../../../main/protocol/fastsync/codec.ts";
import { readReply, type Result } from "../../../main/protocol/fastsync/reply.ts";
import { readAccountsPart, readManifestChunk } from "../../../main/protocol/fastsync/subtreeManifest.ts";
import { SnapshotTransfer, type SnapshotRows } from "../../../main/protocol/fastsync/verify.ts";
import { MONTANA_PARAMS } from "../../../main/protocol/genesis/montana.ts";
import { rulesOf } from "../../../main/protocol/genesis/rules.ts";
import { nodeIdOf, SUITE_MLDSA65 } from "../../../main/protocol/identity/ids.ts";
import { proposalHeader } from "../../../main/protocol/objects/consensus.ts";
import {
  accountRecord,
  candidateRecord,
  nodeRecord,
  type AccountRecord,
  type CandidateRecord,
  type NodeRecord,
} from "../../../main/protocol/state/records.ts";
import type { CountedCrypto } from "../countedCrypto.ts";
import type { AnyDecoder, Decoder } from "../decoder.ts";
import { Random } from "../random.ts";
import * as values from "../values.ts";

const COPY = { base: 0, perByte: 2 };
/** Chunks are cut into records, which are copied once more field by field; ids become keys of a set. */
const CUT = { base: 256, perByte: 4 };
const PAYLOAD_FAULTS = ["truncated-payload", "invalid-payload-field"];
const TOO_LARGE = encodeChunk({
  chunkIndex: 0,
  totalChunks: 1,
  tableId: TABLE_ACCOUNTS,
  recordCount: 0,
  records: new Uint8Array(1_048_576),
});

export function fastSyncDecoders(crypto: CountedCrypto): readonly AnyDecoder[] {
  return [request, chunk, error, address, reply, manifestChunk, accountsPart, snapshotChunk(crypto)];
}

/** A reply is refused by value, not by an exception; to the fuzzer both are the same. */
function valueOf<T>(result: Result<T, string>): T {
  if (result.fault !== undefined) throw new ProtocolError(result.fault);
  return result.value;
}

const request: Decoder<FastSyncRequest> = {
  name: "fast-sync-request",
  of: [decodeRequest],
  errors: ["payload-length-mismatch"],
  allocation: COPY,
  notations: "one",
  decode: decodeRequest,
  encode: encodeRequest,
  generate: (random) => ({ anchorWindow: values.u64(random), resumeOffset: values.u64(random) }),
};

const chunk: Decoder<Chunk> = {
  name: "fast-sync-chunk",
  of: [decodeChunk],
  errors: PAYLOAD_FAULTS,
  allocation: COPY,
  notations: "one",
  keepsInput: true,
  decode: decodeChunk,
  encode: encodeChunk,
  generate: (random) => chunkOf(random, random.pick(TABLE_IDS), values.u32(random), random.bytes(random.small(3000))),
};

function emptyChunk(tableId: TableId, totalChunks: number): Uint8Array {
  return encodeChunk({ chunkIndex: 0, totalChunks, tableId, recordCount: 0, records: new Uint8Array(0) });
}

function chunkOf(random: Random, tableId: TableId, recordCount: number, records: Uint8Array): Chunk {
  const totalChunks = Math.max(1, values.u32(random));
  const chunkIndex = random.once(2) ? 0 : Math.min(values.u32(random), totalChunks - 1);
  return { chunkIndex, totalChunks, tableId, recordCount, records };
}

const error: Decoder<FastSyncError> = {
  name: "fast-sync-error",
  of: [decodeError],
  errors: ["truncated-payload", "payload-length-mismatch"],
  allocation: COPY,
  notations: "one",
  decode: decodeError,
  encode: encodeError,
  generate: (random) => ({ code: values.u8(random), message: random.bytes(random.small(256)) }),
};

const address: Decoder<Address> = {
  name: "fast-sync-address",
  of: [readAddress],
  errors: ["truncated", "trailing-bytes", "reserved"],
  allocation: COPY,
  notations: "one",
  decode(input) {
    const found = readAddress(decode(u64, input));
    if (found.kind === "reserved") throw new ProtocolError("reserved");
    return found;
  },
  encode: (value) => encode(u64, offsetOf(value)),
  generate(random) {
    const kind = random.pick(["chunk", "manifest", "accounts"] as const);
    if (kind !== "accounts") return { kind, index: random.uint(62) };
    return { kind, prefix: random.uint(54), part: values.u8(random) };
  },
};

function offsetOf(value: Address): bigint {
  switch (value.kind) {
    case "chunk":
      return chunkAddress(value.index);
    case "manifest":
      return manifestAddress(value.index);
    case "accounts":
      return accountsAddress(value.prefix, value.part);
    case "reserved":
      throw new Error("has no address");
  }
}

/** As the answer to a request for chunk 0 of 8-byte records of every table but headers. */
const reply: Decoder<Chunk> = {
  name: "fast-sync-reply",
  of: [readReply],
  errors: [...PAYLOAD_FAULTS, "payload-too-large", "wrong-chunk-index", "wrong-table", "wrong-records-length"],
  allocation: COPY,
  notations: "one",
  keepsInput: true,
  corpus: [TOO_LARGE],
  decode: (input) => valueOf(readReply(input, 0, ({ tableId }) => (tableId === TABLE_PROPOSALS ? undefined : 8))),
  encode: encodeChunk,
  generate(random) {
    const count = random.small(200);
    const tableId = random.pick<TableId>([TABLE_ACCOUNTS, TABLE_NODES, TABLE_CANDIDATES]);
    return { ...chunkOf(random, tableId, count, random.bytes(8 * count)), chunkIndex: 0 };
  },
};

interface ManifestChunk {
  readonly totalChunks: number;
  readonly roots: readonly Hash32[];
}

const encodeManifestChunk = ({ totalChunks, roots }: ManifestChunk): Uint8Array =>
  encodeChunk({
    chunkIndex: 0,
    totalChunks,
    tableId: TABLE_ACCOUNTS,
    recordCount: roots.length,
    records: concatBytes(...roots),
  });

const manifestChunk: Decoder<ManifestChunk> = {
  name: "fast-sync-manifest",
  of: [readManifestChunk],
  errors: [
    ...PAYLOAD_FAULTS,
    ...["payload-too-large", "wrong-chunk-index", "wrong-table", "wrong-records-length"],
    ...["wrong-record-count", "wrong-total-chunks"],
  ],
  allocation: CUT,
  notations: "one",
  corpus: [
    TOO_LARGE,
    emptyChunk(TABLE_NODES, 1),
    ...[1, 2, 4096, 8192, 3].map((totalChunks) =>
      encodeManifestChunk({ totalChunks, roots: Array.from({ length: 16_384 }, () => new Uint8Array(32) as Hash32) }),
    ),
  ],
  decode: (input) => valueOf(readManifestChunk(input, 0)),
  encode: encodeManifestChunk,
  generate: (random) => ({
    totalChunks: 1,
    roots: Array.from({ length: 2 ** random.below(8) }, () => values.hash32(random)),
  }),
};

interface AccountsPart {
  readonly totalChunks: number;
  readonly accounts: readonly AccountRecord[];
}

const accountsPart: Decoder<AccountsPart> = {
  name: "fast-sync-accounts",
  of: [readAccountsPart],
  errors: [
    ...PAYLOAD_FAULTS,
    ...["payload-too-large", "wrong-chunk-index", "wrong-table", "wrong-records-length"],
    ...["wrong-record-count", "non-canonical-flag"],
  ],
  allocation: CUT,
  notations: "one",
  corpus: [TOO_LARGE, emptyChunk(TABLE_NODES, 1), emptyChunk(TABLE_ACCOUNTS, 2)],
  decode: (input) => valueOf(readAccountsPart(input, 0)),
  encode: ({ totalChunks, accounts }) =>
    encodeChunk({
      chunkIndex: 0,
      totalChunks,
      tableId: TABLE_ACCOUNTS,
      recordCount: accounts.length,
      records: encodeAll(accountRecord, accounts),
    }),
  generate(random) {
    const accounts = values.listOf(random, 3, values.accountRecord);
    return { totalChunks: accounts.length === 0 ? 1 : Math.max(1, values.u32(random)), accounts };
  },
};

type SnapshotChunk = SnapshotRows & { readonly totalChunks: number };

const ANCHOR = 1_000_000n;
/** A key that the receiver holds already. */
const STORED = new Uint8Array(32).fill(0x11);

/** As the answer to the request for chunk 0 of a snapshot of window 1,000,000, of which no other chunk came yet. */
function snapshotChunk(crypto: CountedCrypto): Decoder<SnapshotChunk> {
  const rules = rulesOf(MONTANA_PARAMS, "spec");
  return {
    name: "fast-sync-snapshot",
    of: [SnapshotTransfer],
    errors: [
      ...PAYLOAD_FAULTS,
      ...["payload-too-large", "wrong-chunk-index", "wrong-records-length", "wrong-record-count"],
      ...["wrong-total-chunks", "non-canonical-flag", "duplicate-key"],
      ...["unknown-suite", "snapshot-above-chain-length", "height-differs-from-chain-length"],
      ...["operation-before-creation", "window-after-anchor", "wrong-node-id", "no-chain-length"],
      ...["checkpoints-not-ascending", "checkpoint-above-chain-length", "wrong-expiry", "expired"],
    ],
    allocation: CUT,
    hashing: { base: 64, perByte: 2 },
    notations: "one",
    tokens: [STORED],
    corpus: [TOO_LARGE, ...brokenSnapshots(crypto).map(encodeSnapshot)],
    decode(input) {
      const transfer = new SnapshotTransfer(crypto, rules, ANCHOR, (_, key) => equalBytes(key, STORED));
      const rows = valueOf(transfer.accept(0, input));
      return { ...rows, totalChunks: transfer.totalChunks! };
    },
    encode: encodeSnapshot,
    generate: (random) => ({ ...rowsOf(random, crypto), totalChunks: 1 + random.small(2_000_000) }),
  };
}

function encodeSnapshot(value: SnapshotChunk): Uint8Array {
  return encodeChunk({
    chunkIndex: 0,
    totalChunks: value.totalChunks,
    tableId: value.tableId,
    recordCount: value.rows.length,
    records: encodeRows(value),
  });
}

/** One fault each, most of which chance meets only now and then. */
function brokenSnapshots(crypto: CountedCrypto): SnapshotChunk[] {
  const random = new Random(1, "broken-snapshots");
  const account = settledAccount(random);
  const node = settledNode(random, crypto);
  const candidate = waitingCandidate(random, crypto);
  const accountsOf = (...rows: AccountRecord[]) => ({ totalChunks: 1, tableId: TABLE_ACCOUNTS, rows }) as const;
  const nodesOf = (...rows: NodeRecord[]) => ({ totalChunks: 1, tableId: TABLE_NODES, rows }) as const;
  const candidatesOf = (...rows: CandidateRecord[]) => ({ totalChunks: 1, tableId: TABLE_CANDIDATES, rows }) as const;
  const registrationWindow = ANCHOR - MONTANA_PARAMS.candidateExpiryWindows;
  const checkpoints = [2n, 1n, 1n, 1n, 1n, 1n];
  return [
    accountsOf(),
    accountsOf(account, account),
    accountsOf({ ...account, accountId: STORED as AccountId }),
    accountsOf({ ...account, suiteId: 2 }),
    accountsOf({ ...account, opHeight: account.accountChainLength ^ 1 }),
    accountsOf({ ...account, accountChainLength: 1, opHeight: 1, accountChainLengthSnapshot: 2 }),
    accountsOf({ ...account, creationWindow: account.lastOpWindow + 1 }),
    accountsOf({ ...account, lastActivationWindow: Number(ANCHOR) + 1 }),
    nodesOf({ ...node, nodeId: STORED as NodeId }),
    nodesOf({ ...node, suiteId: 0 }),
    nodesOf({ ...node, chainLength: 0n }),
    nodesOf({ ...node, chainLengthCheckpoints: checkpoints }),
    nodesOf({ ...node, chainLengthCheckpoints: node.chainLengthCheckpoints.map(() => node.chainLength + 1n) }),
    nodesOf({ ...node, startWindow: ANCHOR + 1n }),
    candidatesOf({ ...candidate, expires: candidate.expires + 1n }),
    candidatesOf({ ...candidate, registrationWindow, expires: ANCHOR }),
    { ...accountsOf(account), totalChunks: 2_000_001 },
  ];
}

function encodeRows(chunk: SnapshotRows): Uint8Array {
  switch (chunk.tableId) {
    case TABLE_ACCOUNTS:
      return encodeAll(accountRecord, chunk.rows);
    case TABLE_NODES:
      return encodeAll(nodeRecord, chunk.rows);
    case TABLE_CANDIDATES:
      return encodeAll(candidateRecord, chunk.rows);
    case TABLE_PROPOSALS:
      return encodeAll(proposalHeader.codec, chunk.rows);
  }
}

function encodeAll<T>(codec: Codec<T>, rows: readonly T[]): Uint8Array {
  return concatBytes(...rows.map((row) => encode(codec, row)));
}

/** One to three records that a state after the anchor window can hold. */
function rowsOf(random: Random, crypto: CountedCrypto): SnapshotRows {
  const some = <T>(make: () => T): T[] => Array.from({ length: 1 + random.small(3) }, make);
  switch (random.pick(TABLE_IDS)) {
    case TABLE_ACCOUNTS:
      return { tableId: TABLE_ACCOUNTS, rows: some(() => settledAccount(random)) };
    case TABLE_NODES:
      return { tableId: TABLE_NODES, rows: some(() => settledNode(random, crypto)) };
    case TABLE_CANDIDATES:
      return { tableId: TABLE_CANDIDATES, rows: some(() => waitingCandidate(random, crypto)) };
    case TABLE_PROPOSALS: {
      const first = random.below(1000);
      const rows = some(() => values.proposalHeader(random));
      return {
        tableId: TABLE_PROPOSALS,
        rows: rows.map((header, i) => ({ ...header, windowIndex: BigInt(first + i) })),
      };
    }
  }
}

const windowUpTo = (random: Random, last: bigint): bigint => random.uint(64) % (last + 1n);

function settledAccount(random: Random): AccountRecord {
  const accountChainLength = values.u32(random);
  const lastOpWindow = windowUpTo(random, ANCHOR);
  return {
    ...values.accountRecord(random),
    suiteId: SUITE_MLDSA65,
    opHeight: accountChainLength,
    accountChainLength,
    accountChainLengthSnapshot: Number(windowUpTo(random, BigInt(accountChainLength))),
    creationWindow: Number(windowUpTo(random, lastOpWindow)),
    lastOpWindow: Number(lastOpWindow),
    lastActivationWindow: Number(windowUpTo(random, ANCHOR)),
  };
}

function settledNode(random: Random, crypto: CountedCrypto): NodeRecord {
  const nodePubkey = random.bytes(1952) as NodeRecord["nodePubkey"];
  const checkpoints = Array.from({ length: 6 }, () => random.uint(20)).sort((a, b) => Number(a - b));
  return {
    ...values.nodeRecord(random),
    nodeId: nodeIdOf(crypto, nodePubkey),
    nodePubkey,
    suiteId: SUITE_MLDSA65,
    chainLength: 1n + checkpoints[5]! + random.uint(20),
    chainLengthCheckpoints: checkpoints,
    startWindow: windowUpTo(random, ANCHOR),
    lastConfirmationWindow: windowUpTo(random, ANCHOR),
  };
}

function waitingCandidate(random: Random, crypto: CountedCrypto): CandidateRecord {
  const nodePubkey = random.bytes(1952) as CandidateRecord["nodePubkey"];
  const { candidateExpiryWindows } = MONTANA_PARAMS;
  const registrationWindow = ANCHOR - windowUpTo(random, candidateExpiryWindows - 1n);
  return {
    ...values.candidateRecord(random),
    nodeId: nodeIdOf(crypto, nodePubkey),
    nodePubkey,
    registrationWindow,
    expires: registrationWindow + candidateExpiryWindows,
  };
}
