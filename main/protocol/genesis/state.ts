/** The state before window 0 and the identity of a network (chapter 02 §4.6, §5.1 G1 to G3). */
import { equalBytes, isAllZero, ZERO_HASH, type AccountId, type Hash32 } from "../bytes.ts";
import { encode } from "../codec/codec.ts";
import type { Crypto, PublicKey } from "../crypto.ts";
import { taggedHash } from "../hash.ts";
import { accountIdOf, nodeIdOf, SUITE_MLDSA65 } from "../identity/ids.ts";
import { MemoryState } from "../state/memory.ts";
import { CHECKPOINT_COUNT, type AccountRecord, type NodeRecord } from "../state/records.ts";
import { recomputeRoots } from "../state/recomputeRoots.ts";
import type { StateRoots } from "../state/roots.ts";
import { protocolParams, type ProtocolParams } from "./params.ts";
import type { Profile } from "./rules.ts";

/** One node of the beginning and its operator. */
export interface Founder {
  readonly accountPubkey: PublicKey;
  readonly nodePubkey: PublicKey;
}

export interface GenesisRecords {
  readonly accounts: readonly AccountRecord[];
  readonly nodes: readonly NodeRecord[];
}

/**
 * One account and one node for each founder, the bootstrap pair of `params` first. `others` is for test networks, which may
 * start with several nodes (chapter 03 §6.8); they are listed in the network's configuration, the same for every node.
 */
export function genesisRecords(
  crypto: Crypto,
  params: ProtocolParams,
  profile: Profile,
  others: readonly Founder[] = [],
): GenesisRecords {
  const bootstrap: Founder = {
    accountPubkey: params.bootstrapAccountPubkey,
    nodePubkey: params.bootstrapNodePubkey,
  };
  const founders = [bootstrap, ...others];
  return {
    accounts: founders.map(({ accountPubkey }) => genesisAccount(crypto, accountPubkey, profile)),
    nodes: founders.map((founder) => genesisNode(crypto, founder, profile)),
  };
}

function genesisAccount(crypto: Crypto, accountPubkey: PublicKey, profile: Profile): AccountRecord {
  const account = unusedAccount(crypto, accountPubkey);
  return {
    ...account,
    isNodeOperator: true,
    frontierHash: profile === "spec" ? genesisFrontier(crypto, account.accountId) : ZERO_HASH,
  };
}

function genesisNode(crypto: Crypto, { accountPubkey, nodePubkey }: Founder, profile: Profile): NodeRecord {
  return {
    nodeId: nodeIdOf(crypto, nodePubkey),
    nodePubkey,
    suiteId: SUITE_MLDSA65,
    operatorAccountId: accountIdOf(crypto, SUITE_MLDSA65, accountPubkey),
    startWindow: 0n,
    chainLength: 1n,
    chainLengthSnapshot: profile === "spec" ? 0n : 1n,
    chainLengthCheckpoints: new Array<bigint>(CHECKPOINT_COUNT).fill(0n),
    lastConfirmationWindow: 0n,
  };
}

/** What a bootstrap account has in the place of a last operation, in profile `spec`. */
export function genesisFrontier(crypto: Crypto, accountId: AccountId): Hash32 {
  return taggedHash(crypto, "mt-genesis", accountId);
}

/**
 * The record of its own account that a node of the reference adds to its local genesis where it is not the bootstrap node
 * (difference D-4). Its roots match nobody else's: only for comparing with such a node.
 */
export function unusedAccount(crypto: Crypto, accountPubkey: PublicKey): AccountRecord {
  return {
    accountId: accountIdOf(crypto, SUITE_MLDSA65, accountPubkey),
    balance: 0n,
    suiteId: SUITE_MLDSA65,
    isNodeOperator: false,
    frontierHash: ZERO_HASH,
    opHeight: 0,
    accountChainLength: 0,
    accountChainLengthSnapshot: 0,
    currentPubkey: accountPubkey,
    creationWindow: 0,
    lastOpWindow: 0,
    lastActivationWindow: 0,
  };
}

/** The identity of a network. `paramsBytes` is the canonical parameter block. */
export function genesisStateHash(crypto: Crypto, stateRoot: Hash32, paramsBytes: Uint8Array): Hash32 {
  return taggedHash(crypto, "mt-genesis", stateRoot, paramsBytes);
}

/** Are the values set that a decree leaves zero until its ceremony? */
export function isFinalized(params: ProtocolParams): boolean {
  return ![
    params.bootstrapAccountPubkey,
    params.bootstrapNodePubkey,
    params.targetZero,
    params.genesisContentDataHash,
  ].some(isAllZero);
}

export interface Genesis {
  readonly params: ProtocolParams;
  readonly state: MemoryState;
  readonly roots: StateRoots;
  readonly stateHash: Hash32;
}

export function buildGenesis(
  crypto: Crypto,
  params: ProtocolParams,
  profile: Profile,
  others: readonly Founder[] = [],
): Genesis {
  const state = new MemoryState().load(genesisRecords(crypto, params, profile, others));
  const roots = recomputeRoots(crypto, state);
  const stateHash = genesisStateHash(crypto, roots.stateRoot, encode(protocolParams, params));
  return { params, state, roots, stateHash };
}

/** What a network has built in to recognise its own genesis. */
export interface GenesisBinding extends StateRoots {
  readonly paramsSha256: Hash32;
  readonly genesisStateHash: Hash32;
}

export type GenesisFault =
  "parameters-differ" | "genesis-roots-differ" | "genesis-state-hash-differs" | "genesis-not-finalized";

/**
 * Checks G1 to G3 of a start; any fault means: do not start. That the reserved bytes are zero, the codec of the parameter
 * block sees to. `isProduction` is false for test networks alone.
 */
export function findGenesisFault(
  crypto: Crypto,
  genesis: Genesis,
  binding: GenesisBinding,
  isProduction: boolean,
): GenesisFault | undefined {
  const { params, roots, stateHash } = genesis;
  if (!equalBytes(crypto.sha256(encode(protocolParams, params)), binding.paramsSha256)) return "parameters-differ";
  const areRootsEqual =
    equalBytes(roots.accountRoot, binding.accountRoot) &&
    equalBytes(roots.nodeRoot, binding.nodeRoot) &&
    equalBytes(roots.candidateRoot, binding.candidateRoot) &&
    equalBytes(roots.stateRoot, binding.stateRoot);
  if (!areRootsEqual) return "genesis-roots-differ";
  if (!equalBytes(stateHash, binding.genesisStateHash)) return "genesis-state-hash-differs";
  if (isProduction && !isFinalized(params)) return "genesis-not-finalized";
  return undefined;
}
