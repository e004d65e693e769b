/** A state that a network could really be in, for tests of what is checked about received ones. */
import { sized, type AccountId, type Hash32 } from "../bytes.ts";
import { encode, u32 } from "../codec/codec.ts";
import type { Crypto, PublicKey } from "../crypto.ts";
import type { NetworkRules } from "../genesis/rules.ts";
import { nodeIdOf, SUITE_MLDSA65 } from "../identity/ids.ts";
import { MemoryState } from "./memory.ts";
import type { AccountRecord, CandidateRecord, NodeRecord } from "./records.ts";
import { creditedBy } from "./supply.ts";

export interface Counts {
  readonly accounts: number;
  readonly nodes: number;
  readonly candidates: number;
}

/** After window `anchor`, ≥ 10. Every node has an account of its own, so there are at least as many accounts as nodes. */
export function validState(crypto: Crypto, rules: NetworkRules, anchor: bigint, counts: Counts): MemoryState {
  const idOf = (i: number): AccountId => crypto.sha256(encode(u32, i)) as AccountId;
  const operators = Math.max(1, counts.nodes);
  const accounts = Array.from({ length: Math.max(operators, counts.accounts) }, (_, i): AccountRecord => ({
    accountId: idOf(i),
    balance: i === 0 ? creditedBy(rules.params.emissionMoneta, anchor) : 0n,
    suiteId: SUITE_MLDSA65,
    isNodeOperator: i < counts.nodes,
    frontierHash: zeros(),
    opHeight: 3,
    accountChainLength: 3,
    accountChainLengthSnapshot: 2,
    currentPubkey: keyOf(i),
    creationWindow: 1,
    lastOpWindow: 9,
    lastActivationWindow: 0,
  }));
  const nodes = Array.from({ length: counts.nodes }, (_, i): NodeRecord => ({
    nodeId: nodeIdOf(crypto, keyOf(i)),
    nodePubkey: keyOf(i),
    suiteId: SUITE_MLDSA65,
    operatorAccountId: idOf(i),
    startWindow: 0n,
    chainLength: 7n,
    chainLengthSnapshot: 3n,
    chainLengthCheckpoints: [0n, 0n, 0n, 1n, 3n, 7n],
    lastConfirmationWindow: anchor,
  }));
  const candidates = Array.from({ length: counts.candidates }, (_, i): CandidateRecord => ({
    nodeId: nodeIdOf(crypto, keyOf(1000 + i)),
    nodePubkey: keyOf(1000 + i),
    suiteId: SUITE_MLDSA65,
    operatorAccountId: idOf(1000 + i),
    proofEndpoint: zeros(),
    wStart: 1n,
    vdfChainLength: rules.params.vdfEntryWindows,
    registrationWindow: anchor,
    expires: anchor + rules.params.candidateExpiryWindows,
  }));
  return new MemoryState().load({ accounts, nodes, candidates });
}

function keyOf(i: number): PublicKey {
  const key = new Uint8Array(1952);
  key.set(encode(u32, i + 1));
  return sized(key, 1952);
}

function zeros(): Hash32 {
  return sized(new Uint8Array(32), 32);
}
