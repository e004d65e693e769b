/** The small network that simulations run: real rules, small numbers. */
import { encode, u32 } from "../../main/protocol/codec/codec.ts";
import { byteKey, type Hash32 } from "../../main/protocol/bytes.ts";
import type { Crypto, PublicKey, SecretKey } from "../../main/protocol/crypto.ts";
import { MONTANA_PARAMS } from "../../main/protocol/genesis/montana.ts";
import { rulesOf, type NetworkRules } from "../../main/protocol/genesis/rules.ts";
import { genesisRecords } from "../../main/protocol/genesis/state.ts";
import { accountIdOf, nodeIdOf } from "../../main/protocol/identity/ids.ts";
import type { AccountId, NodeId } from "../../main/protocol/bytes.ts";

/** Iterations of a window: enough for timers to differ, cheap to hash for real. */
export const D0 = 64n;

export interface KeyPair {
  readonly publicKey: PublicKey;
  readonly secretKey: SecretKey;
}

/** A node and its operator's account. */
export interface Member {
  readonly node: KeyPair;
  readonly account: KeyPair;
  readonly nodeId: NodeId;
  readonly accountId: AccountId;
}

export function memberOf(crypto: Crypto, index: number): Member {
  const node = crypto.mldsa65.generate(encode(u32, 2 * index));
  const account = crypto.mldsa65.generate(encode(u32, 2 * index + 1));
  return {
    node,
    account,
    nodeId: nodeIdOf(crypto, node.publicKey),
    accountId: accountIdOf(crypto, 1, account.publicKey),
  };
}

export function simulationRules(members: readonly Member[], tau2Windows: bigint): NetworkRules {
  const [bootstrap] = members;
  return rulesOf(
    {
      ...MONTANA_PARAMS,
      d0: D0,
      tau2Windows,
      vdfEntryWindows: tau2Windows,
      selectionInterval: tau2Windows,
      candidateExpiryWindows: 3n * tau2Windows,
      pruningIdleWindows: 4n * tau2Windows,
      bootstrapAccountPubkey: bootstrap!.account.publicKey,
      bootstrapNodePubkey: bootstrap!.node.publicKey,
    },
    "spec",
  );
}

/** `chainLengths` where nodes do not start equal. */
export function simulationGenesis(
  crypto: Crypto,
  rules: NetworkRules,
  members: readonly Member[],
  chainLengths: readonly bigint[] = [],
) {
  const others = members
    .slice(1)
    .map(({ account, node }) => ({ accountPubkey: account.publicKey, nodePubkey: node.publicKey }));
  const { accounts, nodes } = genesisRecords(crypto, rules.params, "spec", others);
  return {
    accounts,
    nodes: nodes.map((node, i) => ({ ...node, chainLength: chainLengths[i] ?? node.chainLength })),
  };
}

/** VDF steps are shared by all simulated nodes: each is hashed once. */
export function vdfValue(crypto: Crypto, chains: Map<string, Hash32>, from: Hash32, iterations: bigint): Hash32 {
  const key = `${byteKey(from)}/${iterations}`;
  let value = chains.get(key);
  if (value === undefined) chains.set(key, (value = crypto.sha256Chain(from, Number(iterations))));
  return value;
}
