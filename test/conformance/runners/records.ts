/** The records of chapter 02's suites: field names of §3, public keys as {fill}, {ctr}, {mldsa65_seed} or hex (§9). */
import { concatBytes, sized, toHex } from "../../../main/protocol/bytes.ts";
import { encode, u32 } from "../../../main/protocol/codec/codec.ts";
import { MLDSA_PUBLIC_KEY_SIZE, type Crypto, type PublicKey } from "../../../main/protocol/crypto.ts";
import type { AccountRecord, CandidateRecord, NodeRecord } from "../../../main/protocol/state/records.ts";
import type { Input } from "../harness.ts";
import { publicKeyOf } from "./descriptors.ts";
import { accountIdOf, big, hex, hex32, nodeIdOf } from "./inputs.ts";

export function publicKeyNotation(crypto: Crypto, notation: Input): PublicKey {
  if (typeof notation === "string") return sized(hex(notation), MLDSA_PUBLIC_KEY_SIZE);
  if (notation.fill !== undefined) {
    return new Uint8Array(MLDSA_PUBLIC_KEY_SIZE).fill(hex(notation.fill)[0]!) as PublicKey;
  }
  if (notation.mldsa65_seed !== undefined) return publicKeyOf(crypto, toHex(hex(notation.mldsa65_seed)));
  const seed = hex(notation.ctr);
  const blocks = Array.from({ length: Math.ceil(MLDSA_PUBLIC_KEY_SIZE / 32) }, (_, i) =>
    crypto.sha256(concatBytes(seed, encode(u32, i))),
  );
  return concatBytes(...blocks).slice(0, MLDSA_PUBLIC_KEY_SIZE) as PublicKey;
}

export function accountRecordIn(crypto: Crypto, record: Input): AccountRecord {
  return {
    accountId: accountIdOf(record.account_id),
    balance: big(record.balance),
    suiteId: record.suite_id,
    isNodeOperator: record.is_node_operator,
    frontierHash: hex32(record.frontier_hash),
    opHeight: record.op_height,
    accountChainLength: record.account_chain_length,
    accountChainLengthSnapshot: record.account_chain_length_snapshot,
    currentPubkey: publicKeyNotation(crypto, record.current_pubkey),
    creationWindow: record.creation_window,
    lastOpWindow: record.last_op_window,
    lastActivationWindow: record.last_activation_window,
  };
}

export function nodeRecordIn(crypto: Crypto, record: Input): NodeRecord {
  return {
    nodeId: nodeIdOf(record.node_id),
    nodePubkey: publicKeyNotation(crypto, record.node_pubkey),
    suiteId: record.suite_id,
    operatorAccountId: accountIdOf(record.operator_account_id),
    startWindow: big(record.start_window),
    chainLength: big(record.chain_length),
    chainLengthSnapshot: big(record.chain_length_snapshot),
    chainLengthCheckpoints: record.chain_length_checkpoints.map(big),
    lastConfirmationWindow: big(record.last_confirmation_window),
  };
}

export function candidateRecordIn(crypto: Crypto, record: Input): CandidateRecord {
  return {
    nodeId: nodeIdOf(record.node_id),
    nodePubkey: publicKeyNotation(crypto, record.node_pubkey),
    suiteId: record.suite_id,
    operatorAccountId: accountIdOf(record.operator_account_id),
    proofEndpoint: hex32(record.proof_endpoint),
    wStart: big(record.w_start),
    vdfChainLength: big(record.vdf_chain_length),
    registrationWindow: big(record.registration_window),
    expires: big(record.expires),
  };
}
