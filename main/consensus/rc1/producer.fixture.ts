/** A producer of v1.0.0-rc.1: as it was recorded (test/fixtures/rc1/producer.json), and as its key could have gone on. */
import { readFileSync } from "node:fs";

import { loadCrypto } from "../../native/index.ts";
import { fromHex, sized, ZERO_HASH, type Hash32 } from "../../protocol/bytes.ts";
import type { PublicKey } from "../../protocol/crypto.ts";
import { MONTANA_PARAMS } from "../../protocol/genesis/montana.ts";
import { rulesOf, type NetworkRules } from "../../protocol/genesis/rules.ts";
import { genesisRecords } from "../../protocol/genesis/state.ts";
import { nodeIdOf } from "../../protocol/identity/ids.ts";
import { proposalHeader, type ProposalHeader } from "../../protocol/objects/consensus.ts";
import { deriveSingletonWindow } from "../../protocol/rc1/singleton.ts";
import { MemoryState } from "../../protocol/state/memory.ts";
import { emptyTrees, updateTrees } from "../../protocol/state/roots.ts";
import { genesisTimechainValue } from "../../protocol/timechain/genesisValue.ts";
import { genesisEpoch } from "../../protocol/transition/adaptEpoch.ts";
import type { Settled } from "../../protocol/transition/applyWindow.ts";

export const { crypto } = loadCrypto();
const recorded = JSON.parse(
  readFileSync(new URL("../../../test/fixtures/rc1/producer.json", import.meta.url), "utf8"),
) as Record<"d0" | "tau2_windows", number> &
  Record<"bootstrap_account_pubkey" | "bootstrap_node_pubkey" | "node_seed", string> & {
    readonly headers: readonly string[];
  };
export const params = {
  ...MONTANA_PARAMS,
  ...{ d0: BigInt(recorded.d0), tau2Windows: BigInt(recorded.tau2_windows) },
  bootstrapAccountPubkey: fromHex(recorded.bootstrap_account_pubkey)! as PublicKey,
  bootstrapNodePubkey: fromHex(recorded.bootstrap_node_pubkey)! as PublicKey,
};
export const rules = rulesOf(params, "rc1");
export const payloads = recorded.headers.map((text) => fromHex(text)!);
export const headers = payloads.map((payload) => proposalHeader.decode(payload));
/** Of the producer: this window names no parent. */
export const AFTER_RESTART = 6;

/** Of an identity that only tests know: what the producer would say if it were wrong can be signed as well. */
const { secretKey } = crypto.mldsa65.generate(fromHex(recorded.node_seed)!);

export function genesis(): Settled & { readonly state: MemoryState } {
  const { accounts, nodes } = genesisRecords(crypto, params, "rc1");
  const trees = updateTrees(crypto, emptyTrees(crypto), {
    accounts: accounts.map((row) => ({ id: row.accountId, row })),
    nodes: nodes.map((row) => ({ id: row.nodeId, row })),
    candidates: [],
  });
  return { state: new MemoryState().load({ accounts, nodes }), trees, epoch: genesisEpoch(rules) };
}

/** Hashing is what costs; the same step is taken once. */
const steps = new Map<string, Hash32>();
export function stepFrom(value: Hash32, iterations: bigint): Hash32 {
  const key = `${iterations} ${value.join()}`;
  const known = steps.get(key) ?? hashed(value, iterations);
  steps.set(key, known);
  return known;
}

function hashed(value: Hash32, iterations: bigint): Hash32 {
  const run = crypto.chainRun(value);
  run.advance(Number(iterations));
  return sized(run.value, 32);
}

export function signed(header: ProposalHeader): Uint8Array {
  return proposalHeader.encode(proposalHeader.sign(crypto, secretKey, header));
}

/** As a producer of other rules makes it. */
export function chainOf(other: NetworkRules, count: number, restarts: readonly number[] = []): Uint8Array[] {
  const producer = nodeIdOf(crypto, params.bootstrapNodePubkey);
  const { state, trees: first } = genesis();
  let settled: Settled = { state, trees: first, epoch: genesisEpoch(other) };
  let timechainValue = genesisTimechainValue(crypto);
  let prevProposalHash: Hash32 = ZERO_HASH;
  return Array.from({ length: count }, (_, window) => {
    if (restarts.includes(window)) prevProposalHash = ZERO_HASH;
    const inputs = { window: BigInt(window), timechainValue, prevProposalHash, producer };
    const { header, changes, trees, epoch } = deriveSingletonWindow(crypto, other, settled, inputs);
    state.apply(changes);
    settled = { state, trees, epoch };
    timechainValue = stepFrom(timechainValue, epoch.d);
    prevProposalHash = proposalHeader.identify(crypto, header);
    return proposalHeader.encode(proposalHeader.sign(crypto, secretKey, header));
  });
}
