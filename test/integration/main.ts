/**
 * A node alone for some minutes, every window held against the supply rule: `node test/integration/main.ts [MINUTES]`. Prints
 * how many windows there were, how long they took, and what the process needed.
 */
import { setTimeout as wait } from "node:timers/promises";

import { follow } from "../../main/api/client.ts";
import type { Status } from "../../main/api/contract.ts";
import { reach } from "../../main/app/attach.ts";
import { Playground } from "../../main/app/cli.fixture.ts";
import { locateData } from "../../main/app/dataDirectory.ts";
import { residentMib } from "./resident.ts";

const EMISSION = 13_000_000_000n;
const minutes = Number(process.argv[2] ?? 10);

const playground = await Playground.make();
await playground.init();
const host = await playground.start();
const reached = await reach(locateData(playground.data));
if (reached === undefined) throw new Error("the host is gone");

let windows = 0;
let rssMib = 0;
let last: Status | undefined;
const wrong: string[] = [];
const following = follow(
  reached.client,
  (event) => {
    if (event.kind !== "window-closed" || event.payload.window === null) return;
    const { window, balance, supply } = event.payload;
    windows++;
    rssMib = Math.max(rssMib, residentMib(host.pid));
    const isRight =
      balance === String(EMISSION * BigInt(window)) &&
      supply === String(EMISSION * BigInt(window + 1)) &&
      (last?.window == null || window > last.window);
    if (!isRight) wrong.push(JSON.stringify(event.payload));
    last = event.payload;
  },
  () => undefined,
);
const startedMs = performance.now();
await wait(minutes * 60_000);
following.stop();
const seconds = (performance.now() - startedMs) / 1000;
host.process.kill("SIGTERM");
const stoppedMs = performance.now();
const { code } = await host.ended;
const stopMs = Math.round(performance.now() - stoppedMs);
await playground.remove();
const meanSeconds = Number((seconds / windows).toFixed(3));
console.log(JSON.stringify({ windows, lastWindow: last?.window, meanSeconds, rssMib, stopMs, exitCode: code, wrong }));
process.exit(wrong.length === 0 && windows > 0 && code === 0 ? 0 : 1);
