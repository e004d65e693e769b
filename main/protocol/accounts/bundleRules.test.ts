import { expect, test } from "vitest";

import { compareBytes } from "../bytes.ts";
import { accountOf, anchor, create, crypto, hashOf, held, ids, keys, tableOf, transfer } from "./accounts.fixture.ts";
import { listableOperations, type GatheredOperation, type ListingContext } from "./bundleRules.ts";
import { Attestations } from "./equivocation.ts";

const accounts = tableOf(accountOf(0), accountOf(1), accountOf(2));

function list(gathered: readonly GatheredOperation[], changes: Partial<ListingContext> = {}): GatheredOperation[] {
  return listableOperations(crypto, gathered, {
    window: 50n,
    tau2Windows: 20_160n,
    accounts,
    attestations: new Attestations(),
    isAwaitingSettlement: () => false,
    ...changes,
  });
}

function attested(op: GatheredOperation, window: bigint): Attestations {
  const attestations = new Attestations();
  attestations.record([op], window);
  return attestations;
}

test("A bundle lists valid operations alone, ascending by identifier", () => {
  const valid = [0, 1, 2].map((from) => held(anchor(from, hashOf("document"))));
  const invalid = [held(transfer(0, ids[4]!, 1n)), held(anchor(3, hashOf("of nobody")))];
  expect(list([...invalid, ...valid])).toEqual(valid.toSorted((a, b) => compareBytes(a.opHash, b.opHash)));
});

test("Of two operations of one sender the first seen counts", () => {
  const [one, two] = [held(transfer(0, ids[1]!, 1n)), held(transfer(0, ids[1]!, 2n))];
  expect(list([one, two])).toEqual([one]);
  expect(list([two, one])).toEqual([two]);
});

test("What was attested in the last 13 windows keeps out everything else of its slot", () => {
  const [one, two] = [held(transfer(0, ids[1]!, 1n)), held(transfer(0, ids[1]!, 2n))];
  expect(list([two], { attestations: attested(one, 37n) })).toEqual([]);
  expect(list([two, one], { attestations: attested(one, 37n) })).toEqual([one]);
  expect(list([two], { attestations: attested(one, 36n) })).toEqual([two]);
});

test("Of two creates of one receiver the smaller identifier counts, unless the other was attested before", () => {
  const rivals = [0, 1].map((from) => held(create(from, 4, 1n))).sort((a, b) => compareBytes(a.opHash, b.opHash));
  const [smaller, larger] = rivals as [GatheredOperation, GatheredOperation];
  expect(list([larger, smaller])).toEqual([smaller]);
  expect(list([smaller, larger], { attestations: attested(larger, 49n) })).toEqual([larger]);
});

test("An operation that waits for its settlement is not listed again", () => {
  const waiting = held(transfer(0, ids[1]!, 1n));
  expect(list([waiting], { isAwaitingSettlement: (opHash) => opHash === waiting.opHash })).toEqual([]);
});

test("A signature is checked again unless it was found valid with the key that the sender has now", () => {
  const forged = { ...transfer(0, ids[1]!, 1n), signature: transfer(0, ids[1]!, 2n).signature };
  expect(list([held(forged)])).toEqual([]);
  expect(list([{ ...held(forged), verifiedWith: keys[1]!.publicKey }])).toEqual([]);
  expect(list([{ ...held(forged), verifiedWith: keys[0]!.publicKey }])).toHaveLength(1);
});

test("More operations than fit are cut by priority", () => {
  const table = tableOf(accountOf(0, { lastOpWindow: 40 }), accountOf(1, { lastOpWindow: 2 }));
  const gathered = [0, 1].map((from) => held(anchor(from, hashOf("document"))));
  expect(list(gathered, { accounts: table, capacity: 1 })).toEqual([gathered[1]]);
});
