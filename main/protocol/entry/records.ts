/** The records that entry writes (chapter 05 §3.2 to §3.4). */
import { equalBytes, ZERO_HASH, type AccountId } from "../bytes.ts";
import type { Crypto, PublicKey } from "../crypto.ts";
import { accountWindow } from "../accounts/apply.ts";
import type { ProtocolParams } from "../genesis/params.ts";
import { accountIdOf, nodeIdOf } from "../identity/ids.ts";
import type { NodeRegistration } from "../objects/nodeRegistration.ts";
import { CHECKPOINT_COUNT, type AccountRecord, type CandidateRecord, type NodeRecord } from "../state/records.ts";

/** What the transition of window `wP` puts into the pool for `registration`. */
export function candidateFromRegistration(
  crypto: Crypto,
  registration: NodeRegistration,
  wP: bigint,
  params: ProtocolParams,
): CandidateRecord {
  return {
    nodeId: nodeIdOf(crypto, registration.nodePubkey),
    nodePubkey: registration.nodePubkey,
    suiteId: registration.suiteId,
    operatorAccountId: registration.operatorAccountId,
    proofEndpoint: registration.proofEndpoint,
    wStart: registration.wStart,
    vdfChainLength: registration.vdfChainLength,
    registrationWindow: wP,
    expires: expiryWindow(wP, params),
  };
}

/** First window in which a candidate registered in `registrationWindow` is no longer in the pool. */
export function expiryWindow(registrationWindow: bigint, params: ProtocolParams): bigint {
  return registrationWindow + params.candidateExpiryWindows;
}

/** §4.7: is the candidate removed by the transition of `window`, or was it before? */
export function hasExpired(candidate: CandidateRecord, window: bigint): boolean {
  return candidate.expires <= window;
}

/** The same in both admission modes (§3.3). */
export function nodeFromCandidate(candidate: CandidateRecord, window: bigint): NodeRecord {
  return {
    nodeId: candidate.nodeId,
    nodePubkey: candidate.nodePubkey,
    suiteId: candidate.suiteId,
    operatorAccountId: candidate.operatorAccountId,
    startWindow: window,
    chainLength: 1n,
    chainLengthSnapshot: 0n,
    chainLengthCheckpoints: new Array<bigint>(CHECKPOINT_COUNT).fill(0n),
    lastConfirmationWindow: 0n,
  };
}

/**
 * The self-keyed operator account that an admission in `window` creates where there is none, before it is credited (§3.4,
 * rule PW-13). Throws `ProtocolError("window-exceeds-u32")`.
 */
export function operatorAccountFromCandidate(candidate: CandidateRecord, window: bigint): AccountRecord {
  return {
    accountId: candidate.operatorAccountId,
    balance: 0n,
    suiteId: candidate.suiteId,
    isNodeOperator: true,
    frontierHash: ZERO_HASH,
    opHeight: 0,
    accountChainLength: 0,
    accountChainLengthSnapshot: 0,
    currentPubkey: candidate.nodePubkey,
    creationWindow: accountWindow(window),
    lastOpWindow: accountWindow(window),
    lastActivationWindow: 0,
  };
}

interface OperatorClaim {
  readonly suiteId: number;
  readonly nodePubkey: PublicKey;
  readonly operatorAccountId: AccountId;
}

/** Is the operator account of a candidate or registration the one that its node key itself would have (rule PW-13)? */
export function isSelfKeyedOperator(crypto: Crypto, claim: OperatorClaim): boolean {
  return equalBytes(claim.operatorAccountId, accountIdOf(crypto, claim.suiteId, claim.nodePubkey));
}
