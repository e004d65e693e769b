import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { endLeftover, noteEngine } from "./leftover.ts";
import { identifyProcess } from "./processes.ts";

/** Stands for an engine: it waits to be ended. */
const WAITING = "process.stdin.resume(); process.stdout.write('ready')";
const STUBBORN = `process.on("SIGTERM", () => undefined); ${WAITING}`;

let directory = "";
let child: ChildProcess | undefined;

async function start(script: string): Promise<{ readonly process: ChildProcess; readonly pid: number }> {
  child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout!, "data");
  return { process: child, pid: child.pid! };
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "leftover-"));
});

afterEach(() => {
  child?.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

describe("at the next start, what the last engine left", () => {
  test("is nothing where none was noted", async () => {
    expect(await endLeftover(directory)).toBe("none");
  });

  test.each([
    ["by request", WAITING],
    ["by force when it does not listen", STUBBORN],
  ])("is ended %s, and its sockets are removed", async (_, script) => {
    const started = await start(script);
    const ended = once(started.process, "exit");
    noteEngine(directory, (await identifyProcess(started.pid))!);
    writeFileSync(join(directory, "engine.sock.lock"), "");
    expect(await endLeftover(directory)).toBe("ended");
    await ended;
    expect(existsSync(join(directory, "engine.sock.lock"))).toBe(false);
    expect(existsSync(join(directory, "engine.json"))).toBe(false);
  });

  test("is no other process that has its id by now", async () => {
    const { process: other, pid } = await start(WAITING);
    const identity = (await identifyProcess(pid))!;
    for (const change of [{ startTime: "another" }, { executable: "/somewhere/else" }]) {
      noteEngine(directory, { ...identity, ...change });
      expect(await endLeftover(directory)).toBe("gone");
    }
    expect(other.exitCode ?? other.signalCode).toBeNull();
    expect(await identifyProcess(pid)).toEqual(identity);
  });

  test("is no process at all when the note cannot be read", async () => {
    const { pid } = await start(WAITING);
    const identity = (await identifyProcess(pid))!;
    noteEngine(directory, identity);
    const note = join(directory, "engine.json");
    const whole = readFileSync(note, "utf8");
    for (const damaged of ["", whole.slice(0, -2), whole.replace(String(pid), '"x"'), "null", "[]", '{"pid":1}']) {
      writeFileSync(note, damaged);
      expect(await endLeftover(directory), damaged).toBe("unreadable");
    }
    expect(await identifyProcess(pid)).toEqual(identity);
  });
});

test("a process that has ended is identified as none", async () => {
  const { process: ended, pid } = await start(WAITING);
  ended.kill("SIGKILL");
  await once(ended, "exit");
  expect(await identifyProcess(pid)).toBeUndefined();
});
