import fc from "fast-check";
import { expect, test } from "vitest";

import { compareBytes } from "../bytes.ts";
import { MemoryState } from "../state/memory.ts";
import { accountOf, candidateOf, crypto, hashOf, keyOf } from "./entry.fixture.ts";
import {
  isAdmissible,
  isSelectionWindow,
  orderQueue,
  rankCandidates,
  selectCandidates,
  selectionSlots,
} from "./queue.ts";
import { nodeFromCandidate } from "./records.ts";

const pools = fc
  .uniqueArray(fc.record({ seed: fc.nat(200), window: fc.nat(4), endpoint: fc.nat(3) }), {
    selector: ({ seed }) => seed,
    maxLength: 20,
  })
  .map((list) =>
    list.map(({ seed, window, endpoint }) =>
      candidateOf(seed, { registrationWindow: BigInt(window), proofEndpoint: hashOf(`endpoint ${endpoint}`) }),
    ),
  );

test("the queue goes by window of registration, then endpoint, then node", () => {
  fc.assert(
    fc.property(pools, (pool) => {
      const queue = orderQueue(pool);
      for (const [i, later] of queue.entries()) {
        if (i === 0) continue;
        const earlier = queue[i - 1]!;
        const byEndpoint = compareBytes(earlier.proofEndpoint, later.proofEndpoint);
        const byNode = compareBytes(earlier.nodeId, later.nodeId);
        const isInOrder =
          earlier.registrationWindow < later.registrationWindow ||
          (earlier.registrationWindow === later.registrationWindow &&
            (byEndpoint < 0 || (byEndpoint === 0 && byNode < 0)));
        expect(isInOrder).toBe(true);
      }
    }),
  );
});

test("who leaves the queue or joins it does not change the order of the others", () => {
  fc.assert(
    fc.property(pools, fc.func(fc.boolean()), (pool, stays) => {
      const staying = (candidate: (typeof pool)[number]): boolean => stays(candidate.nodeId.join());
      expect(orderQueue(pool).filter(staying)).toEqual(orderQueue(pool.toReversed().filter(staying)));
    }),
  );
});

test("a candidate with a usable operator account, or with none but its own key's, is admissible", () => {
  const foreign = keyOf(900);
  const withAccount = candidateOf(1, { operatorAccountId: accountOf(foreign).accountId });
  const state = new MemoryState().load({ accounts: [accountOf(foreign)] });
  expect(isAdmissible(crypto, withAccount, state, 101n)).toBe(true);
  expect(isAdmissible(crypto, candidateOf(2), state, 101n)).toBe(true);
});

test.each([
  ["expires in this window", candidateOf(1, { expires: 101n })],
  ["has an unknown suite", candidateOf(1, { suiteId: 2 })],
  ["is a node already", candidateOf(3)],
  ["names an account that operates a node", candidateOf(1, { operatorAccountId: accountOf(keyOf(901)).accountId })],
  [
    "names an account that is neither there nor its own",
    candidateOf(1, { operatorAccountId: accountOf(keyOf(902)).accountId }),
  ],
])("a candidate that %s is not admissible", (_, candidate) => {
  const state = new MemoryState().load({
    accounts: [accountOf(keyOf(901), { isNodeOperator: true })],
    nodes: [nodeFromCandidate(candidateOf(3), 5n)],
  });
  expect(isAdmissible(crypto, candidate, state, 101n)).toBe(false);
});

test("a selection takes the first of the ranking, as many as there are slots, from any order of the pool", () => {
  fc.assert(
    fc.property(pools, fc.bigInt(0n, 30n), fc.nat(), (pool, slots, seed) => {
      const [timechainValue, aggregate] = [hashOf(seed), hashOf(seed + 1)];
      const ranked = rankCandidates(crypto, pool, timechainValue, aggregate);
      const selected = selectCandidates(crypto, pool.toReversed(), timechainValue, aggregate, slots);
      expect(selected).toEqual(ranked.slice(0, Number(slots)));
      expect(new Set(ranked)).toEqual(new Set(pool));
    }),
  );
});

test("window 0 is no selection window, and one slot is the least", () => {
  expect([0n, 335n, 336n, 20_160n].map((window) => isSelectionWindow(window, 336n))).toEqual([
    false,
    false,
    true,
    true,
  ]);
  expect([0n, 129n, 259n, 260n].map((active) => selectionSlots(active, 130n))).toEqual([1n, 1n, 1n, 2n]);
});
