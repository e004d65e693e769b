/** The three records as the store keeps them: everything but the public key, which lies in a slot of the key file. */
import type { AccountId, Hash32, NodeId } from "../../protocol/bytes.ts";
import {
  accountId,
  decode,
  encode,
  flag,
  hash32,
  nodeId,
  struct,
  tuple,
  u128,
  u16,
  u32,
  u64,
  type Codec,
} from "../../protocol/codec/codec.ts";
import type { PublicKey } from "../../protocol/crypto.ts";
import {
  accountRecord,
  candidateRecord,
  CHECKPOINT_COUNT,
  nodeRecord,
  type AccountRecord,
  type CandidateRecord,
  type NodeRecord,
} from "../../protocol/state/records.ts";

export type TableName = "accounts" | "nodes" | "candidates";
export const TABLE_NAMES: readonly TableName[] = ["accounts", "nodes", "candidates"];

/** How one table's records are kept. `hot` is the record without its key; it begins with the id. */
export interface RowLayout<Id extends Hash32, Row> {
  readonly table: TableName;
  readonly hotSize: number;
  /** The record's canonical layout, of which the Merkle leaf is made. */
  readonly codec: Codec<Row>;
  idOf(row: Row): Id;
  keyOf(row: Row): PublicKey;
  encodeHot(row: Row): Uint8Array;
  /** The key is read when it is first asked for: most readers of a row do not want it. */
  decodeHot(hot: Uint8Array, readKey: () => PublicKey): Row;
}

export const accountHot = struct({
  accountId,
  balance: u128,
  suiteId: u16,
  isNodeOperator: flag,
  frontierHash: hash32,
  opHeight: u32,
  accountChainLength: u32,
  accountChainLengthSnapshot: u32,
  creationWindow: u32,
  lastOpWindow: u32,
  lastActivationWindow: u32,
});

const nodeHot = struct({
  nodeId,
  suiteId: u16,
  operatorAccountId: accountId,
  startWindow: u64,
  chainLength: u64,
  chainLengthSnapshot: u64,
  chainLengthCheckpoints: tuple(u64, CHECKPOINT_COUNT),
  lastConfirmationWindow: u64,
});

const candidateHot = struct({
  nodeId,
  suiteId: u16,
  operatorAccountId: accountId,
  proofEndpoint: hash32,
  wStart: u64,
  vdfChainLength: u64,
  registrationWindow: u64,
  expires: u64,
});

export const accountLayout: RowLayout<AccountId, AccountRecord> = {
  table: "accounts",
  hotSize: accountHot.size,
  codec: accountRecord,
  idOf: (row) => row.accountId,
  keyOf: (row) => row.currentPubkey,
  encodeHot: (row) => encode(accountHot, row),
  decodeHot: (hot, readKey) => ({
    ...decode(accountHot, hot),
    get currentPubkey() {
      return readKey();
    },
  }),
};

export const nodeLayout: RowLayout<NodeId, NodeRecord> = {
  table: "nodes",
  hotSize: nodeHot.size,
  codec: nodeRecord,
  idOf: (row) => row.nodeId,
  keyOf: (row) => row.nodePubkey,
  encodeHot: (row) => encode(nodeHot, row),
  decodeHot: withNodeKey(nodeHot),
};

export const candidateLayout: RowLayout<NodeId, CandidateRecord> = {
  table: "candidates",
  hotSize: candidateHot.size,
  codec: candidateRecord,
  idOf: (row) => row.nodeId,
  keyOf: (row) => row.nodePubkey,
  encodeHot: (row) => encode(candidateHot, row),
  decodeHot: withNodeKey(candidateHot),
};

function withNodeKey<Hot>(codec: Codec<Hot>) {
  return (hot: Uint8Array, readKey: () => PublicKey): Hot & { readonly nodePubkey: PublicKey } => ({
    ...decode(codec, hot),
    get nodePubkey() {
      return readKey();
    },
  });
}
