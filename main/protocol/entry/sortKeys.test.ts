import fc from "fast-check";
import { expect, test } from "vitest";

import { equalBytes } from "../bytes.ts";
import { nodeIdOf } from "../identity/ids.ts";
import { candidateVdfInit } from "../timechain/candidateChain.ts";
import { crypto, hashOf, keyOf } from "./entry.fixture.ts";
import { registrationSortKey, selectionSortKey } from "./sortKeys.ts";

const inputs = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3));

test("orders and chains are drawn anew where T, aggregate or node differ, and only there", () => {
  const draws = [
    ([t, cba, node]: readonly number[]) => registrationSortKey(crypto, hashOf(t!), hashOf(cba!), keyOf(node!)),
    ([t, cba, node]: readonly number[]) =>
      selectionSortKey(crypto, hashOf(t!), hashOf(cba!), nodeIdOf(crypto, keyOf(node!))),
    ([t, cba, node]: readonly number[]) =>
      candidateVdfInit(crypto, hashOf(t!), hashOf(cba!), nodeIdOf(crypto, keyOf(node!))),
  ];
  fc.assert(
    fc.property(inputs, inputs, (a, b) => {
      for (const draw of draws) expect(equalBytes(draw(a), draw(b))).toBe(a.join() === b.join());
    }),
  );
});
