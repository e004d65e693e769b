import fc from "fast-check";
import { expect, test } from "vitest";

import { genesisTimechainValue } from "../../protocol/timechain/genesisValue.ts";
import { vdfStep } from "../../protocol/timechain/vdf.ts";
import { measureSpeed } from "./speedTest.ts";
import { crypto, hashOf } from "./vdf.fixture.ts";
import { verifyHistory, type HistoryOptions, type HistoryProgress, type PinnedWindow } from "./verifyHistory.ts";

const WINDOWS = 300;
const dOf = (window: number): bigint => (window <= 150 ? 40n : 41n);

const history: PinnedWindow[] = [{ value: genesisTimechainValue(crypto), d: 0n }];
for (let window = 1; window <= WINDOWS; window++) {
  history.push({ value: vdfStep(crypto, history[window - 1]!.value, dOf(window)), d: dOf(window) });
}

const over = (windows: readonly PinnedWindow[], options: Partial<HistoryOptions> = {}): HistoryOptions => ({
  ...{ from: 0n, through: BigInt(WINDOWS), threads: 2, sampleSize: 50 },
  read: (window) => windows[Number(window)]!,
  ...options,
});

test("an honest history is right: the sample first, then every window, in order", async () => {
  const told: HistoryProgress[] = [];
  let sampledAfter = -1;
  const options = over(history, {
    onProgress: (progress) => told.push(progress),
    onSampled: () => (sampledAfter = told.length),
  });
  expect(await verifyHistory(crypto, options)).toBeUndefined();
  expect(told.slice(0, sampledAfter).every(({ part }) => part === "sample")).toBe(true);
  expect(told.slice(sampledAfter).every(({ part }) => part === "rest")).toBe(true);
  expect(told[sampledAfter - 1]).toEqual({ part: "sample", windowsDone: 50n, windowsTotal: 50n, verifiedThrough: 0n });
  const all = BigInt(WINDOWS);
  expect(told.at(-1)).toEqual({ part: "rest", windowsDone: all, windowsTotal: all, verifiedThrough: all });
});

test("any one faked window is found in the end, with the evidence", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: WINDOWS }), async (faked) => {
      const windows = history.with(faked, { value: hashOf("faked"), d: dOf(faked) });
      const mismatch = await verifyHistory(crypto, over(windows, { sampleSize: 5 }));
      // The step to the faked value is wrong, and so is the one from it, which the sample may meet first.
      expect([BigInt(faked), BigInt(faked + 1)]).toContain(mismatch?.window);
      const { window, previous, d, claimed } = mismatch!;
      expect(vdfStep(crypto, previous, d)).not.toEqual(claimed);
      expect(windows[Number(window)]).toEqual({ value: claimed, d });
    }),
    { numRuns: 20 },
  );
});

test("a history that is faked throughout does not survive the sample", async () => {
  const windows = history.map(({ d }, window) => ({ value: hashOf(`faked ${String(window)}`), d }));
  let isSampled = false;
  expect(await verifyHistory(crypto, over(windows, { onSampled: () => (isSampled = true) }))).toBeDefined();
  expect(isSampled).toBe(false);
});

test("a run that was cancelled goes on where it was", async () => {
  const controller = new AbortController();
  let through = 0n;
  const first = verifyHistory(
    crypto,
    over(history, {
      signal: controller.signal,
      onProgress: ({ part, verifiedThrough }) => {
        through = verifiedThrough;
        if (part === "rest" && verifiedThrough >= 100n) controller.abort();
      },
    }),
  );
  await expect(first).rejects.toMatchObject({ code: "cancelled" });
  expect(through).toBeGreaterThanOrEqual(100n);
  const read: bigint[] = [];
  const options = over(history, {
    verifiedThrough: through,
    read: (window) => {
      read.push(window);
      return history[Number(window)]!;
    },
  });
  expect(await verifyHistory(crypto, options)).toBeUndefined();
  expect(read.every((window) => window >= through)).toBe(true);
});

test("a history without windows is right", async () => {
  expect(await verifyHistory(crypto, over(history, { from: 7n, through: 7n }))).toBeUndefined();
});

test("the speed test gives a figure for one chain and for two at once", async () => {
  for (const chains of [1, 2]) expect(await measureSpeed(chains, { durationMs: 50 })).toBeGreaterThan(1000);
});
