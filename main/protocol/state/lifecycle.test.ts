import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { MONTANA_PARAMS } from "../genesis/montana.ts";
import { rulesOf } from "../genesis/rules.ts";
import { countActiveNodes, isActive, isEvictable } from "./lifecycle.ts";
import { MemoryTable } from "./memory.ts";
import { anyNode, fewNodeIds } from "./records.fixture.ts";
import type { NodeRecord } from "./records.ts";

const spec = rulesOf(MONTANA_PARAMS, "spec");
const literal = rulesOf(MONTANA_PARAMS, "rc1");
const TAU2 = MONTANA_PARAMS.tau2Windows;
const anyWindow = fc.bigInt(0n, 20n * TAU2);

describe("activity", () => {
  it("is the same in both forms for a node that was there from the start", () => {
    fc.assert(
      fc.property(anyWindow, anyWindow, (lastConfirmationWindow, window) => {
        const node = { startWindow: 0n, lastConfirmationWindow };
        expect(isActive(node, window, spec)).toBe(isActive(node, window, literal));
      }),
    );
  });

  it("begins with the first presence of a node that was admitted later", () => {
    const newcomer = { startWindow: 50_000n, lastConfirmationWindow: 0n };
    expect(isActive(newcomer, 50_001n, spec)).toBe(false);
    expect(isActive({ ...newcomer, lastConfirmationWindow: 50_001n }, 50_002n, spec)).toBe(true);
  });

  it("ends after more than two epochs of silence", () => {
    const node = { startWindow: 3n, lastConfirmationWindow: 100n };
    expect(isActive(node, 100n + 2n * TAU2, spec)).toBe(true);
    expect(isActive(node, 101n + 2n * TAU2, spec)).toBe(false);
  });

  it("is counted over the whole table", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyNode, fewNodeIds, anyWindow, anyWindow)), anyWindow, (drawn, window) => {
        const table = new MemoryTable((row: NodeRecord) => row.nodeId);
        for (const [node, nodeId, startWindow, lastConfirmationWindow] of drawn) {
          table.apply([{ id: nodeId, row: { ...node, nodeId, startWindow, lastConfirmationWindow } }]);
        }
        const active = [...table.rows()].filter((node) => isActive(node, window, spec));
        expect(countActiveNodes(table, window, spec)).toBe(BigInt(active.length));
      }),
    );
  });
});

describe("eviction", () => {
  it("comes after more than eight epochs since admission or last presence, whichever is later", () => {
    expect(isEvictable({ startWindow: 0n, lastConfirmationWindow: 5n }, 5n + 8n * TAU2, spec)).toBe(false);
    expect(isEvictable({ startWindow: 0n, lastConfirmationWindow: 5n }, 6n + 8n * TAU2, spec)).toBe(true);
    expect(isEvictable({ startWindow: 9n * TAU2, lastConfirmationWindow: 0n }, 9n * TAU2, spec)).toBe(false);
  });

  it("never meets an active node, and nobody where the literal predicate rules", () => {
    fc.assert(
      fc.property(anyWindow, anyWindow, anyWindow, (startWindow, lastConfirmationWindow, window) => {
        const node = { startWindow, lastConfirmationWindow };
        expect(isActive(node, window, spec) && isEvictable(node, window, spec)).toBe(false);
        expect(isEvictable(node, window, literal)).toBe(false);
      }),
    );
  });
});
