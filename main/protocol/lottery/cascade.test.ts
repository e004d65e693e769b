import fc from "fast-check";
import { expect, test } from "vitest";

import { byteKey, sized, type NodeId } from "../bytes.ts";
import type { NodeRecord } from "../state/records.ts";
import { fallbackProposer, penalisedNodes, proposerAt, proposerCascade, type CascadeSources } from "./cascade.ts";
import type { Candidate } from "./winner.ts";

const BOOTSTRAP = nodeId(255);
const candidate = fc.record({ nodeId: fc.nat(20).map(nodeId), ticket: fc.bigInt(0n, 5n) });
const candidates = fc.uniqueArray(candidate, { maxLength: 15, selector: (c) => byteKey(c.nodeId) });
const sources = fc.record({ revealed: candidates, active: candidates, gone: fc.array(fc.nat(20).map(nodeId)) });
const window = fc.bigInt(2n, 2n ** 64n - 1n);

test("a cascade names each remaining node once and ends with the bootstrap node", () => {
  fc.assert(
    fc.property(window, sources, (w, { revealed, active, gone }) => {
      const cascade = proposerCascade(w, from(revealed, active, gone)).map(byteKey);
      const goneKeys = gone.map(byteKey);
      const expected = [...revealed, ...active].map((c) => byteKey(c.nodeId)).filter((key) => !goneKeys.includes(key));
      expect(new Set(cascade).size).toBe(cascade.length);
      expect(new Set(cascade)).toEqual(new Set([...expected, byteKey(BOOTSTRAP)]));
      expect(cascade.at(-1)).toBe(byteKey(BOOTSTRAP));
    }),
  );
});

test("who revealed stands before who was only active, each in candidate order", () => {
  const revealed = [at(3, 8n), at(4, 7n)];
  const active = [at(1, 1n), at(3, 8n), at(4, 7n), at(2, 1n)];
  expect(proposerCascade(2n, from(revealed, active))).toEqual([4, 3, 1, 2, 255].map(nodeId));
});

test("a bootstrap node that revealed keeps its place", () => {
  expect(proposerCascade(2n, from([at(255, 1n), at(3, 2n)], []))).toEqual([255, 3].map(nodeId));
});

test("the bootstrap node proposes windows 0 and 1 at every depth", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0n, 1n),
      sources,
      fc.integer({ min: 1, max: 255 }),
      (w, { revealed, active }, depth) => {
        const cascade = proposerCascade(w, from(revealed, active));
        expect(cascade).toEqual([BOOTSTRAP]);
        expect(proposerAt(w, cascade, depth, BOOTSTRAP)).toBe(BOOTSTRAP);
      },
    ),
  );
});

test("beyond its end a cascade begins again", () => {
  fc.assert(
    fc.property(window, sources, fc.integer({ min: 1, max: 255 }), (w, { revealed, active }, depth) => {
      const cascade = proposerCascade(w, from(revealed, active));
      expect(proposerAt(w, cascade, depth, BOOTSTRAP)).toBe(cascade[(depth - 1) % cascade.length]);
    }),
  );
});

test("it designates what the reference's helper does with the cascade repeated to 255 entries", () => {
  fc.assert(
    fc.property(window, sources, fc.integer({ min: 1, max: 255 }), (w, { revealed, active }, depth) => {
      const cascade = proposerCascade(w, from(revealed, active));
      const repeated = Array.from({ length: 255 }, (_, i) => cascade[i % cascade.length]!);
      expect(proposerAt(w, cascade, depth, BOOTSTRAP)).toBe(fallbackProposer(w, repeated, depth, BOOTSTRAP));
    }),
  );
});

test("an empty cascade leaves the bootstrap node", () => {
  expect(proposerAt(9n, [], 7, BOOTSTRAP)).toBe(BOOTSTRAP);
});

test("who stands before the decided depth is penalised, but never the proposer itself", () => {
  const cascade = [1, 2, 3].map(nodeId);
  expect(penalisedNodes(cascade, 1, nodeId(1))).toEqual([]);
  expect(penalisedNodes(cascade, 3, nodeId(3))).toEqual([1, 2].map(nodeId));
  // Depth 5 comes round to the second entry.
  expect(penalisedNodes(cascade, 5, nodeId(2))).toEqual([1, 3].map(nodeId));
});

function from(revealed: Candidate[], active: Candidate[], gone: readonly NodeId[] = []): CascadeSources {
  const goneKeys = new Set(gone.map(byteKey));
  const nodes = { get: (id: NodeId) => (goneKeys.has(byteKey(id)) ? undefined : ({ nodeId: id } as NodeRecord)) };
  return { revealed, active, bootstrapNodeId: BOOTSTRAP, nodes };
}

function at(byte: number, ticket: bigint): Candidate {
  return { nodeId: nodeId(byte), ticket };
}

function nodeId(byte: number): NodeId {
  return sized(new Uint8Array(32).fill(byte), 32) as NodeId;
}
