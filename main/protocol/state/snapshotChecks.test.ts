import { describe, expect, it } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { ZERO_HASH, type AccountId, type NodeId } from "../bytes.ts";
import { MONTANA_PARAMS } from "../genesis/montana.ts";
import { rulesOf } from "../genesis/rules.ts";
import type { AccountRecord, CandidateRecord, NodeRecord } from "./records.ts";
import {
  findAccountFault,
  findCandidateFault,
  findNodeFault,
  findStateFault,
  type RecordFault,
} from "./snapshotChecks.ts";
import { validState } from "./validState.fixture.ts";

const { crypto } = loadCrypto();
const ANCHOR = 336n;
const rules = rulesOf(MONTANA_PARAMS, "spec");
const stateOf = () => validState(crypto, rules, ANCHOR, { accounts: 3, nodes: 2, candidates: 1 });
const firstOf = <T>(rows: Iterable<T>): T => [...rows][0]!;

it("a state that the rules can make has no fault", () => {
  const state = stateOf();
  for (const row of state.accounts.rows()) expect(findAccountFault(row, ANCHOR)).toBeUndefined();
  for (const row of state.nodes.rows()) expect(findNodeFault(crypto, row, ANCHOR)).toBeUndefined();
  for (const row of state.candidates.rows()) expect(findCandidateFault(crypto, rules, row, ANCHOR)).toBeUndefined();
  expect(findStateFault(rules, state, ANCHOR)).toBeUndefined();
});

describe("an account", () => {
  const cases: readonly [RecordFault, Partial<AccountRecord>][] = [
    ["unknown-suite", { suiteId: 2 }],
    ["snapshot-above-chain-length", { accountChainLengthSnapshot: 4 }],
    ["height-differs-from-chain-length", { opHeight: 4 }],
    ["operation-before-creation", { creationWindow: 10 }],
    ["window-after-anchor", { lastOpWindow: Number(ANCHOR) + 1 }],
    ["window-after-anchor", { lastActivationWindow: Number(ANCHOR) + 1 }],
  ];
  it.each(cases)("has fault %s with %o", (fault, change) => {
    const account = firstOf(stateOf().accounts.rows());
    expect(findAccountFault({ ...account, ...change }, ANCHOR)).toBe(fault);
  });
});

describe("a node", () => {
  const cases: readonly [RecordFault, Partial<NodeRecord>][] = [
    ["wrong-node-id", { nodeId: ZERO_HASH as NodeId }],
    ["unknown-suite", { suiteId: 0 }],
    ["no-chain-length", { chainLength: 0n, chainLengthCheckpoints: [0n, 0n, 0n, 0n, 0n, 0n] }],
    ["checkpoints-not-ascending", { chainLengthCheckpoints: [0n, 2n, 1n, 3n, 3n, 3n] }],
    ["checkpoint-above-chain-length", { chainLengthCheckpoints: [0n, 0n, 0n, 0n, 0n, 8n] }],
    ["window-after-anchor", { startWindow: ANCHOR + 1n }],
    ["window-after-anchor", { lastConfirmationWindow: ANCHOR + 1n }],
  ];
  it.each(cases)("has fault %s with %o", (fault, change) => {
    const node = firstOf(stateOf().nodes.rows());
    expect(findNodeFault(crypto, { ...node, ...change }, ANCHOR)).toBe(fault);
  });
});

describe("a candidate", () => {
  const life = MONTANA_PARAMS.candidateExpiryWindows;
  const cases: readonly [RecordFault, Partial<CandidateRecord>, bigint][] = [
    ["wrong-node-id", { nodeId: ZERO_HASH as NodeId }, ANCHOR],
    ["wrong-expiry", { expires: ANCHOR + life + 1n }, ANCHOR],
    ["expired", {}, ANCHOR + life],
    ["window-after-anchor", { registrationWindow: ANCHOR + 1n, expires: ANCHOR + 1n + life }, ANCHOR],
  ];
  it.each(cases)("has fault %s with %o at window %i", (fault, change, anchor) => {
    const candidate = firstOf(stateOf().candidates.rows());
    expect(findCandidateFault(crypto, rules, { ...candidate, ...change }, anchor)).toBe(fault);
  });
});

describe("the tables together", () => {
  it("hold the operator account of every node, marked as such", () => {
    const state = stateOf();
    const node = firstOf(state.nodes.rows());
    const operator = state.accounts.get(node.operatorAccountId)!;
    state.load({ accounts: [{ ...operator, isNodeOperator: false }] });
    expect(findStateFault(rules, state, ANCHOR)).toBe("operator-flag-missing");
    const orphan = { ...node, operatorAccountId: ZERO_HASH as AccountId };
    expect(findStateFault(rules, stateOf().load({ nodes: [orphan] }), ANCHOR)).toBe("operator-account-missing");
  });

  it("never hold a node that is also a candidate", () => {
    const state = stateOf();
    const node = firstOf(state.nodes.rows());
    state.load({ candidates: [{ ...firstOf(state.candidates.rows()), nodeId: node.nodeId }] });
    expect(findStateFault(rules, state, ANCHOR)).toBe("candidate-is-node");
  });

  it("hold exactly what was credited, except on a chain of rc1", () => {
    expect(findStateFault(rules, stateOf(), ANCHOR + 1n)).toBe("supply-mismatch");
    expect(findStateFault(rulesOf(MONTANA_PARAMS, "rc1"), stateOf(), ANCHOR + 1n)).toBeUndefined();
  });
});
