/** The three records of the replicated state (chapter 02 §3.1 to §3.3). */
import {
  accountId,
  flag,
  hash32,
  nodeId,
  publicKey,
  struct,
  tuple,
  u128,
  u16,
  u32,
  u64,
  type Infer,
} from "../codec/codec.ts";

/** 2059 bytes, key `accountId`. Balances are in nɈ, windows in u32 here and in u64 everywhere else. */
export const accountRecord = struct({
  accountId,
  balance: u128,
  suiteId: u16,
  isNodeOperator: flag,
  /** Identifier of the last operation of this account; zeros before the first one. */
  frontierHash: hash32,
  opHeight: u32,
  accountChainLength: u32,
  /** Copy of `accountChainLength` at the last τ₂ boundary. */
  accountChainLengthSnapshot: u32,
  currentPubkey: publicKey,
  creationWindow: u32,
  lastOpWindow: u32,
  /** Last window in which this account created another one; 0 = never. */
  lastActivationWindow: u32,
});
export type AccountRecord = Infer<typeof accountRecord>;

export const CHECKPOINT_COUNT = 6;

/** 2098 bytes, key `nodeId`. */
export const nodeRecord = struct({
  nodeId,
  nodePubkey: publicKey,
  suiteId: u16,
  operatorAccountId: accountId,
  startWindow: u64,
  /** 1 at admission, +1 per window of presence. */
  chainLength: u64,
  /** `chainLength` − oldest checkpoint at the last τ₂ boundary; committed, but not what the lottery uses (03 §4.6). */
  chainLengthSnapshot: u64,
  /** Index 0 is the oldest. */
  chainLengthCheckpoints: tuple(u64, CHECKPOINT_COUNT),
  /** Last window of presence; 0 at admission. */
  lastConfirmationWindow: u64,
});
export type NodeRecord = Infer<typeof nodeRecord>;

/** 2082 bytes, key `nodeId`. */
export const candidateRecord = struct({
  nodeId,
  nodePubkey: publicKey,
  suiteId: u16,
  operatorAccountId: accountId,
  proofEndpoint: hash32,
  wStart: u64,
  vdfChainLength: u64,
  registrationWindow: u64,
  expires: u64,
});
export type CandidateRecord = Infer<typeof candidateRecord>;
