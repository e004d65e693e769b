import { expect, test } from "vitest";

import { buildShim, failAtWrites, fillDisk, killAtRandom } from "./parts.ts";

test("a node that is killed twenty times loses nothing, contradicts nothing and ends like its twin", async () => {
  const { figures, faults } = await killAtRandom(20);
  expect(faults).toEqual([]);
  expect(figures["killed"]).toBe(20);
});

test("a node whose disk fails in the middle of a window goes on from a whole one", async ({ skip }) => {
  const shim = buildShim();
  if ("reason" in shim) return skip(shim.reason);
  const { figures, faults } = await failAtWrites(shim.path, ["drop", "torn", "fsync"], 41);
  expect(faults).toEqual([]);
  expect(figures["power cut"]).toBeGreaterThan(0);
});

test("a node whose disk is full says so, and goes on when it has room", async ({ skip }) => {
  const result = await fillDisk();
  if ("reason" in result) return skip(result.reason);
  expect(result.faults).toEqual([]);
});
