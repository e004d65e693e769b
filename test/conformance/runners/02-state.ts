/** Suites of chapter 02 (§9) but for trees and transitions, and what chapters 04 and 05 repeat of it. */
import { concatBytes, type AccountId, type Hash32, type NodeId } from "../../../main/protocol/bytes.ts";
import { encode, type FixedCodec } from "../../../main/protocol/codec/codec.ts";
import type { Crypto } from "../../../main/protocol/crypto.ts";
import { expiryWindow } from "../../../main/protocol/entry/records.ts";
import { MONTANA_PARAMS } from "../../../main/protocol/genesis/montana.ts";
import { rulesOf } from "../../../main/protocol/genesis/rules.ts";
import { genesisFrontier } from "../../../main/protocol/genesis/state.ts";
import { accountIdOf, appIdOf, nodeIdOf } from "../../../main/protocol/identity/ids.ts";
import { leafHash } from "../../../main/protocol/merkle/hashing.ts";
import { isActive } from "../../../main/protocol/state/lifecycle.ts";
import type { MemoryTable } from "../../../main/protocol/state/memory.ts";
import { MemoryState } from "../../../main/protocol/state/memory.ts";
import { accountRecord, candidateRecord, nodeRecord } from "../../../main/protocol/state/records.ts";
import { recomputeRoots } from "../../../main/protocol/state/recomputeRoots.ts";
import { rewardOf, supplyAt } from "../../../main/protocol/state/supply.ts";
import { StateDraft } from "../../../main/protocol/state/table.ts";
import { expireCandidates } from "../../../main/protocol/transition/expireCandidates.ts";
import type { Input, Runner } from "../harness.ts";
import { accountIdOfSeed, accountRecordOf, nodeRecordOf, publicKeyOf } from "./descriptors.ts";
import { fastSyncRunners } from "./fastSync.ts";
import { genesisRunners } from "./genesis.ts";
import { accountIdOf as accountIdFrom, big, nodeIdOf as nodeIdFrom } from "./inputs.ts";
import { rc1FileRunners } from "./rc1Files.ts";
import { accountFrom, candidateFrom, describeRecord, nodeFrom, publicKeyFrom, stateFrom } from "./stateInputs.ts";

const accountRecordSuite: Runner = (input, { crypto }) =>
  describeRecord(crypto, encode(accountRecord, accountFrom(crypto, input)), "account");

const nodeRecordSuite: Runner = (input, { crypto }) =>
  describeRecord(crypto, encode(nodeRecord, nodeFrom(crypto, input)), "node");

const candidateRecordSuite: Runner = (input, { crypto }) =>
  describeRecord(crypto, encode(candidateRecord, candidateFrom(crypto, input)), "candidate");

const identifiers: Runner = (input, { crypto }) => {
  const publicKey = publicKeyFrom(crypto, input.pubkey);
  return { id: input.fn === "node_id" ? nodeIdOf(crypto, publicKey) : accountIdOf(crypto, input.suite_id, publicKey) };
};

const tables: Runner = (input, { crypto }) => {
  switch (input.table) {
    case "account":
      return runTable(crypto, input, {
        layout: accountRecord,
        table: (state) => state.accounts,
        idOf: (row) => row.accountId,
        rowFrom: (record) => accountFrom(crypto, record),
        idFrom: accountIdFrom,
        root: "accountRoot",
      });
    case "node":
      return runTable(crypto, input, {
        layout: nodeRecord,
        table: (state) => state.nodes,
        idOf: (row) => row.nodeId,
        rowFrom: (record) => nodeFrom(crypto, record),
        idFrom: nodeIdFrom,
        root: "nodeRoot",
      });
    case "candidate":
      return runTable(crypto, input, {
        layout: candidateRecord,
        table: (state) => state.candidates,
        idOf: (row) => row.nodeId,
        rowFrom: (record) => candidateFrom(crypto, record),
        idFrom: nodeIdFrom,
        root: "candidateRoot",
      });
    default:
      throw new Error(`no such table: ${String(input.table)}`);
  }
};

interface TableKind<Id extends Hash32, Row> {
  readonly layout: FixedCodec<Row>;
  readonly table: (state: MemoryState) => MemoryTable<Id, Row>;
  readonly idOf: (row: Row) => Id;
  readonly rowFrom: (record: Input) => Row;
  readonly idFrom: (text: unknown) => Id;
  readonly root: "accountRoot" | "nodeRoot" | "candidateRoot";
}

function runTable<Id extends AccountId | NodeId, Row>(crypto: Crypto, input: Input, kind: TableKind<Id, Row>) {
  const state = new MemoryState();
  const table = kind.table(state);
  const roots = [recomputeRoots(crypto, state)[kind.root]];
  for (const { op, record, id } of input.ops) {
    if (op === "remove") {
      table.apply([{ id: kind.idFrom(id), row: undefined }]);
    } else {
      const row = kind.rowFrom(record);
      table.apply([{ id: kind.idOf(row), row }]);
    }
    roots.push(recomputeRoots(crypto, state)[kind.root]);
  }
  const rows = [...table.rows()];
  const bytes = concatBytes(...rows.map((row) => encode(kind.layout, row)));
  return { roots, order: rows.map(kind.idOf), concat_len: bytes.length, concat_sha256: crypto.sha256(bytes) };
}

const emissionSupply: Runner = ({ emission_moneta, window }) => {
  const emission = big(emission_moneta);
  return { reward: rewardOf(emission), supply: supplyAt(emission, big(window)) };
};

const accountEmission: Runner = ({ window }) => ({
  reward_moneta: rewardOf(MONTANA_PARAMS.emissionMoneta),
  supply_moneta: supplyAt(MONTANA_PARAMS.emissionMoneta, big(window)),
});

/** The suites give no start window: with 0 the literal predicate and that of profile `spec` agree. */
function isActiveAt(input: Input, window: unknown): boolean {
  const params = { ...MONTANA_PARAMS, tau2Windows: big(input.tau2_windows) };
  const node = {
    startWindow: big(input.start_window ?? 0),
    lastConfirmationWindow: big(input.last_confirmation_window),
  };
  return isActive(node, big(window), rulesOf(params, "rc1"));
}

const lifecycle: Runner = (input, { crypto }) => {
  switch (input.fn) {
    case "is_active":
      return { active: isActiveAt(input, input.window) };
    case "expires":
      return { expires: expiryWindow(big(input.registration_window), MONTANA_PARAMS) };
    case "candidate_expiry":
      return expireFrom(crypto, stateFrom(crypto, input), big(input.window));
    default:
      throw new Error(`no such function: ${String(input.fn)}`);
  }
};

function expireFrom(crypto: Crypto, state: MemoryState, window: bigint) {
  const root_before = recomputeRoots(crypto, state).candidateRoot;
  const draft = new StateDraft(state);
  const removed = expireCandidates(draft, window);
  const root_after = recomputeRoots(crypto, draft).candidateRoot;
  return { root_before, removed, root_after, left: draft.candidates.size };
}

const activity: Runner = (input) => ({ active: isActiveAt(input, input.current_window) });

const ids: Runner = (input, { crypto }) => {
  if (input.kind === "app") return { app_id: appIdOf(crypto, input.app_name) };
  const publicKey = publicKeyOf(crypto, input.key_seed);
  const accountId = accountIdOf(crypto, input.suite_id, publicKey);
  return {
    pubkey_sha256: crypto.sha256(publicKey),
    account_id: accountId,
    node_id: nodeIdOf(crypto, publicKey),
    genesis_frontier: genesisFrontier(crypto, accountId),
  };
};

const accountRecords: Runner = ({ kind, record }, { crypto }) => {
  const state = new MemoryState();
  if (kind === "empty") {
    const roots = recomputeRoots(crypto, state);
    return { empty_root: roots.accountRoot, state_root: roots.stateRoot };
  }
  if (kind === "account") {
    // The id commits to the first suite, which is 1 in this chapter, whatever the record's is now.
    const accountId = accountIdOfSeed(crypto, record.key_seed);
    const account = { ...accountRecordOf(crypto, record), accountId };
    const bytes = encode(accountRecord, account);
    return {
      ...describeShort(crypto, bytes),
      head_95: bytes.subarray(0, 95),
      tail_12: bytes.subarray(-12),
      root_of_single_record_table: recomputeRoots(crypto, state.load({ accounts: [account] })).accountRoot,
    };
  }
  const node = nodeRecordOf(crypto, record);
  const bytes = encode(nodeRecord, node);
  return {
    ...describeShort(crypto, bytes),
    head_32: bytes.subarray(0, 32),
    tail_114: bytes.subarray(-114),
    root_of_single_record_table: recomputeRoots(crypto, state.load({ nodes: [node] })).nodeRoot,
  };
};

function describeShort(crypto: Crypto, bytes: Uint8Array) {
  return { len: bytes.length, sha256: crypto.sha256(bytes), leaf_hash: leafHash(crypto, bytes) };
}

export const stateRunners: Readonly<Record<string, Runner>> = {
  "02-state/account-record": accountRecordSuite,
  "02-state/node-record": nodeRecordSuite,
  "02-state/candidate-record": candidateRecordSuite,
  "02-state/identifiers": identifiers,
  "02-state/tables": tables,
  "02-state/emission-supply": emissionSupply,
  "02-state/lifecycle": lifecycle,
  ...genesisRunners,
  ...rc1FileRunners,
  ...fastSyncRunners,
  "04-account/emission": accountEmission,
  "04-account/ids": ids,
  "04-account/records": accountRecords,
  "05-entry/activity": activity,
};
