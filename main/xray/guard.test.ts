import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { Binaries } from "./binaries.ts";
import { endLeftover } from "./leftover.ts";
import { binariesHere } from "./mesh.fixture.ts";
import { identifyProcess } from "./processes.ts";

const HOST = fileURLToPath(new URL("engineHost.fixture.ts", import.meta.url));
const binaries: Partial<Binaries> = binariesHere() ?? {};
const { guard } = binaries;
let folder = "";

/** Resolves; a process that stays makes the test run out of time. */
async function untilGone(pid: number): Promise<void> {
  while ((await identifyProcess(pid)) !== undefined) await sleep(10);
}

async function startHost(...args: string[]) {
  const host = spawn(process.execPath, [HOST, folder, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(host.stdout, "data")) as [Buffer];
  const engine = (await identifyProcess(Number(line.toString())))!;
  expect(engine.executable).toBe(binaries.xray);
  return { host, engine };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "guard-"));
});

afterEach(async () => {
  await endLeftover(join(folder, "engine"));
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(guard === undefined || process.platform === "win32")(
  "with the guard, the engine does not outlive",
  () => {
    test("its program, however that is killed", async () => {
      const { host, engine } = await startHost();
      host.kill("SIGKILL");
      await untilGone(engine.pid);
    });

    test.runIf(process.platform === "linux")("the guard itself", async () => {
      const { host, engine } = await startHost();
      const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${engine.pid}/status`, "utf8"))![1];
      expect((await identifyProcess(Number(parent)))!.executable).toBe(guard);
      process.kill(Number(parent), "SIGKILL");
      await untilGone(engine.pid);
      host.kill("SIGKILL");
    });

    test("a program that dies while it ignores every polite word", async () => {
      const stubborn = `process.on("SIGTERM", () => undefined); setInterval(() => undefined, 1_000); console.log("ready")`;
      const child = spawn(guard!, [process.execPath, "-e", stubborn], { stdio: ["ignore", "pipe", "inherit", "pipe"] });
      const lifeline = child.stdio[3] as NodeJS.ReadableStream & { destroy(): void };
      const [pid] = (await once(lifeline, "data")) as [Buffer];
      await once(child.stdout!, "data");
      lifeline.destroy();
      const [status] = (await once(child, "exit")) as [number];
      expect(status).toBe(128 + 9);
      expect(await identifyProcess(Number(pid.toString()))).toBeUndefined();
    });
  },
);

test.skipIf(binaries.xray === undefined || process.platform === "win32")(
  "without the guard, the engine outlives its program and ends at the next start",
  async () => {
    const { host, engine } = await startHost("unguarded");
    host.kill("SIGKILL");
    await once(host, "exit");
    expect(await identifyProcess(engine.pid)).toEqual(engine);
    expect(await endLeftover(join(folder, "engine"))).toBe("ended");
    expect(await identifyProcess(engine.pid)).toBeUndefined();
    expect(readdirSync(join(folder, "engine"))).toEqual([]);
  },
);

describe.skipIf(guard === undefined || process.platform === "win32")("the guard", () => {
  const run = (...args: string[]) =>
    spawnSync(guard!, args, { stdio: ["pipe", "pipe", "pipe", "pipe"], input: "in", encoding: "utf8" });

  test("hands streams and exit status on", () => {
    const script = `process.stdin.on("data", (text) => { console.log(String(text)); process.exitCode = 23; })`;
    const { status, stdout } = run(process.execPath, "-e", script);
    expect([status, stdout]).toEqual([23, "in\n"]);
  });

  test("says when there is nothing to start, or nothing to hold on to", () => {
    expect(run("/nonexistent/engine")).toMatchObject({
      status: 127,
      stderr: expect.stringContaining("guard: ") as string,
    });
    expect(run()).toMatchObject({ status: 127, stderr: expect.stringContaining("usage") as string });
    const without = spawnSync(guard!, ["/bin/true"], { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
    expect([without.status, without.stderr]).toEqual([127, "guard: descriptor 3 is not open\n"]);
  });
});
