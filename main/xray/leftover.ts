/**
 * The note about a running engine, for the next start: an engine that outlived its program is ended, and nothing else ever is
 * (chapter 08 §10.1).
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { replaceFile } from "../files/blocking.ts";
import { temporaryOf } from "../files/replaceFile.ts";
import { NOTE, SOCKET_FILES } from "./directory.ts";
import { identifyProcess, isSameProcess, type ProcessIdentity } from "./processes.ts";

/** Milliseconds: how long an engine may take to end by itself, and how often that is looked at. */
const GRACE = 2_000;
const POLL = 20;

export type LeftoverOutcome =
  /** Nothing was noted. */
  | "none"
  /** The engine had ended; what it left was removed. */
  | "gone"
  /** It was still running. */
  | "ended"
  /** The note cannot be read, so no process is touched. */
  | "unreadable"
  /** It does not end, or may not be ended: the note stays. */
  | "survives";

/** Written whole or not at all. */
export function noteEngine(directory: string, identity: ProcessIdentity): void {
  replaceFile(join(directory, NOTE), [Buffer.from(JSON.stringify(identity))]);
}

/** Ends the engine that the note in `directory` is about, and removes note and sockets. */
export async function endLeftover(directory: string): Promise<LeftoverOutcome> {
  const noted = readNote(join(directory, NOTE));
  const outcome = typeof noted === "string" ? noted : await end(noted);
  if (outcome !== "survives") {
    for (const name of [NOTE, temporaryOf(NOTE), ...SOCKET_FILES]) rmSync(join(directory, name), { force: true });
  }
  return outcome;
}

function readNote(path: string): ProcessIdentity | "none" | "unreadable" {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "none" : "unreadable";
  }
  try {
    const { pid, startTime, executable } = JSON.parse(text) as Partial<ProcessIdentity>;
    const isNote =
      typeof pid === "number" &&
      Number.isInteger(pid) &&
      pid > 1 &&
      typeof startTime === "string" &&
      typeof executable === "string";
    return isNote ? { pid, startTime, executable } : "unreadable";
  } catch {
    return "unreadable";
  }
}

async function end(noted: ProcessIdentity): Promise<LeftoverOutcome> {
  if (!(await isRunning(noted))) return "gone";
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!send(noted.pid, signal)) break;
    const deadline = performance.now() + GRACE;
    while (performance.now() < deadline) {
      if (!(await isRunning(noted))) return "ended";
      await sleep(POLL);
    }
  }
  return (await isRunning(noted)) ? "survives" : "ended";
}

async function isRunning(noted: ProcessIdentity): Promise<boolean> {
  const found = await identifyProcess(noted.pid);
  return found !== undefined && isSameProcess(found, noted);
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
