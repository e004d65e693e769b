import fc from "fast-check";
import { expect, test } from "vitest";

import { afterOf, FIRST_PAGE, nextPage, previousPage, rangeOf } from "./pages.ts";
import { peersByCity } from "./peersByCity.ts";
import { progressOf, standingOf } from "./standing.ts";
import { checkSupply } from "./supply.ts";
import { runningHeight, windowBars } from "./windowBars.ts";

const NODE = "a".repeat(64);
const row = (window: number, atMs: number | null, more: Partial<Parameters<typeof windowBars>[0][number]> = {}) => ({
  ...{ window, atMs, timechainValue: NODE, d: 1000, winner: NODE, isOwnWin: false, proposer: NODE },
  ...{ fallbackDepth: 0, bonusTo: null },
  ...more,
});

test("bars stand oldest first, and each is as high as its window lasted", () => {
  const bars = windowBars([row(4, 4500), row(3, 3000), row(2, 2000), row(1, 1000)]);
  expect(bars.map(({ window }) => window)).toEqual([1, 2, 3, 4]);
  expect(bars.map(({ lastedMs }) => lastedMs)).toEqual([null, 1000, 1000, 1500]);
  expect(bars[3]!.height).toBe(1);
  expect(bars[2]!.height).toBeCloseTo(2 / 3);
  expect(bars[0]!.height).toBeLessThan(bars[1]!.height);
});

test("how long a window lasted is said only where this host saw it and the one before decided", () => {
  const bars = windowBars([row(9, 9000), row(7, 7000), row(6, null), row(5, 5000)]);
  expect(bars.map(({ lastedMs }) => lastedMs)).toEqual([null, null, null, null]);
  expect(windowBars([row(2, 1000), row(1, 5000)])[1]!.lastedMs).toBeNull();
});

test("one night's sleep does not flatten the other bars", () => {
  const bars = windowBars([row(4, 40_003_000), row(3, 3000), row(2, 2000), row(1, 1000)]);
  expect(bars[3]!.height).toBe(1);
  expect(bars[2]!.height).toBeCloseTo(1 / 3);
});

test("the window that runs grows on the scale of those that were", () => {
  const bars = windowBars([row(3, 3000), row(2, 2000), row(1, 1000)]);
  expect([0, 500, 1000, 9000].map((ranMs) => runningHeight(bars, ranMs))).toEqual([0, 0.5, 1, 1]);
  expect(runningHeight(windowBars([row(1, 1000)]), 500)).toBeNull();
});

test("a bar tells who got the emission, a newcomer before all", () => {
  const paid = (more: Parameters<typeof row>[2]) => windowBars([row(1, null, more)])[0]!.paid;
  expect(paid({})).toBe("other");
  expect(paid({ isOwnWin: true })).toBe("self");
  expect(paid({ winner: null })).toBe("none");
  expect(paid({ isOwnWin: true, bonusTo: NODE })).toBe("bonus");
});

test("bars are within the strip whatever clocks say", () => {
  const time = fc.option(fc.integer({ min: 0, max: 4e12 }), { nil: null });
  fc.assert(
    fc.property(fc.array(time, { maxLength: 120 }), (times) => {
      const bars = windowBars(times.map((atMs, index) => row(times.length - index, atMs)));
      for (const { height, lastedMs } of bars) {
        expect(height).toBeGreaterThan(0);
        expect(height).toBeLessThanOrEqual(1);
        expect(lastedMs ?? 0).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});

test("supply agrees when all accounts and the emission under way make 13·(W + 1)", () => {
  const check = checkSupply({ window: 34_922, supply: "453999000000000", credited: "453986000000000" });
  expect(check).toMatchObject({ expected: 453_999_000_000_000n, difference: 0n });
  expect(checkSupply({ window: 0, supply: "13000000000", credited: "0" })?.difference).toBe(0n);
});

test("a single nɈ too much or too little is told, wherever it is", () => {
  expect(checkSupply({ window: 1, supply: "26000000001", credited: "13000000000" })?.difference).toBe(1n);
  expect(checkSupply({ window: 1, supply: "26000000000", credited: "12999999999" })?.difference).toBe(-1n);
  expect(checkSupply({ window: 1, supply: "26000000000", credited: null })?.difference).toBe(0n);
  expect(checkSupply({ window: null, supply: null, credited: null })).toBeNull();
});

const view = (state: "opening" | "snapshot" | "catching-up" | "live" | "alone" | "waiting", behind = 0) => ({
  ...{ window: 12, windowAtMs: 100_000, meanWindowSeconds: 4 },
  sync: { state, behind },
});

test("a node in step says so with its window, until no window came for long", () => {
  expect(standingOf(view("live"), 104_000)).toEqual({ word: "live", window: 12, atMs: 100_000 });
  expect(standingOf(view("live"), 120_000)).toEqual({ word: "live", window: 12, atMs: 100_000 });
  expect(standingOf(view("live"), 120_001)).toEqual({ word: "quiet", window: 12, sinceMs: 100_000 });
  expect(standingOf(view("alone"), 120_001)).toEqual({ word: "quiet", window: 12, sinceMs: 100_000 });
});

test("a node that is not in step never says that it is", () => {
  for (const state of ["opening", "snapshot", "waiting"] as const) {
    expect(standingOf(view(state), 100_000)).toEqual({ word: state });
  }
  expect(standingOf(view("catching-up", 7), 100_000)).toEqual({ word: "behind", behind: 7 });
  expect(standingOf({ ...view("live"), window: null }, 100_000)).toEqual({ word: "notStarted" });
});

test("progress is a part of the whole where the whole is known", () => {
  expect(progressOf({ what: "open", done: 5, total: 20, unit: "windows" })).toBe(0.25);
  expect(progressOf({ what: "open", done: 30, total: 20, unit: "windows" })).toBe(1);
  expect(progressOf({ what: "open", done: 5, total: null, unit: "windows" })).toBeNull();
  expect(progressOf(null)).toBeNull();
});

test("peers are counted by city, most first, those without a city last", () => {
  const city = (id: string) => ({ id, name: { en: id, ru: id } });
  const peer = (at: ReturnType<typeof city> | null) => ({ nodeId: NODE, city: at, isOutbound: true, isNode: true });
  const [fra, hel] = [city("fra"), city("hel")];
  expect(peersByCity([peer(null), peer(hel), peer(fra), peer(null), peer(hel), peer(null)])).toEqual([
    { city: hel, peers: 2 },
    { city: fra, peers: 1 },
    { city: null, peers: 3 },
  ]);
  expect(peersByCity([])).toEqual([]);
});

test("pages go on after the last row and come back the same way", () => {
  const second = nextPage(FIRST_PAGE, "x");
  expect(afterOf(FIRST_PAGE)).toEqual({});
  expect(afterOf(second)).toEqual({ after: "x" });
  expect(previousPage(nextPage(second, "y"))).toEqual(second);
  expect(rangeOf(second, 7, 32)).toEqual({ first: 26, last: 32, all: 32 });
  expect(rangeOf(FIRST_PAGE, 0, 0)).toEqual({ first: 0, last: 0, all: 0 });
  expect(rangeOf(second, 25, 40)).toEqual({ first: 26, last: 50, all: 50 });
});
