/** Verification of many stretches of a chain: verdicts, progress, cancellation; and the priority of a thread. */
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { ADDON_PATH, loadFallback, loadNative, type Native, type Segment } from "./index.ts";

const javascript = loadFallback();
const backEnds: Native[] = existsSync(ADDON_PATH) ? [loadNative(), javascript] : [javascript];

/** Segments of different lengths, of which every third has a wrong claim. */
function segments(count: number, iterations: number): Segment[] {
  return Array.from({ length: count }, (_, i) => {
    const start = javascript.sha256(Uint8Array.of(i));
    const claimedEnd = javascript.sha256Chain(start, iterations + 7 * i);
    if (i % 3 === 0) claimedEnd[31]! ^= 1;
    return { start, iterations: iterations + 7 * i, claimedEnd };
  });
}

describe.each(backEnds)("segments on the $backEnd back end", (crypto) => {
  it.each([
    [1, 1],
    [1, 4],
    [5, 2],
    [40, 1],
    [40, 3],
  ])("finds the wrong claims among %i on %i threads", async (count, threads) => {
    const verdicts = await crypto.verifySegments(segments(count, 20), { threads });
    expect(verdicts).toEqual(Array.from({ length: count }, (_, i) => i % 3 !== 0));
  });

  it("takes none, and one of length zero", async () => {
    expect(await crypto.verifySegments([], { threads: 2 })).toEqual([]);
    const start = crypto.sha256(new Uint8Array(0));
    expect(await crypto.verifySegments([{ start, iterations: 0, claimedEnd: start }], { threads: 1 })).toEqual([true]);
  });

  it("reports progress, leaves the event loop free and stops when cancelled", async () => {
    const start = crypto.sha256(new Uint8Array(0));
    const endless = { start, iterations: 2 ** 45, claimedEnd: start };
    const controller = new AbortController();
    const reports: number[] = [];
    const run = crypto.verifySegments([endless, endless], {
      threads: 1,
      signal: controller.signal,
      onProgress: (done, total) => {
        expect(total).toBe(2 ** 46);
        reports.push(done);
        if (reports.length === 3) controller.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: "cancelled" });
    expect(reports[2]).toBeGreaterThan(reports[0]!);
    const late = crypto.verifySegments([endless], { threads: 1, signal: controller.signal });
    await expect(late).rejects.toMatchObject({ code: "cancelled" });
  });
});

it.runIf(existsSync(ADDON_PATH) && process.platform === "linux")(
  "lowers the priority of the calling thread and of no other",
  async () => {
    const entry = new URL("./index.ts", import.meta.url).href;
    const worker = new Worker(
      `import { readdirSync, readFileSync } from "node:fs";
       import { parentPort } from "node:worker_threads";
       import { loadNative } from ${JSON.stringify(entry)};
       // Field 19 of stat is the nice value; the command in field 2 may hold spaces.
       const nice = () => readdirSync("/proc/self/task").map((thread) =>
         Number(readFileSync(\`/proc/self/task/\${thread}/stat\`, "utf8").split(") ")[1].split(" ")[16]));
       const lowered = () => nice().filter((value) => value === 10).length;
       const before = lowered();
       const done = loadNative().setThreadPriority("low");
       parentPort.postMessage({ done, before, after: lowered() });`,
      { eval: true, execArgv: ["--input-type=module"] },
    );
    const result = await new Promise((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    expect(result).toEqual({ done: true, before: 0, after: 1 });
  },
);
