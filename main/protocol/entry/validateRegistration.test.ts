import { expect, test } from "vitest";

import type { NetworkRules } from "../genesis/rules.ts";
import { nodeIdOf } from "../identity/ids.ts";
import { nodeRegistration, type NodeRegistration } from "../objects/nodeRegistration.ts";
import { MemoryState } from "../state/memory.ts";
import {
  accountOf,
  candidateOf,
  crypto,
  hashOf,
  keyOf,
  NODE_KEY,
  PER_WINDOW,
  registrationOf,
  SELECTION,
  selfKeyed,
} from "./entry.fixture.ts";
import { candidateFromRegistration, nodeFromCandidate } from "./records.ts";
import { admissibleAtApply, validateRegistration } from "./validateRegistration.ts";

const W_P = 50_000n;
const TAU2 = 20_160n;
const nobody = new MemoryState();

const validate = (registration: NodeRegistration, state = nobody, rules: NetworkRules = PER_WINDOW, wP = W_P) =>
  validateRegistration(crypto, registration, state, rules, wP);

const own = candidateFromRegistration(crypto, registrationOf(), W_P, PER_WINDOW.params);

test("in `per-window` the account of the node key need not exist yet, in `selection` it must", () => {
  expect(validate(registrationOf())).toBeUndefined();
  expect(validate(registrationOf(), nobody, SELECTION)).toBe("operator-account-not-found");
  const existing = new MemoryState().load({ accounts: [accountOf(NODE_KEY)] });
  expect(validate(registrationOf(), existing, SELECTION)).toBeUndefined();
});

test("a foreign account must exist in both modes, and operate nothing", () => {
  const registration = registrationOf({ operatorAccountId: selfKeyed(keyOf(1)) });
  const free = new MemoryState().load({ accounts: [accountOf(keyOf(1))] });
  const taken = new MemoryState().load({ accounts: [accountOf(keyOf(1), { isNodeOperator: true })] });
  for (const rules of [PER_WINDOW, SELECTION]) {
    expect(validate(registration, nobody, rules)).toBe("operator-account-not-found");
    expect(validate(registration, free, rules)).toBeUndefined();
    expect(validate(registration, taken, rules)).toBe("operator-account-already-node");
  }
});

test("one operator account has one candidate, in `per-window` alone", () => {
  const registration = registrationOf({ operatorAccountId: selfKeyed(keyOf(1)) });
  const state = new MemoryState().load({
    accounts: [accountOf(keyOf(1))],
    candidates: [candidateOf(2, { operatorAccountId: selfKeyed(keyOf(1)) })],
  });
  expect(validate(registration, state)).toBe("operator-account-already-candidate");
  expect(validate(registration, state, SELECTION)).toBeUndefined();
});

test("a node registers once: neither as a node nor as a candidate again", () => {
  const asNode = new MemoryState().load({ nodes: [nodeFromCandidate(own, 9n)] });
  const asCandidate = new MemoryState().load({ candidates: [own] });
  expect(validate(registrationOf(), asNode)).toBe("node-id-already-in-node-table");
  expect(validate(registrationOf(), asCandidate)).toBe("node-id-already-in-candidate-pool");
});

test.each([
  ["τ₂ before", W_P - TAU2, W_P, undefined],
  ["a window later than that", W_P - TAU2 + 1n, W_P, "w-start-out-of-range"],
  ["2 τ₂ before", W_P - 2n * TAU2, W_P, undefined],
  ["a window earlier than that", W_P - 2n * TAU2 - 1n, W_P, "w-start-out-of-range"],
  ["at genesis, for an early registration", 0n, TAU2, undefined],
  ["at genesis, before any chain can be done", 0n, TAU2 - 1n, "w-start-out-of-range"],
] as const)("a chain may have started %s", (_, wStart, wP, failure) => {
  expect(validate(registrationOf({ wStart }), nobody, PER_WINDOW, wP)).toBe(failure);
  const existing = new MemoryState().load({ accounts: [accountOf(NODE_KEY)] });
  expect(validate(registrationOf({ wStart }), existing, SELECTION, wP)).toBeUndefined();
});

test("suite and signature come before the tables", () => {
  const unsupported = registrationOf({ suiteId: 2 });
  expect(validate(unsupported)).toBe("unsupported-suite");
  const changed = { ...registrationOf(), proofEndpoint: hashOf("another") };
  expect(validate(changed)).toBe("invalid-signature");
  expect(validateRegistration(crypto, changed, nobody, PER_WINDOW, W_P, { signature: "assume-valid" })).toBeUndefined();
});

test("when it is applied, `per-window` tests the tables again and `selection` nothing", () => {
  const taken = new MemoryState().load({ candidates: [own] });
  const unsigned = { ...registrationOf(), proofEndpoint: hashOf("another") };
  expect(admissibleAtApply(crypto, unsigned, taken, PER_WINDOW, W_P)).toBe("node-id-already-in-candidate-pool");
  expect(admissibleAtApply(crypto, unsigned, nobody, PER_WINDOW, W_P)).toBeUndefined();
  expect(admissibleAtApply(crypto, unsigned, taken, SELECTION, W_P)).toBeUndefined();
});

test("the identifier of a registration does not cover its signature", () => {
  const registration = registrationOf();
  const other = { ...registration, signature: registrationOf({ wStart: 1n }).signature };
  expect(nodeRegistration.identify(crypto, other)).toEqual(nodeRegistration.identify(crypto, registration));
});

test("a registration becomes a candidate with the id of its key and the expiry of the network", () => {
  expect(own).toMatchObject({
    nodeId: nodeIdOf(crypto, NODE_KEY),
    registrationWindow: W_P,
    expires: W_P + 60_480n,
    vdfChainLength: 20_160n,
  });
});
