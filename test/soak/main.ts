/**
 * `npm run soak -- [--minutes N]`: a real node of a network of its own, asked from outside for N minutes (10 by default). In
 * every window that it shows the supply rule must hold, and windows, memory and open files must go on as they began.
 */
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";

import { call } from "../../main/api/client.ts";
import { reach } from "../../main/app/attach.ts";
import { Playground } from "../../main/app/cli.fixture.ts";
import { locateData } from "../../main/app/dataDirectory.ts";

const EMISSION = 13_000_000_000n;
const ASK_EVERY_MS = 200;
const MINUTE_MS = 60_000;
/** A window is meant to take a second; this long without one is a standstill. */
const WINDOW_MS_MAX = 30_000;

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const durationMs = Number(values.minutes) * MINUTE_MS;
if (!(durationMs > 0)) throw new Error(`--minutes takes a number above 0, not "${values.minutes}"`);

interface Usage {
  readonly residentMb: number;
  readonly openFiles: number;
}

/** Of a process, from Linux's /proc; undefined elsewhere. */
async function usageOf(pid: number): Promise<Usage | undefined> {
  try {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    const residentKb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
    return { residentMb: Math.round(residentKb / 1000), openFiles: (await readdir(`/proc/${pid}/fd`)).length };
  } catch {
    return undefined;
  }
}

const playground = await Playground.make();
try {
  await playground.init();
  const host = await playground.start();
  const client = (await reach(locateData(playground.data)))!.client;
  const startedMs = performance.now();
  const samples: Usage[] = [];
  let windows = 0;
  let first = -1;
  let last = -1;
  let lastMs = startedMs;
  while (performance.now() - startedMs < durationMs) {
    const { window, balance, supply } = await call(client.status.query());
    const now = performance.now();
    if (now - lastMs > WINDOW_MS_MAX) throw new Error(`no window after ${last} for ${WINDOW_MS_MAX / 1000} s`);
    if (window !== null && window !== last) {
      if (window < last) throw new Error(`window ${window} after ${last}`);
      const expected = [EMISSION * BigInt(window), EMISSION * BigInt(window + 1)].map(String);
      if (balance !== expected[0] || supply !== expected[1]) {
        throw new Error(`window ${window}: balance ${balance}, supply ${supply}; expected ${expected.join(", ")}`);
      }
      if (first < 0) first = window;
      last = window;
      lastMs = now;
      windows++;
      const usage = windows % 30 === 1 ? await usageOf(host.pid) : undefined;
      if (usage !== undefined) samples.push(usage);
    }
    await wait(ASK_EVERY_MS);
  }
  const seconds = (lastMs - startedMs) / 1000;
  console.log(`${windows} windows seen, ${first} to ${last}, ${(seconds / (last - first)).toFixed(2)} s each`);
  const [early, late] = [samples.at(1) ?? samples[0], samples.at(-1)];
  if (early !== undefined && late !== undefined) {
    console.log(`resident ${early.residentMb} MB early, ${late.residentMb} MB late`);
    console.log(`open files ${early.openFiles} early, ${late.openFiles} late`);
  }
  await playground.run(["stop"]);
  console.log("the supply rule held in every window");
} finally {
  await playground.remove();
}
