import fc from "fast-check";
import { expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { byteKey, sized, ZERO_HASH, type NodeId } from "../bytes.ts";
import { cementedBundleAggregate, lookbackOf } from "./aggregate.ts";

const { crypto } = loadCrypto();
const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => sized(bytes, 32) as NodeId);
const signers = fc.uniqueArray(id, { maxLength: 6, selector: byteKey });
const window = fc.bigInt(2n, 2n ** 64n - 1n);

test("an aggregate does not depend on the order of the signers", () => {
  fc.assert(
    fc.property(window, signers, (w, ids) => {
      expect(cementedBundleAggregate(crypto, w, ids.toReversed())).toEqual(cementedBundleAggregate(crypto, w, ids));
    }),
  );
});

test("it differs for another window and for another set", () => {
  fc.assert(
    fc.property(window, window, signers, id, (w, other, ids, newcomer) => {
      const aggregate = cementedBundleAggregate(crypto, w, ids);
      fc.pre(w !== other && !ids.map(byteKey).includes(byteKey(newcomer)));
      expect(cementedBundleAggregate(crypto, other, ids)).not.toEqual(aggregate);
      expect(cementedBundleAggregate(crypto, w, [...ids, newcomer])).not.toEqual(aggregate);
    }),
  );
});

test("it is zero for the first two windows, whoever signed", () => {
  fc.assert(
    fc.property(fc.constantFrom(0n, 1n), signers, (w, ids) => {
      expect(cementedBundleAggregate(crypto, w, ids)).toEqual(ZERO_HASH);
    }),
  );
});

test("a lookback before the first window is the first window", () => {
  expect([0n, 1n, 2n, 3n].map(lookbackOf)).toEqual([0n, 0n, 0n, 1n]);
});
