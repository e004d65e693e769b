import fc from "fast-check";
import { expect, test } from "vitest";

import { byteKey, compareBytes, sized, type Hash32, type NodeId } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { MONTANA_PARAMS } from "../genesis/montana.ts";
import { rulesOf } from "../genesis/rules.ts";
import type { NodeRecord } from "../state/records.ts";
import { cementedHashes } from "./cementing.ts";
import { Weights, weightsAt } from "./weights.ts";

const rules = rulesOf({ ...MONTANA_PARAMS, tau2Windows: 10n }, "spec");

test("only nodes present in the last two epochs weigh, with their chain length", () => {
  const nodes = [
    node(1, { chainLength: 7n, lastConfirmationWindow: 80n }),
    node(2, { chainLength: 9n, lastConfirmationWindow: 79n }),
    node(3, { chainLength: 1n, startWindow: 95n }),
  ];
  const weights = weightsAt(nodes, 100n, rules);
  expect([1, 2, 3, 4].map((id) => weights.of(hash(id)))).toEqual([7n, 0n, 0n, 0n]);
  expect(weights.total).toBe(7n);
});

test("a sum takes each node once", () => {
  const weights = new Weights(MONTANA_PARAMS, [node(1, { chainLength: 7n }), node(2, { chainLength: 2n })]);
  expect(weights.sumOf([hash(1), hash(2), hash(1), hash(9)])).toBe(9n);
});

test("a window in which nobody weighs anything halts instead of cementing everything", () => {
  expect(() => weightsAt([node(1, { lastConfirmationWindow: 1n })], 100n, rules)).toThrow(
    new ProtocolError("no-active-weight"),
  );
});

const listings = fc.array(fc.uniqueArray(fc.nat(9), { maxLength: 8 }), { minLength: 1, maxLength: 6 });
const chainLengths = fc.array(fc.bigInt(1n, 100n), { minLength: 6, maxLength: 6 });

test("a hash is cemented exactly when those who list it are a quorum, in whatever order bundles come", () => {
  fc.assert(
    fc.property(listings, chainLengths, (lists, lengths) => {
      const weights = new Weights(
        MONTANA_PARAMS,
        lengths.map((chainLength, i) => node(i, { chainLength })),
      );
      const bundles = lists.map((hashes, i) => ({ nodeId: hash(i), hashes: hashes.map(hash) }));
      const cemented = cementedHashes(weights, bundles);
      const expected = Array.from({ length: 10 }, (_, i) => hash(i)).filter((candidate) => {
        const supporters = bundles.filter(({ hashes }) => hashes.map(byteKey).includes(byteKey(candidate)));
        return supporters.length > 0 && weights.isQuorum(weights.sumOf(supporters.map(({ nodeId }) => nodeId)));
      });
      expect(cemented).toEqual(expected.sort(compareBytes));
      expect(cementedHashes(weights, bundles.toReversed())).toEqual(cemented);
    }),
  );
});

test("a bundle of a node without weight cements nothing", () => {
  const weights = new Weights(MONTANA_PARAMS, [node(1, { chainLength: 1n })]);
  expect(cementedHashes(weights, [{ nodeId: hash(2), hashes: [hash(5)] }])).toEqual([]);
});

test("two bundles of one node are refused: they would count twice", () => {
  const weights = new Weights(MONTANA_PARAMS, [node(1, { chainLength: 1n })]);
  const bundle = { nodeId: hash(1), hashes: [hash(5)] };
  expect(() => cementedHashes(weights, [bundle, bundle])).toThrow("one bundle a window");
});

function node(id: number, fields: Partial<NodeRecord>): NodeRecord {
  return { nodeId: hash(id), startWindow: 0n, chainLength: 1n, lastConfirmationWindow: 0n, ...fields } as NodeRecord;
}

function hash(byte: number): Hash32 & NodeId {
  return sized(new Uint8Array(32).fill(byte), 32) as Hash32 & NodeId;
}
