/** Values of the protocol's layouts, made from chance. */
import {
  compareBytes,
  equalBytes,
  type AccountId,
  type Bytes,
  type Hash32,
  type NodeId,
} from "../../main/protocol/bytes.ts";
import type { PublicKey, Signature } from "../../main/protocol/crypto.ts";
import type { ProtocolParams, SpecProtocolParams } from "../../main/protocol/genesis/params.ts";
import type {
  BundledConfirmation,
  NamedHash,
  ProposalBody,
  ProposalHeader,
} from "../../main/protocol/objects/consensus.ts";
import type { ProposalVote, VdfReveal } from "../../main/protocol/objects/consensus.ts";
import { TYPE_NODE_REGISTRATION, type NodeRegistration } from "../../main/protocol/objects/nodeRegistration.ts";
import {
  TYPE_ANCHOR,
  TYPE_CHANGE_KEY,
  TYPE_CREATE,
  TYPE_TRANSFER,
  type Operation,
} from "../../main/protocol/objects/operations.ts";
import type { AccountRecord, CandidateRecord, NodeRecord } from "../../main/protocol/state/records.ts";
import { CHECKPOINT_COUNT } from "../../main/protocol/state/records.ts";
import type { Random } from "./random.ts";

export const u8 = (random: Random): number => Number(random.uint(8));
export const u16 = (random: Random): number => Number(random.uint(16));
export const u32 = (random: Random): number => Number(random.uint(32));
export const u64 = (random: Random): bigint => random.uint(64);
export const u128 = (random: Random): bigint => random.uint(128);

/** Most bytes of an object are keys and signatures, whose content means nothing here: cheap ones are as good. */
export function blob<N extends number>(random: Random, length: N): Bytes<N> {
  const bytes = random.once(4) ? random.bytes(length) : new Uint8Array(length).fill(random.below(256));
  return bytes as Bytes<N>;
}

export const hash32 = (random: Random): Hash32 => random.bytes(32) as Hash32;
export const accountId = (random: Random): AccountId => hash32(random) as AccountId;
export const nodeId = (random: Random): NodeId => hash32(random) as NodeId;
export const publicKey = (random: Random): PublicKey => blob(random, 1952);
export const signature = (random: Random): Signature => blob(random, 3309);

export function listOf<T>(random: Random, most: number, make: (random: Random) => T): T[] {
  return Array.from({ length: random.small(most + 1) }, () => make(random));
}

/** Strictly ascending by `key`. */
export function ascending<T>(values: readonly T[], key: (value: T) => Uint8Array): T[] {
  return [...values]
    .sort((a, b) => compareBytes(key(a), key(b)))
    .filter((value, i, sorted) => i === 0 || !equalBytes(key(value), key(sorted[i - 1]!)));
}

export const accountRecord = (random: Random): AccountRecord => ({
  accountId: accountId(random),
  balance: u128(random),
  suiteId: u16(random),
  isNodeOperator: random.once(2),
  frontierHash: hash32(random),
  opHeight: u32(random),
  accountChainLength: u32(random),
  accountChainLengthSnapshot: u32(random),
  currentPubkey: publicKey(random),
  creationWindow: u32(random),
  lastOpWindow: u32(random),
  lastActivationWindow: u32(random),
});

export const nodeRecord = (random: Random): NodeRecord => ({
  nodeId: nodeId(random),
  nodePubkey: publicKey(random),
  suiteId: u16(random),
  operatorAccountId: accountId(random),
  startWindow: u64(random),
  chainLength: u64(random),
  chainLengthSnapshot: u64(random),
  chainLengthCheckpoints: Array.from({ length: CHECKPOINT_COUNT }, () => u64(random)),
  lastConfirmationWindow: u64(random),
});

export const candidateRecord = (random: Random): CandidateRecord => ({
  nodeId: nodeId(random),
  nodePubkey: publicKey(random),
  suiteId: u16(random),
  operatorAccountId: accountId(random),
  proofEndpoint: hash32(random),
  wStart: u64(random),
  vdfChainLength: u64(random),
  registrationWindow: u64(random),
  expires: u64(random),
});

export const protocolParams = (random: Random): ProtocolParams => ({
  d0: u64(random),
  reserved: new Uint8Array(8) as Bytes<8>,
  tau2Windows: u64(random),
  emissionMoneta: u128(random),
  targetZero: hash32(random),
  confirmationQuorumNum: u8(random),
  confirmationQuorumDen: u8(random),
  participationDeadZoneLow: u16(random),
  participationDeadZoneHigh: u16(random),
  dAdjustmentRateNum: u16(random),
  dAdjustmentRateDen: u16(random),
  vdfEntryWindows: u64(random),
  selectionInterval: u64(random),
  admissionDivisor: u64(random),
  candidateExpiryWindows: u64(random),
  adaptiveVdfThreshold: u16(random),
  adaptiveVdfMultiplier: u16(random),
  pruningIdleWindows: u64(random),
  bootstrapAccountPubkey: publicKey(random),
  bootstrapNodePubkey: publicKey(random),
  genesisContentAppId: hash32(random),
  genesisContentDataHash: hash32(random),
});

export const specProtocolParams = (random: Random): SpecProtocolParams => ({
  ...protocolParams(random),
  bootstrapPowDifficulty: u32(random),
  maxProtocolPayloadBytes: u32(random),
  maxSfCiphertextBytes: u32(random),
});

export const vdfReveal = (random: Random): VdfReveal => ({
  nodeId: nodeId(random),
  windowIndex: u64(random),
  endpoint: hash32(random),
  signature: signature(random),
});

/** Lists are short here; the corpus of a decoder holds the longest. */
const HASHES_MAX = 24;

export const ascendingHashes = (random: Random, most = HASHES_MAX): Hash32[] =>
  ascending(listOf(random, most, hash32), (hash) => hash);

export const bundledConfirmation = (random: Random, most = HASHES_MAX): BundledConfirmation => ({
  nodeId: nodeId(random),
  endpoint: hash32(random),
  windowIndex: u64(random),
  opHashes: ascendingHashes(random, most),
  revealHashes: ascendingHashes(random, most),
  signature: signature(random),
});

export const proposalHeader = (random: Random): ProposalHeader => ({
  prevProposalHash: hash32(random),
  windowIndex: u64(random),
  protocolVersion: u32(random),
  controlRoot: hash32(random),
  nodeRoot: hash32(random),
  candidateRoot: hash32(random),
  accountRoot: hash32(random),
  stateRoot: hash32(random),
  timechainValue: hash32(random),
  includedBundlesRoot: hash32(random),
  includedRevealsRoot: hash32(random),
  winnerEndpoint: hash32(random),
  winnerId: nodeId(random),
  proposerNodeId: nodeId(random),
  target: u128(random),
  fallbackDepth: u8(random),
  signature: signature(random),
});

const namedHashes = (random: Random, most: number): NamedHash[] =>
  ascending(
    listOf(random, most, () => ({ nodeId: nodeId(random), hash: hash32(random) })),
    (entry) => entry.nodeId,
  );

export const proposalBody = (random: Random, most = HASHES_MAX): ProposalBody => ({
  proposalHash: hash32(random),
  windowIndex: u64(random),
  bundles: namedHashes(random, most),
  evidence: namedHashes(random, most),
  reveals: namedHashes(random, most),
  controlHashes: listOf(random, most, hash32),
});

export const proposalVote = (random: Random): ProposalVote => ({
  nodeId: nodeId(random),
  windowIndex: u64(random),
  round: u8(random),
  phase: u8(random),
  proposalHash: hash32(random),
  signature: signature(random),
});

export const createFields = (random: Random) => ({
  prevHash: hash32(random),
  sender: accountId(random),
  receiver: accountId(random),
  suiteId: u16(random),
  receiverPubkey: publicKey(random),
  amount: u128(random),
  signature: signature(random),
});

export function operation(random: Random): Operation {
  const chainLink = { prevHash: hash32(random), sender: accountId(random) };
  switch (random.below(4)) {
    case 0:
      return { type: TYPE_CREATE, ...createFields(random) };
    case 1:
      return {
        type: TYPE_CHANGE_KEY,
        ...chainLink,
        newSuiteId: u16(random),
        newPubkey: publicKey(random),
        signature: signature(random),
      };
    case 2:
      return {
        type: TYPE_ANCHOR,
        ...chainLink,
        appId: hash32(random),
        dataHash: hash32(random),
        signature: signature(random),
      };
    default:
      return {
        type: TYPE_TRANSFER,
        ...chainLink,
        link: accountId(random),
        amount: u128(random),
        signature: signature(random),
      };
  }
}

export const nodeRegistration = (random: Random): NodeRegistration => ({
  type: TYPE_NODE_REGISTRATION,
  suiteId: u16(random),
  nodePubkey: publicKey(random),
  operatorAccountId: accountId(random),
  proofEndpoint: hash32(random),
  wStart: u64(random),
  vdfChainLength: u64(random),
  signature: signature(random),
});
