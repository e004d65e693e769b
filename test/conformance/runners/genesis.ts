/** Suites about the beginning of a network: chapter 02 genesis-*, chapter 04 genesis. */
import { encode } from "../../../main/protocol/codec/codec.ts";
import type { Crypto } from "../../../main/protocol/crypto.ts";
import { parseManifest } from "../../../main/protocol/genesis/manifest.ts";
import { MONTANA_PARAMS } from "../../../main/protocol/genesis/montana.ts";
import { protocolParams, specProtocolParams, type ProtocolParams } from "../../../main/protocol/genesis/params.ts";
import type { Profile } from "../../../main/protocol/genesis/rules.ts";
import { buildGenesis, genesisStateHash, isFinalized, unusedAccount } from "../../../main/protocol/genesis/state.ts";
import { accountIdOf, appIdOf, nodeIdOf, SUITE_MLDSA65 } from "../../../main/protocol/identity/ids.ts";
import { MemoryState } from "../../../main/protocol/state/memory.ts";
import { accountRecord, nodeRecord } from "../../../main/protocol/state/records.ts";
import { recomputeRoots } from "../../../main/protocol/state/recomputeRoots.ts";
import { StateDraft } from "../../../main/protocol/state/table.ts";
import { isEpochBoundary } from "../../../main/protocol/timechain/epoch.ts";
import { creditEmission } from "../../../main/protocol/transition/creditEmission.ts";
import { recordPresence } from "../../../main/protocol/transition/recordPresence.ts";
import { rotateCheckpoints } from "../../../main/protocol/transition/rotateCheckpoints.ts";
import type { Input, Runner } from "../harness.ts";
import { publicKeyOf } from "./descriptors.ts";
import { hex32 } from "./inputs.ts";
import { describeRecord, paramsFrom, publicKeyFrom } from "./stateInputs.ts";

const genesisParams: Runner = (input, { crypto }) => {
  const params = paramsFrom(crypto, input);
  const encoded = encode(protocolParams, params);
  return {
    size: encoded.length,
    encoded,
    encoded_sha256: crypto.sha256(encoded),
    first_126: encoded.subarray(0, 126),
    last_64: encoded.subarray(-64),
    bootstrap_account_pubkey_sha256: crypto.sha256(params.bootstrapAccountPubkey),
    bootstrap_node_pubkey_sha256: crypto.sha256(params.bootstrapNodePubkey),
    bootstrap_account_id: accountIdOf(crypto, SUITE_MLDSA65, params.bootstrapAccountPubkey),
    bootstrap_node_id: nodeIdOf(crypto, params.bootstrapNodePubkey),
    genesis_app_id: appIdOf(crypto, "montana"),
    finalized: isFinalized(params),
  };
};

const profiles: Readonly<Record<string, Profile>> = {
  spec: "spec",
  spec_profile: "spec",
  "rc1-node": "rc1",
  node_profile: "rc1",
};

function profileFrom(label: string): Profile {
  const profile = profiles[label];
  if (profile === undefined) throw new Error(`no such profile: ${label}`);
  return profile;
}

const genesisState: Runner = (input, { crypto }) => {
  const params = paramsFrom(crypto, input);
  const { state } = buildGenesis(crypto, params, profileFrom(input.profile));
  if (input.own_account_pubkey !== undefined) {
    state.load({ accounts: [unusedAccount(crypto, publicKeyFrom(crypto, input.own_account_pubkey))] });
  }
  const roots = recomputeRoots(crypto, state);
  return {
    accounts: Array.from(state.accounts.rows(), (row) => ({
      account_id: row.accountId,
      ...describeRecord(crypto, encode(accountRecord, row), "account"),
    })),
    nodes: Array.from(state.nodes.rows(), (row) => ({
      node_id: row.nodeId,
      ...describeRecord(crypto, encode(nodeRecord, row), "node"),
    })),
    candidates: state.candidates.size,
    account_root: roots.accountRoot,
    node_root: roots.nodeRoot,
    candidate_root: roots.candidateRoot,
    state_root: roots.stateRoot,
    genesis_state_hash: genesisStateHash(crypto, roots.stateRoot, encode(protocolParams, params)),
  };
};

const genesisHash: Runner = (input, { crypto }) => {
  const params = paramsFrom(crypto, input);
  const encoded =
    input.layout === "spec-4106"
      ? encode(specProtocolParams, {
          ...params,
          bootstrapPowDifficulty: Number(input.bootstrap_pow_difficulty),
          maxProtocolPayloadBytes: Number(input.max_protocol_payload_bytes),
          maxSfCiphertextBytes: Number(input.max_sf_ciphertext_bytes),
        })
      : encode(protocolParams, params);
  for (const [offset, byte] of input.patch_bytes ?? []) encoded[offset] = byte;
  return {
    encoded_len: encoded.length,
    encoded_sha256: crypto.sha256(encoded),
    hash: genesisStateHash(crypto, hex32(input.state_root), encoded),
  };
};

const genesisManifest: Runner = ({ text }) => {
  const manifest = parseManifest(text);
  return {
    network_name: manifest.networkName,
    peer_count: manifest.peers.length,
    bootstrap_label: manifest.bootstrap.label,
  };
};

const accountGenesis: Runner = (input, { crypto }) => {
  if (input.windows !== undefined) return { after_window: runAlone(crypto, profileFrom(input.profile)) };
  const params = foundedBy(crypto, input);
  return {
    spec_profile: describeGenesis(crypto, params, "spec"),
    node_profile: describeGenesis(crypto, params, "rc1"),
  };
};

/** The released parameters, with other bootstrap keys where their seeds are given. */
function foundedBy(crypto: Crypto, input: Input): ProtocolParams {
  if (input.bootstrap_account_key_seed === undefined) return MONTANA_PARAMS;
  return {
    ...MONTANA_PARAMS,
    bootstrapAccountPubkey: publicKeyOf(crypto, input.bootstrap_account_key_seed),
    bootstrapNodePubkey: publicKeyOf(crypto, input.bootstrap_node_key_seed),
  };
}

function describeGenesis(crypto: Crypto, params: ProtocolParams, profile: Profile) {
  const { state, roots, stateHash } = buildGenesis(crypto, params, profile);
  const [account] = state.accounts.rows();
  const [node] = state.nodes.rows();
  return {
    account: {
      account_id: account!.accountId,
      balance: account!.balance,
      suite_id: account!.suiteId,
      is_node_operator: account!.isNodeOperator,
      frontier_hash: account!.frontierHash,
      op_height: account!.opHeight,
      account_chain_length: account!.accountChainLength,
      account_chain_length_snapshot: account!.accountChainLengthSnapshot,
      current_pubkey_sha256: crypto.sha256(account!.currentPubkey),
      creation_window: account!.creationWindow,
      last_op_window: account!.lastOpWindow,
      last_activation_window: account!.lastActivationWindow,
    },
    node: {
      node_id: node!.nodeId,
      operator_account_id: node!.operatorAccountId,
      start_window: node!.startWindow,
      chain_length: node!.chainLength,
      chain_length_snapshot: node!.chainLengthSnapshot,
      chain_length_checkpoints: node!.chainLengthCheckpoints,
      last_confirmation_window: node!.lastConfirmationWindow,
    },
    account_root: roots.accountRoot,
    node_root: roots.nodeRoot,
    candidate_root: roots.candidateRoot,
    state_root: roots.stateRoot,
    genesis_state_hash: stateHash,
  };
}

const LAST_WINDOW = 34_922n;

/**
 * What every window leaves behind with one node, which wins and whose bundle is the only one: by window index, each
 * described when it is asked for, because 35 thousand state roots would take a minute.
 */
function runAlone(crypto: Crypto, profile: Profile): object {
  const { state } = buildGenesis(crypto, MONTANA_PARAMS, profile);
  const [node] = state.nodes.rows();
  const afterWindow = {};
  for (let window = 0n; window <= LAST_WINDOW; window++) {
    const draft = new StateDraft(state);
    if (window > 0n) creditEmission(draft, MONTANA_PARAMS.emissionMoneta, node!.nodeId);
    recordPresence(draft, [node!.nodeId], window);
    if (isEpochBoundary(window, MONTANA_PARAMS.tau2Windows)) rotateCheckpoints(draft);
    state.apply(draft.changes());
    const accounts = [...state.accounts.rows()];
    const nodes = [...state.nodes.rows()];
    const get = () => describeState(crypto, new MemoryState().load({ accounts, nodes }));
    Object.defineProperty(afterWindow, String(window), { get, enumerable: true });
  }
  return afterWindow;
}

function describeState(crypto: Crypto, state: MemoryState) {
  const { accountRoot, nodeRoot, candidateRoot, stateRoot } = recomputeRoots(crypto, state);
  return {
    state_root: stateRoot,
    account_root: accountRoot,
    node_root: nodeRoot,
    candidate_root: candidateRoot,
    balance: state.accounts.totalBalance,
  };
}

export const genesisRunners: Readonly<Record<string, Runner>> = {
  "02-state/genesis-params": genesisParams,
  "02-state/genesis-state": genesisState,
  "02-state/genesis-hash": genesisHash,
  "02-state/genesis-manifest": genesisManifest,
  "04-account/genesis": accountGenesis,
};
