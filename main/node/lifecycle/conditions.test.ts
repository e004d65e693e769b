import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { Conditions, type ConditionsOptions, type ConditionsReport } from "./conditions.ts";
import { crypto } from "./network.fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "montana-conditions-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const NOTHING = { isPaused: false, isMainsOnly: false, isKeptAwake: false };
const HOLDS = { program: "sh", args: ["-c", "echo held; exec cat"] };

class Reports {
  readonly all: ConditionsReport[] = [];
  #told: (() => void) | undefined;

  readonly listener = (report: ConditionsReport): void => {
    this.all.push(report);
    this.#told?.();
  };

  async find(kind: ConditionsReport["kind"]): Promise<ConditionsReport> {
    for (;;) {
      const found = this.all.find((report) => report.kind === kind);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#told = resolve;
      });
    }
  }
}

/** `battery` is what Windows prints for it: 1 discharging, 2 on mains. */
function open(reports: Reports, battery: string, options: Partial<ConditionsOptions> = {}): Conditions {
  return new Conditions({
    ...{ crypto, folder, preferences: NOTHING, listener: reports.listener },
    power: { platform: "win32", run: () => Promise.resolve(battery) },
    ...options,
  });
}

test("a chain rests for a person and, where it is to run on mains only, for a battery", async () => {
  const reports = new Reports();
  const conditions = open(reports, "1");
  await reports.find("power");
  expect(conditions.power).toMatchObject({ source: "battery" });
  expect(conditions.pauseReasons).toEqual([]);
  conditions.prefer({ isMainsOnly: true });
  expect(conditions.pauseReasons).toEqual(["battery"]);
  conditions.prefer({ isPaused: true });
  expect(conditions.pauseReasons).toEqual(["person", "battery"]);
  conditions.prefer({ isMainsOnly: false });
  conditions.prefer({ isMainsOnly: false });
  conditions.prefer({ isPaused: false });
  const told = reports.all.flatMap((report) => (report.kind === "pause-reasons" ? [report.reasons.join("+")] : []));
  expect(told).toEqual(["battery", "person+battery", "person", ""]);
  await conditions.close();
});

test("on mains nothing rests", async () => {
  const reports = new Reports();
  const conditions = open(reports, "2", { preferences: { ...NOTHING, isMainsOnly: true } });
  await reports.find("power");
  expect(conditions.pauseReasons).toEqual([]);
  await conditions.close();
});

test("the computer is kept awake while that is wanted, and a refusal is told", async () => {
  const reports = new Reports();
  const conditions = open(reports, "2", { awakeCommand: HOLDS });
  conditions.prefer({ isKeptAwake: true });
  await reports.find("kept-awake");
  conditions.prefer({ isKeptAwake: false });
  await conditions.close();
  expect(reports.all.some(({ kind }) => kind === "not-kept-awake")).toBe(false);

  const refusals = new Reports();
  const refused = open(refusals, "2", {
    preferences: { ...NOTHING, isKeptAwake: true },
    awakeCommand: { program: "sh", args: ["-c", "echo 'Access denied' >&2; exit 1"] },
  });
  expect(await refusals.find("not-kept-awake")).toEqual({ kind: "not-kept-awake", reason: "Access denied" });
  await refused.close();
});

test("sleep and a set clock are told, and the hours awake are those that the log has after a restart", async () => {
  const HOUR_MS = 3_600_000;
  // Hours asleep, then a clock that is set back by a minute.
  const passed = [
    { wall: 0, monotonic: 0, boot: 0 },
    { wall: 0, monotonic: 0, boot: 0 },
    { wall: 2.5 * HOUR_MS, monotonic: 5000, boot: 2.5 * HOUR_MS },
    { wall: 2.5 * HOUR_MS - 50_000, monotonic: 15_000, boot: 2.5 * HOUR_MS + 10_000 },
  ];
  let turn = 0;
  const read = () => {
    const { wall, monotonic, boot } = passed[Math.min(turn++, passed.length - 1)]!;
    return { wallMs: 480_000 * HOUR_MS + wall, monotonicMs: monotonic, sinceBootMs: boot };
  };
  const reports = new Reports();
  const conditions = open(reports, "2", { readClocks: read, clockIntervalMs: 1 });
  expect(await reports.find("slept")).toEqual({ kind: "slept", seconds: (2.5 * HOUR_MS - 5000) / 1000 });
  expect(await reports.find("clock-set")).toEqual({ kind: "clock-set", seconds: -60 });
  expect(conditions.awakeShare).toBeCloseTo(15 / 9000, 3);
  await conditions.close();
  const again = open(new Reports(), "2", { readClocks: read, clockIntervalMs: 1e6 });
  expect(again.awakeShare).toBeCloseTo(15 / 9000, 3);
  await again.close();
});
