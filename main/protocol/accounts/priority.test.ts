import fc from "fast-check";
import { expect, test } from "vitest";

import { compareBytes } from "../bytes.ts";
import { hashOf } from "./accounts.fixture.ts";
import { ageBucket, chooseByPriority, operationPriority, type Standing } from "./priority.ts";

const TAU2 = 20_160n;
const NOW = 2_000_000n;

const standing = (age: number, idle = age, accountChainLength = 0): Standing => ({
  creationWindow: Number(NOW) - age,
  lastOpWindow: Number(NOW) - idle,
  accountChainLength,
});

interface Entry {
  readonly opHash: ReturnType<typeof hashOf>;
  readonly standing: Standing;
}

const entry = (name: string | number, of: Standing): Entry => ({ opHash: hashOf(name), standing: of });
const choose = (waiting: readonly Entry[], capacity: number): Entry[] =>
  chooseByPriority(waiting, (item) => item.standing, NOW, TAU2, capacity);

test.each([
  [0, 0],
  [80_639, 0],
  [80_640, 1],
  [322_559, 1],
  [322_560, 2],
  [1_290_239, 2],
  [1_290_240, 3],
])("An account of %i windows is in bucket %i", (age, bucket) => {
  expect(ageBucket(standing(age), NOW, TAU2)).toBe(bucket);
});

test("Priority is age times idle time, beyond 53 bits too", () => {
  const ancient: Standing = { creationWindow: 0, lastOpWindow: 1, accountChainLength: 0 };
  expect(operationPriority(ancient, 2n ** 32n - 1n)).toBe((2n ** 32n - 1n) * (2n ** 32n - 2n));
});

test("Buckets take turns, so a burst of new accounts takes its share alone", () => {
  const burst = Array.from({ length: 50 }, (_, i) => entry(i, standing(i)));
  const old = ["a", "b"].map((name) => entry(name, standing(1_500_000)));
  const chosen = choose([...burst, ...old], 5);
  expect(chosen.map((item) => ageBucket(item.standing, NOW, TAU2))).toEqual([0, 3, 0, 3, 0]);
});

test("In a bucket the higher priority goes first, then the longer chain, then the smaller identifier", () => {
  const urgent = entry("urgent", standing(100, 90, 0));
  const long = entry("long", standing(100, 50, 8));
  const ties = ["x", "y", "z"].map((name) => entry(name, standing(100, 50, 7)));
  const chosen = choose([...ties, long, urgent], 9);
  expect(chosen.slice(0, 2)).toEqual([urgent, long]);
  expect(chosen.slice(2)).toEqual(ties.toSorted((a, b) => compareBytes(a.opHash, b.opHash)));
});

test("The choice depends on the set alone, takes what fits, and nothing twice", () => {
  const waiting = fc.uniqueArray(fc.record({ name: fc.nat(999), age: fc.nat(1_600_000), idle: fc.nat(100) }), {
    selector: ({ name }) => name,
    maxLength: 40,
  });
  fc.assert(
    fc.property(waiting, fc.nat(50), (items, capacity) => {
      const entries = items.map(({ name, age, idle }) => entry(name, standing(age, Math.min(age, idle))));
      const chosen = choose(entries, capacity);
      expect(new Set(chosen).size).toBe(Math.min(capacity, entries.length));
      expect(choose(entries.toReversed(), capacity)).toEqual(chosen);
    }),
  );
});
