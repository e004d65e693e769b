import { expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { sized, ZERO_HASH } from "../bytes.ts";
import { MONTANA_PARAMS } from "../genesis/montana.ts";
import { rulesOf } from "../genesis/rules.ts";
import { genesisRecords } from "../genesis/state.ts";
import { proposalHeader, type ProposalHeader } from "../objects/consensus.ts";
import { MemoryState } from "../state/memory.ts";
import { emptyTrees } from "../state/roots.ts";
import { genesisTimechainValue } from "../timechain/genesisValue.ts";
import { genesisEpoch } from "../transition/adaptEpoch.ts";
import {
  checkSingletonHeader,
  deriveSingletonWindow,
  type SingletonInputs,
  type SingletonWindow,
} from "./singleton.ts";

const { crypto } = loadCrypto();
const key = crypto.mldsa65.generate(new Uint8Array(32).fill(5));
const params = {
  ...MONTANA_PARAMS,
  tau2Windows: 4n,
  bootstrapAccountPubkey: key.publicKey,
  bootstrapNodePubkey: key.publicKey,
};
const rules = rulesOf(params, "rc1");
const genesis = genesisRecords(crypto, params, "rc1");
const producer = genesis.nodes[0]!.nodeId;
const previous = sized(new Uint8Array(32).fill(0xab), 32);
const other = sized(new Uint8Array(32).fill(0xcd), 32);

function derive(inputs: Partial<SingletonInputs> = {}): SingletonWindow {
  const settled = { state: new MemoryState().load(genesis), trees: emptyTrees(crypto), epoch: genesisEpoch(rules) };
  return deriveSingletonWindow(crypto, rules, settled, {
    window: 6n,
    timechainValue: genesisTimechainValue(crypto),
    prevProposalHash: previous,
    producer,
    ...inputs,
  });
}

function check(changes: Partial<ProposalHeader>): string | undefined {
  const { header } = derive();
  const received = proposalHeader.sign(crypto, key.secretKey, { ...header, ...changes });
  return checkSingletonHeader(crypto, received, header, key.publicKey);
}

test("a follower accepts what it would have made itself", () => {
  expect(check({})).toBeUndefined();
});

test("the producer may have forgotten the parent, but may not name another one", () => {
  expect(check({ prevProposalHash: ZERO_HASH })).toBeUndefined();
  expect(check({ prevProposalHash: other })).toBe("wrong-parent");
});

test("one header never stands for several windows", () => {
  expect(check({ windowIndex: 7n })).toBe("window-not-monotone");
});

test.each([
  [{ proposerNodeId: other as typeof producer }, "proposer-not-canonical"],
  [{ timechainValue: other }, "wrong-timechain-value"],
  [{ stateRoot: other }, "wrong-state-root"],
  [{ protocolVersion: 2 }, "header-differs"],
  [{ controlRoot: other }, "header-differs"],
  [{ nodeRoot: other }, "header-differs"],
  [{ candidateRoot: other }, "header-differs"],
  [{ accountRoot: other }, "header-differs"],
  [{ includedBundlesRoot: other }, "header-differs"],
  [{ includedRevealsRoot: other }, "header-differs"],
  [{ winnerEndpoint: other }, "header-differs"],
  [{ winnerId: other as typeof producer }, "header-differs"],
  [{ target: 1n }, "header-differs"],
  [{ fallbackDepth: 2 }, "header-differs"],
])("a signed header with %o is refused as %s", (changes, failure) => {
  expect(check(changes)).toBe(failure);
});

test("a header signed by another key is refused", () => {
  const { header } = derive();
  const stranger = crypto.mldsa65.generate(new Uint8Array(32).fill(6));
  const received = proposalHeader.sign(crypto, stranger.secretKey, header);
  expect(checkSingletonHeader(crypto, received, header, key.publicKey)).toBe("invalid-signature");
});

test("window 0 pays nothing, every other one pays the producer once", () => {
  expect(derive({ window: 0n }).changes.accounts).toEqual([]);
  expect(derive({ window: 1n }).changes.accounts[0]?.row?.balance).toBe(params.emissionMoneta);
});

test("D grows by three percent after each epoch boundary, whatever the participation", () => {
  expect(derive({ window: 4n }).epoch.d).toBe((params.d0 * 103n) / 100n);
  expect(derive({ window: 5n }).epoch.d).toBe(params.d0);
});
