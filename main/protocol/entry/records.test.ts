import { expect, test } from "vitest";

import { ZERO_HASH } from "../bytes.ts";
import { encode } from "../codec/codec.ts";
import { accountRecord, nodeRecord } from "../state/records.ts";
import { candidateOf, crypto, keyOf, selfKeyed } from "./entry.fixture.ts";
import { hasExpired, isSelfKeyedOperator, nodeFromCandidate, operatorAccountFromCandidate } from "./records.ts";

const candidate = candidateOf(1);

test("an admitted node starts with a chain of one window and was never present", () => {
  const { nodeId, nodePubkey, suiteId, operatorAccountId } = candidate;
  const node = nodeFromCandidate(candidate, 2001n);
  expect(node).toEqual({
    nodeId,
    nodePubkey,
    suiteId,
    operatorAccountId,
    startWindow: 2001n,
    chainLength: 1n,
    chainLengthSnapshot: 0n,
    chainLengthCheckpoints: [0n, 0n, 0n, 0n, 0n, 0n],
    lastConfirmationWindow: 0n,
  });
  expect(encode(nodeRecord, node).length).toBe(2098);
});

test("the operator account that an admission creates is the node key's own, empty and flagged", () => {
  const account = operatorAccountFromCandidate(candidate, 2001n);
  expect(account).toMatchObject({
    accountId: selfKeyed(candidate.nodePubkey),
    balance: 0n,
    isNodeOperator: true,
    frontierHash: ZERO_HASH,
    currentPubkey: candidate.nodePubkey,
    creationWindow: 2001,
    lastOpWindow: 2001,
    lastActivationWindow: 0,
  });
  expect(encode(accountRecord, account).length).toBe(2059);
});

test("no account is created in a window that a record cannot name", () => {
  const code = "window-exceeds-u32";
  expect(() => operatorAccountFromCandidate(candidate, 2n ** 32n)).toThrow(expect.objectContaining({ code }));
});

test("a candidate can be admitted up to the window before its expiry", () => {
  expect([60_579n, 60_580n].map((window) => hasExpired(candidate, window))).toEqual([false, true]);
});

test("an operator account is self-keyed only under the node's key and suite", () => {
  expect(isSelfKeyedOperator(crypto, candidate)).toBe(true);
  expect(isSelfKeyedOperator(crypto, { ...candidate, suiteId: 2 })).toBe(false);
  expect(isSelfKeyedOperator(crypto, { ...candidate, operatorAccountId: selfKeyed(keyOf(2)) })).toBe(false);
});
