/** The notation of chapter 02 §9: public keys, records, headers and parameter blocks by the field names of §3. */
import { concatBytes, sized } from "../../../main/protocol/bytes.ts";
import { encode, u32 } from "../../../main/protocol/codec/codec.ts";
import {
  MLDSA_PUBLIC_KEY_SIZE,
  MLDSA_SIGNATURE_SIZE,
  type Crypto,
  type PublicKey,
  type Signature,
} from "../../../main/protocol/crypto.ts";
import { MONTANA_PARAMS } from "../../../main/protocol/genesis/montana.ts";
import type { ProtocolParams } from "../../../main/protocol/genesis/params.ts";
import { leafHash } from "../../../main/protocol/merkle/hashing.ts";
import type { ProposalHeader } from "../../../main/protocol/objects/consensus.ts";
import type { Draft } from "../../../main/protocol/objects/signed.ts";
import { MemoryState } from "../../../main/protocol/state/memory.ts";
import type { AccountRecord, CandidateRecord, NodeRecord } from "../../../main/protocol/state/records.ts";
import type { Input } from "../harness.ts";
import { accountIdOf, big, hex, hex32, nodeIdOf } from "./inputs.ts";

/** `{fill}`: equal bytes; `{ctr}`: SHA-256 of a 32-byte value and a counter; `{mldsa65_seed}`: the key of that seed. */
export function publicKeyFrom(crypto: Crypto, notation: Input): PublicKey {
  if (typeof notation === "string") return sized(hex(notation), MLDSA_PUBLIC_KEY_SIZE);
  if ("fill" in notation) return filledKey(hex(notation.fill)[0]!);
  if ("mldsa65_seed" in notation) return crypto.mldsa65.generate(hex(notation.mldsa65_seed)).publicKey;
  const start = hex(notation.ctr);
  const blocks = Array.from({ length: MLDSA_PUBLIC_KEY_SIZE / 32 }, (_, i) =>
    crypto.sha256(concatBytes(start, encode(u32, i))),
  );
  return sized(concatBytes(...blocks), MLDSA_PUBLIC_KEY_SIZE);
}

export function filledKey(byte: number): PublicKey {
  return new Uint8Array(MLDSA_PUBLIC_KEY_SIZE).fill(byte) as PublicKey;
}

export function accountFrom(crypto: Crypto, record: Input): AccountRecord {
  return {
    accountId: accountIdOf(record.account_id),
    balance: big(record.balance),
    suiteId: Number(record.suite_id),
    isNodeOperator: Boolean(record.is_node_operator),
    frontierHash: hex32(record.frontier_hash),
    opHeight: Number(record.op_height),
    accountChainLength: Number(record.account_chain_length),
    accountChainLengthSnapshot: Number(record.account_chain_length_snapshot),
    currentPubkey: publicKeyFrom(crypto, record.current_pubkey),
    creationWindow: Number(record.creation_window),
    lastOpWindow: Number(record.last_op_window),
    lastActivationWindow: Number(record.last_activation_window),
  };
}

export function nodeFrom(crypto: Crypto, record: Input): NodeRecord {
  return {
    nodeId: nodeIdOf(record.node_id),
    nodePubkey: publicKeyFrom(crypto, record.node_pubkey),
    suiteId: Number(record.suite_id),
    operatorAccountId: accountIdOf(record.operator_account_id),
    startWindow: big(record.start_window),
    chainLength: big(record.chain_length),
    chainLengthSnapshot: big(record.chain_length_snapshot),
    chainLengthCheckpoints: (record.chain_length_checkpoints as unknown[]).map(big),
    lastConfirmationWindow: big(record.last_confirmation_window),
  };
}

export function candidateFrom(crypto: Crypto, record: Input): CandidateRecord {
  return {
    nodeId: nodeIdOf(record.node_id),
    nodePubkey: publicKeyFrom(crypto, record.node_pubkey),
    suiteId: Number(record.suite_id),
    operatorAccountId: accountIdOf(record.operator_account_id),
    proofEndpoint: hex32(record.proof_endpoint),
    wStart: big(record.w_start),
    vdfChainLength: big(record.vdf_chain_length),
    registrationWindow: big(record.registration_window),
    expires: big(record.expires),
  };
}

/** The lists `accounts`, `nodes` and `candidates` of an input; a missing one is empty. */
export function stateFrom(crypto: Crypto, input: Input): MemoryState {
  const list = (name: string): readonly Input[] => (input[name] as readonly Input[] | undefined) ?? [];
  return new MemoryState().load({
    accounts: list("accounts").map((record) => accountFrom(crypto, record)),
    nodes: list("nodes").map((record) => nodeFrom(crypto, record)),
    candidates: list("candidates").map((record) => candidateFrom(crypto, record)),
  });
}

export function headerFieldsFrom(header: Input): Draft<ProposalHeader> {
  return {
    prevProposalHash: hex32(header.prev_proposal_hash),
    windowIndex: big(header.window_index),
    protocolVersion: Number(header.protocol_version),
    controlRoot: hex32(header.control_root),
    nodeRoot: hex32(header.node_root),
    candidateRoot: hex32(header.candidate_root),
    accountRoot: hex32(header.account_root),
    stateRoot: hex32(header.state_root),
    timechainValue: hex32(header.timechain_value),
    includedBundlesRoot: hex32(header.included_bundles_root),
    includedRevealsRoot: hex32(header.included_reveals_root),
    winnerEndpoint: hex32(header.winner_endpoint),
    winnerId: nodeIdOf(header.winner_id),
    proposerNodeId: nodeIdOf(header.proposer_node_id),
    target: big(header.target),
    fallbackDepth: Number(header.fallback_depth),
  };
}

/** A header whose signature is `signature_fill` throughout, or `signature` in hex. */
export function headerFrom(header: Input): ProposalHeader {
  return {
    ...headerFieldsFrom(header),
    signature:
      header.signature === undefined
        ? (new Uint8Array(MLDSA_SIGNATURE_SIZE).fill(hex(header.signature_fill)[0]!) as Signature)
        : sized(hex(header.signature), MLDSA_SIGNATURE_SIZE),
  };
}

/** `"mainnet"`, or the fields of a block; the bootstrap keys stand beside it, as text where they are the released ones. */
export function paramsFrom(crypto: Crypto, input: Input): ProtocolParams {
  const { params } = input;
  if (params === "mainnet") return MONTANA_PARAMS;
  const key = (notation: Input, released: PublicKey): PublicKey =>
    typeof notation === "string" ? released : publicKeyFrom(crypto, notation);
  return {
    d0: big(params.d0),
    reserved: sized(hex(params.reserved), 8),
    tau2Windows: big(params.tau2_windows),
    emissionMoneta: big(params.emission_moneta),
    targetZero: hex32(params.target_zero),
    confirmationQuorumNum: Number(params.confirmation_quorum_num),
    confirmationQuorumDen: Number(params.confirmation_quorum_den),
    participationDeadZoneLow: Number(params.participation_dead_zone_low),
    participationDeadZoneHigh: Number(params.participation_dead_zone_high),
    dAdjustmentRateNum: Number(params.d_adjustment_rate_num),
    dAdjustmentRateDen: Number(params.d_adjustment_rate_den),
    vdfEntryWindows: big(params.vdf_entry_windows),
    selectionInterval: big(params.selection_interval),
    admissionDivisor: big(params.admission_divisor),
    candidateExpiryWindows: big(params.candidate_expiry_windows),
    adaptiveVdfThreshold: Number(params.adaptive_vdf_threshold),
    adaptiveVdfMultiplier: Number(params.adaptive_vdf_multiplier),
    pruningIdleWindows: big(params.pruning_idle_windows),
    bootstrapAccountPubkey: key(input.bootstrap_account_pubkey, MONTANA_PARAMS.bootstrapAccountPubkey),
    bootstrapNodePubkey: key(input.bootstrap_node_pubkey, MONTANA_PARAMS.bootstrapNodePubkey),
    genesisContentAppId: hex32(params.genesis_content_app_id),
    genesisContentDataHash: hex32(params.genesis_content_data_hash),
  };
}

const PUBLIC_KEY_OFFSET = { account: 95, node: 32, candidate: 32 } as const;

/** The bytes of a record, whole and on both sides of its public key. */
export function describeRecord(crypto: Crypto, bytes: Uint8Array, kind: keyof typeof PUBLIC_KEY_OFFSET) {
  const keyStart = PUBLIC_KEY_OFFSET[kind];
  return {
    size: bytes.length,
    before_pubkey: bytes.subarray(0, keyStart),
    after_pubkey: bytes.subarray(keyStart + MLDSA_PUBLIC_KEY_SIZE),
    encoded_sha256: crypto.sha256(bytes),
    leaf_hash: leafHash(crypto, bytes),
    encoded: bytes,
  };
}
