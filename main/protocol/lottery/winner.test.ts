import fc from "fast-check";
import { expect, test } from "vitest";

import { byteKey, sized, type NodeId } from "../bytes.ts";
import { inCandidateOrder, winnerOf, winnerOfWindow, type Candidate } from "./winner.ts";

/** Few tickets and few ids, so that both tie often. */
const candidates = fc
  .uniqueArray(fc.nat(255), { maxLength: 12 })
  .chain((ids) =>
    fc.tuple(fc.constant(ids), fc.array(fc.bigInt(0n, 3n), { minLength: ids.length, maxLength: ids.length })),
  )
  .map(([ids, tickets]) => ids.map((id, i): Candidate => ({ nodeId: nodeId(id), ticket: tickets[i]! })));
const shuffled = candidates.chain((list) =>
  fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
);

test("the order of candidates is a permutation that the order of arrival does not change", () => {
  fc.assert(
    fc.property(shuffled, ([list, other]) => {
      const order = inCandidateOrder(list);
      expect(order).toEqual(inCandidateOrder(other));
      expect(new Set(order)).toEqual(new Set(list));
      expect(order).toHaveLength(list.length);
    }),
  );
});

test("the winner is the first in candidate order", () => {
  fc.assert(
    fc.property(shuffled, ([list, other]) => {
      expect(winnerOf(other)).toEqual(inCandidateOrder(list)[0]);
    }),
  );
});

test("tickets decide before ids", () => {
  fc.assert(
    fc.property(candidates, (list) => {
      const order = inCandidateOrder(list);
      for (const [i, candidate] of order.slice(1).entries()) {
        const before = order[i]!;
        expect(before.ticket <= candidate.ticket).toBe(true);
        if (before.ticket === candidate.ticket) expect(byteKey(before.nodeId) < byteKey(candidate.nodeId)).toBe(true);
      }
    }),
  );
});

test("without included reveals the best of the active nodes wins", () => {
  const active = [
    { nodeId: nodeId(1), ticket: 9n },
    { nodeId: nodeId(2), ticket: 3n },
  ];
  expect(winnerOfWindow([], active)).toBe(active[1]);
  expect(winnerOfWindow([active[0]!], active)).toBe(active[0]);
  expect(winnerOfWindow<Candidate>([], [])).toBeUndefined();
});

function nodeId(byte: number): NodeId {
  return sized(new Uint8Array(32).fill(byte), 32) as NodeId;
}
