import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { keepAwake } from "./keepAwake.ts";
import { temporaryFolder } from "./vdf.fixture.ts";

const folder = temporaryFolder();
const shell = (script: string): { program: string; args: string[] } => ({ program: "sh", args: ["-c", script] });

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("holds until it is released, and then its child is gone", async () => {
  const pidFile = join(folder, "released");
  const awake = await keepAwake(shell(`echo $$ > ${pidFile}; echo held; exec cat`));
  if (!awake.isHeld) throw new Error(awake.reason);
  const pid = Number(readFileSync(pidFile, "utf8"));
  expect(isAlive(pid)).toBe(true);
  await awake.release();
  expect(isAlive(pid)).toBe(false);
});

test("says why it is not held: in the words of the system, or that there is no such program", async () => {
  const refused = await keepAwake(shell("echo 'Failed to inhibit: Access denied' >&2; exit 1"));
  expect(refused).toEqual({ isHeld: false, reason: "Failed to inhibit: Access denied" });
  expect(await keepAwake(shell("exit 3"))).toEqual({ isHeld: false, reason: "sh ended (3)" });
  const missing = await keepAwake({ program: join(folder, "none"), args: [] });
  expect(missing).toMatchObject({ isHeld: false, reason: expect.stringMatching("ENOENT") as string });
});

test("tells when it is lost", async () => {
  const awake = await keepAwake(shell("echo held; echo 'the bus is gone' >&2; exit 1"));
  if (!awake.isHeld) throw new Error(awake.reason);
  expect(await awake.lost).toBe("the bus is gone");
});

test("ends with a host that is killed", async () => {
  const pidFile = join(folder, "orphan");
  const program = fileURLToPath(new URL("./holding.fixture.ts", import.meta.url));
  const { program: sh, args } = shell(`echo $$ > ${pidFile}; echo held; exec cat`);
  const host = spawn(process.execPath, [program, sh, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = (await once(host.stdout, "data")) as [Buffer];
  expect(line.toString().trim()).toBe("true");
  const pid = Number(readFileSync(pidFile, "utf8"));
  expect(isAlive(pid)).toBe(true);
  host.kill("SIGKILL");
  // Only a child that lives for ever makes this test fail.
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
});

test("this machine is kept awake or says why not", async () => {
  const awake = await keepAwake();
  if (awake.isHeld) await awake.release();
  else expect(awake.reason).not.toBe("");
});
