/** Sleep, clock jumps and the log of hours awake. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import fc from "fast-check";
import { expect, test } from "vitest";

import { AwakeLog, HOURS_MAX } from "./awakeLog.ts";
import { elapsedBetween, readClocks, watchClocks, type Elapsed } from "./clockWatch.ts";
import { crypto, temporaryFolder } from "./vdf.fixture.ts";

const INTERVAL_MS = 10_000;
const HOUR_MS = 3_600_000;

function elapsed(wallMs: number, monotonicMs: number, sinceBootMs: number): Elapsed {
  const start = { wallMs: 1e12, monotonicMs: 5e6, sinceBootMs: 9e6 };
  const end = { wallMs: 1e12 + wallMs, monotonicMs: 5e6 + monotonicMs, sinceBootMs: 9e6 + sinceBootMs };
  return elapsedBetween(start, end, INTERVAL_MS);
}

test.each([
  ["nothing but time", [10_000, 10_000, 10_000], { awakeMs: 10_000, asleepMs: 0, clockSetMs: 0 }],
  ["clocks of different resolution", [10_900, 10_000, 11_000], { awakeMs: 10_000, asleepMs: 0, clockSetMs: 0 }],
  ["an hour of sleep", [3_610_000, 10_000, 3_610_000], { awakeMs: 10_000, asleepMs: 3_600_000, clockSetMs: 0 }],
  ["sleep on Windows", [3_610_000, 3_610_000, 3_610_000], { awakeMs: 10_000, asleepMs: 3_600_000, clockSetMs: 0 }],
  ["a clock set forward", [3_610_000, 10_000, 10_000], { awakeMs: 10_000, asleepMs: 0, clockSetMs: 3_600_000 }],
  ["a clock set back", [-50_000, 10_000, 10_000], { awakeMs: 10_000, asleepMs: 0, clockSetMs: -60_000 }],
  ["a busy computer", [40_000, 40_000, 40_000], { awakeMs: 40_000, asleepMs: 0, clockSetMs: 0 }],
] as const)("%s is seen as that", (_, [wall, monotonic, boot], expected) => {
  expect(elapsed(wall, monotonic, boot)).toEqual(expected);
});

test("sleep and clock changes are told apart at any lengths", () => {
  const length = fc.integer({ min: 4_000, max: 10 * 24 * HOUR_MS });
  fc.assert(
    fc.property(length, fc.integer({ min: -1e9, max: 1e9 }), (asleepMs, setMs) => {
      fc.pre(Math.abs(setMs) > 4_000);
      expect(elapsed(INTERVAL_MS + asleepMs + setMs, INTERVAL_MS, INTERVAL_MS + asleepMs)).toEqual({
        ...{ awakeMs: INTERVAL_MS, asleepMs, clockSetMs: setMs },
      });
    }),
  );
});

test("a watch tells what passed since the last reading", async () => {
  const readings = [0, 10, 3_600_020].map((ms) => ({ wallMs: ms, monotonicMs: Math.min(ms, 20), sinceBootMs: ms }));
  const told: Elapsed[] = [];
  await new Promise<void>((resolve) => {
    const end = watchClocks(
      (passed) => {
        told.push(passed);
        if (told.length < 2) return;
        end();
        resolve();
      },
      () => readings.shift()!,
      1,
    );
  });
  expect(told).toEqual([
    { awakeMs: 10, asleepMs: 0, clockSetMs: 0 },
    { awakeMs: 10, asleepMs: 3_600_000, clockSetMs: 0 },
  ]);
  expect(readClocks().wallMs).toBeGreaterThan(0);
});

const folder = temporaryFolder();
let logs = 0;
const newPath = (): string => join(folder, `log-${String(logs++)}`);
const fail = (code: string): void => {
  throw new Error(code);
};
const START_MS = 480_000 * HOUR_MS;

test("the share is that of the time since the first observation, and unknown within the first hour", () => {
  const log = new AwakeLog(crypto, newPath(), fail);
  log.add(1000, START_MS + 1000);
  expect(log.share(START_MS + HOUR_MS / 2)).toBeUndefined();
  for (let hour = 0; hour < 48; hour++) {
    // Awake in every third hour.
    const endMs = START_MS + (hour + 1) * HOUR_MS - 1;
    if (hour % 3 === 0) log.add(HOUR_MS, endMs);
  }
  expect(log.share(START_MS + 48 * HOUR_MS)).toBeCloseTo(1 / 3, 2);
  log.close();
});

test("only the last week counts", () => {
  const log = new AwakeLog(crypto, newPath(), fail);
  for (let hour = 0; hour < 2 * HOURS_MAX; hour++) {
    if (hour < HOURS_MAX) log.add(HOUR_MS, START_MS + (hour + 1) * HOUR_MS - 1);
  }
  log.add(0, START_MS + 2 * HOURS_MAX * HOUR_MS);
  expect(log.share(START_MS + 2 * HOURS_MAX * HOUR_MS)).toBe(0);
  log.close();
});

test("a log goes on after a restart; one that is damaged is named and begins anew", () => {
  const path = newPath();
  const first = new AwakeLog(crypto, path, fail);
  for (let hour = 0; hour < 10; hour++) first.add(HOUR_MS / 2, START_MS + (hour + 1) * HOUR_MS - 1);
  const endMs = START_MS + 10 * HOUR_MS;
  first.save(endMs);
  first.close();
  const second = new AwakeLog(crypto, path, fail);
  expect(second.share(endMs)).toBeCloseTo(0.5, 1);
  second.close();
  writeFileSync(path, "damaged");
  const codes: string[] = [];
  expect(new AwakeLog(crypto, path, (code) => codes.push(code)).share(endMs)).toBeUndefined();
  expect(codes).toEqual(["slot-file-corrupt"]);
});

test("the share stays between 0 and 1 whatever the clock does", () => {
  const turn = fc.record({ awakeMs: fc.nat(INTERVAL_MS * 5), jumpMs: fc.integer({ min: -1e10, max: 1e10 }) });
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 40 }), (turns) => {
      const log = new AwakeLog(crypto, newPath(), fail);
      let nowMs = START_MS;
      for (const { awakeMs, jumpMs } of turns) {
        nowMs = Math.max(0, nowMs + awakeMs + jumpMs);
        log.add(awakeMs, nowMs);
        const share = log.share(nowMs) ?? 0;
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
      }
      log.close();
    }),
    { numRuns: 30 },
  );
});
