import { expect, test } from "vitest";

import type { Signature } from "../../protocol/crypto.ts";
import { nodeIdOf } from "../../protocol/identity/ids.ts";
import { TYPE_NODE_REGISTRATION, type NodeRegistration } from "../../protocol/objects/nodeRegistration.ts";
import { candidateVdfInit, extendCandidateChain } from "../../protocol/timechain/candidateChain.ts";
import { CandidateProofs } from "./candidateProofs.ts";
import { crypto, hashOf, keyOf } from "./network.fixture.ts";
import type { AccountId } from "../../protocol/bytes.ts";

const seed = { timechainValue: hashOf("T"), aggregate: hashOf("cba"), d: 1000n };
const nodePubkey = keyOf("foreign");
const init = candidateVdfInit(crypto, seed.timechainValue, seed.aggregate, nodeIdOf(crypto, nodePubkey));

const registration = (length: bigint, proofEndpoint = extendCandidateChain(crypto, init, seed.d, length)) =>
  ({
    ...{ type: TYPE_NODE_REGISTRATION, suiteId: 1, nodePubkey, operatorAccountId: hashOf("operator") as AccountId },
    ...{ proofEndpoint, wStart: 1n, vdfChainLength: length, signature: new Uint8Array(3309) as Signature },
  }) satisfies NodeRegistration;

test("a chain within the budget is recomputed: right, or a mismatch", async () => {
  const proofs = new CandidateProofs(crypto, () => "full", 20_000n);
  expect(await proofs.judge(registration(20n), seed)).toBe("valid");
  expect(await proofs.judge(registration(20n, hashOf("invented")), seed)).toBe("invalid");
  expect(proofs.unverified).toEqual([]);
});

test("what is over the budget, without history, or not to be checked is let pass and shown as unverified", async () => {
  const proofs = new CandidateProofs(crypto, () => "full", 20_000n);
  expect(await proofs.judge(registration(21n, hashOf("long")), seed)).toBe("unverified");
  expect(await proofs.judge(registration(2n), undefined)).toBe("unverified");
  expect(proofs.unverified).toHaveLength(2);
  const trusting = new CandidateProofs(crypto, () => "none");
  expect(await trusting.judge(registration(1n, hashOf("invented")), seed)).toBe("unverified");
});

test("one registration is judged once", async () => {
  const proofs = new CandidateProofs(crypto, () => "full");
  const first = await proofs.judge(registration(2n), seed);
  const aborted = AbortSignal.abort();
  expect(await proofs.judge(registration(2n), seed, aborted)).toBe(first);
  await expect(proofs.judge(registration(3n), seed, aborted)).rejects.toMatchObject({ code: "cancelled" });
});
