import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { readPower, watchPower, type PowerState } from "./power.ts";
import { temporaryFolder } from "./vdf.fixture.ts";

const folder = temporaryFolder();
let roots = 0;

/** A folder as Linux has it: supply → field → content. */
function supplies(all: Record<string, Record<string, string>>): string {
  const root = join(folder, `supplies-${String(roots++)}`);
  mkdirSync(root);
  for (const [name, fields] of Object.entries(all)) {
    mkdirSync(join(root, name));
    for (const [field, content] of Object.entries(fields)) writeFileSync(join(root, name, field), `${content}\n`);
  }
  return root;
}

const BATTERY = { type: "Battery", status: "Discharging" };

test.each([
  [
    "a laptop on its charger",
    { AC: { type: "Mains", online: "1" }, BAT0: { ...BATTERY, status: "Charging" } },
    "mains",
  ],
  ["a laptop on its battery", { AC: { type: "Mains", online: "0" }, BAT0: BATTERY }, "battery"],
  ["a weak charger", { ucsi: { type: "USB", online: "1" }, BAT0: BATTERY }, "mains"],
  ["two batteries, one in use", { BAT0: { ...BATTERY, status: "Full" }, BAT1: BATTERY }, "battery"],
  ["a battery that is full", { BAT0: { ...BATTERY, status: "Full" } }, "mains"],
  ["a silent battery without charger", { AC: { type: "Mains", online: "0" }, BAT0: { type: "Battery" } }, "battery"],
] as const)("on Linux %s is known", async (_, all, source) => {
  expect(await readPower({ platform: "linux", suppliesFolder: supplies(all) })).toMatchObject({
    source,
    isKnown: true,
  });
});

test.each([
  ["no supplies", {}],
  ["a mouse with a battery", { hidpp_0: { ...BATTERY, scope: "Device" } }],
])("on Linux %s says nothing: mains is assumed, and said to be assumed", async (_, all) => {
  const state = await readPower({ platform: "linux", suppliesFolder: supplies(all) });
  expect(state).toMatchObject({ source: "mains", isKnown: false });
  expect(state.note).toMatch(/mains is assumed/);
});

test("a system that cannot be asked is one that does not say", async () => {
  const nowhere = { platform: "linux", suppliesFolder: join(folder, "nowhere") } as const;
  expect(await readPower(nowhere)).toMatchObject({ source: "mains", isKnown: false });
  expect(await readPower({ platform: "aix" })).toMatchObject({ isKnown: false });
  const run = (): Promise<string> => Promise.reject(new Error("no such program"));
  const failed = await readPower({ platform: "darwin", run });
  expect(failed).toMatchObject({ isKnown: false, note: expect.stringMatching("no such program") as string });
});

test.each([
  ["darwin", "Now drawing from 'AC Power'\n -InternalBattery-0 (id=1)\t100%; charged;", "mains", true],
  ["darwin", "Now drawing from 'Battery Power'\n", "battery", true],
  ["darwin", "Now drawing from 'UPS Power'\n", "battery", true],
  ["darwin", "something else", "mains", false],
  ["win32", "1\r\n", "battery", true],
  ["win32", "2\r\n", "mains", true],
  ["win32", "1\r\n6\r\n", "mains", true],
  ["win32", "", "mains", true],
  ["win32", "10", "mains", false],
] as const)("%s says %j: %s", async (platform, text, source, isKnown) => {
  expect(await readPower({ platform, run: () => Promise.resolve(text) })).toMatchObject({ source, isKnown });
});

test("this machine gives an answer", async () => {
  expect(["mains", "battery"]).toContain((await readPower()).source);
});

test("a change is told, a repetition is not, and nothing after the end", async () => {
  const answers = ["2", "2", "1", "1", "2"];
  const states: PowerState["source"][] = [];
  let end = (): void => undefined;
  await new Promise<void>((resolve) => {
    const run = (): Promise<string> => {
      const answer = answers.shift();
      if (answer === undefined) resolve();
      return Promise.resolve(answer ?? "1");
    };
    end = watchPower(({ source }) => states.push(source), { platform: "win32", run }, 1);
  });
  end();
  await new Promise(setImmediate);
  expect(states).toEqual(["mains", "battery", "mains"]);
});
