import { expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { equalBytes, ZERO_HASH } from "../bytes.ts";
import { nodeIdOf } from "../identity/ids.ts";
import { proposalHeader, type ProposalHeader } from "../objects/consensus.ts";
import { checkHeader } from "./header.ts";

const { crypto } = loadCrypto();
const { publicKey, secretKey } = crypto.mldsa65.generate(new Uint8Array(32).fill(3));
const proposer = nodeIdOf(crypto, publicKey);
const nodes = {
  get: (id: Uint8Array) => (equalBytes(id, proposer) ? { suiteId: 1, nodePubkey: publicKey } : undefined),
};

test("the first header has window 0 and no predecessor", () => {
  expect(checkHeader(crypto, headerOf(0n), undefined, nodes, 1)).toBeUndefined();
  expect(checkHeader(crypto, headerOf(1n), undefined, nodes, 1)).toBe("window-not-monotone");
});

test("the last window of all has no successor", () => {
  const last = { windowIndex: 2n ** 64n - 1n, protocolVersion: 1 };
  expect(checkHeader(crypto, headerOf(0n), last, nodes, 1)).toBe("window-not-monotone");
});

test("a changed field breaks the signature", () => {
  const changed = { ...headerOf(0n), target: 1n };
  expect(checkHeader(crypto, changed, undefined, nodes, 1)).toBe("invalid-signature");
});

function headerOf(windowIndex: bigint): ProposalHeader {
  return proposalHeader.sign(crypto, secretKey, {
    prevProposalHash: ZERO_HASH,
    windowIndex,
    protocolVersion: 1,
    controlRoot: ZERO_HASH,
    nodeRoot: ZERO_HASH,
    candidateRoot: ZERO_HASH,
    accountRoot: ZERO_HASH,
    stateRoot: ZERO_HASH,
    timechainValue: ZERO_HASH,
    includedBundlesRoot: ZERO_HASH,
    includedRevealsRoot: ZERO_HASH,
    winnerEndpoint: ZERO_HASH,
    winnerId: proposer,
    proposerNodeId: proposer,
    target: 0n,
    fallbackDepth: 1,
  });
}
