/**
 * The network's processes: each is `montana …`, lives on when the command that started it has ended, and is found again by a
 * note that it wrote itself (registration.ts), with its id and its start time. So whoever ends them ends none of anybody else.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { z } from "zod";

import { identifyProcess, isSameProcess, type ProcessIdentity } from "../xray/processes.ts";
import { localError } from "./errors.ts";
import type { LocalDirectory } from "./record.ts";
import { RUN_FILE_VARIABLE } from "./registration.ts";

const POLL_MS = 50;
/** On a busy machine; an end is noticed at once. */
const START_MS_MAX = 120_000;
/** Hosts stop within five seconds of their own time. */
const STOP_MS_MAX = 20_000;
const KILL_MS_MAX = 10_000;
const RUNNING = /^run-[0-9a-f]{12}$/;
const ENDED = /^ended-[0-9a-f]{12}$/;
const REASON_MAX = 300;

const noteSchema = z.object({ pid: z.int(), startTime: z.string(), executable: z.string() });
const announcedError = z.object({ error: z.object({ code: z.string(), sentence: z.string() }) });

export interface Part {
  readonly name: string;
  readonly words: readonly string[];
  /** It says with one JSON document that it works; otherwise it counts as started once it runs. */
  readonly announces: boolean;
}

export class Processes {
  readonly #directory: LocalDirectory;
  readonly #program: readonly string[];

  /** `program`: how `montana` is called. */
  constructor(directory: LocalDirectory, program: readonly string[]) {
    this.#directory = directory;
    this.#program = program;
  }

  #isClosed = false;

  /** Resolves when the part works. Throws "local-part-failed", "local-part-silent"; then it does not run. */
  async start({ name, words, announces }: Part): Promise<void> {
    if (this.#isClosed) throw localError("local-not-running");
    const folder = this.#runFolder();
    const note = join(folder, `${name}.json`);
    rmSync(note, { force: true });
    mkdirSync(this.#directory.logs, { recursive: true, mode: 0o700 });
    const [output, log] = [this.#logOf(name, "out"), this.#logOf(name, "log")];
    const files = [output, log].map((path) => {
      rmSync(path, { force: true });
      // So that they can be cut while it writes.
      return openSync(path, "a", 0o600);
    });
    const [executable = "", ...first] = this.#program;
    const child = spawn(executable, [...first, ...words], {
      cwd: this.#directory.root,
      env: { ...environmentOf(this.#directory), [RUN_FILE_VARIABLE]: note },
      ...{ detached: true, windowsHide: true, stdio: ["ignore", files[0]!, files[1]!] },
    });
    for (const file of files) closeSync(file);
    child.unref();
    const ended = new Promise<"ended">((resolve) => {
      child.once("exit", () => resolve("ended"));
      child.once("error", () => resolve("ended"));
    });
    const end = performance.now() + START_MS_MAX;
    while (performance.now() < end) {
      const works = announces ? readText(output).includes("\n") : readNote(note) !== undefined;
      if (works && !isError(readText(output))) return;
      if ((await Promise.race([ended, wait(POLL_MS)])) === "ended") {
        throw localError("local-part-failed", { part: name, reason: reasonOf(readText(output), readText(log)), log });
      }
    }
    await this.end([name]);
    throw localError("local-part-silent", { part: name, seconds: START_MS_MAX / 1000, log });
  }

  /** By name, those that run now. */
  async running(): Promise<ReadonlyMap<string, ProcessIdentity>> {
    const notes = this.#folders(RUNNING).flatMap((folder) => notesIn(folder));
    const alive = await Promise.all(
      notes.map(async ({ name, identity }) => ((await isAlive(identity)) ? ([name, identity] as const) : undefined)),
    );
    return new Map(alive.filter((found) => found !== undefined));
  }

  /** Ends these and waits for it, by force where they take too long. */
  async end(names: readonly string[]): Promise<void> {
    const found = await this.running();
    await endAll(names.flatMap((name) => found.get(name) ?? []));
  }

  /** Ends all, and starts none any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.endAll();
  }

  /** Ends all of this and of earlier runs. A part that a killed start was just beginning ends itself: its folder is gone. */
  async endAll(): Promise<number> {
    for (const folder of this.#folders(RUNNING)) renameSync(folder, folder.replace(/run-(?=[0-9a-f]+$)/, "ended-"));
    const folders = this.#folders(ENDED);
    const ended = await endAll(folders.flatMap((folder) => notesIn(folder).map(({ identity }) => identity)));
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    return ended;
  }

  #runFolder(): string {
    const [folder] = this.#folders(RUNNING);
    if (folder !== undefined) return folder;
    const made = join(this.#directory.root, `run-${randomBytes(6).toString("hex")}`);
    mkdirSync(made, { recursive: true, mode: 0o700 });
    return made;
  }

  #folders(pattern: RegExp): string[] {
    const { root } = this.#directory;
    try {
      return readdirSync(root)
        .filter((name) => pattern.test(name))
        .map((name) => join(root, name));
    } catch {
      return [];
    }
  }

  #logOf(name: string, kind: "out" | "log"): string {
    return join(this.#directory.logs, `${name}.${kind}`);
  }
}

/**
 * What a person's own settings say is about their host, not about these. A start runs some thirty processes of the same program:
 * compiled once, each is there in half the time.
 */
export function environmentOf({ compiled }: LocalDirectory): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("MONTANA_"));
  return { NODE_COMPILE_CACHE: compiled, ...Object.fromEntries(kept) };
}

function notesIn(folder: string): { name: string; identity: ProcessIdentity }[] {
  return readdirSync(folder).flatMap((file) => {
    const identity = file.endsWith(".json") ? readNote(join(folder, file)) : undefined;
    return identity === undefined ? [] : [{ name: file.slice(0, -".json".length), identity }];
  });
}

function readNote(file: string): ProcessIdentity | undefined {
  try {
    return noteSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}

async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const now = await identifyProcess(identity.pid);
  return now !== undefined && isSameProcess(now, identity);
}

/** Gives how many there were. */
async function endAll(identities: readonly ProcessIdentity[]): Promise<number> {
  const alive = await filterAlive(identities);
  const left = await signal(alive, "SIGTERM", STOP_MS_MAX);
  await signal(left, "SIGKILL", KILL_MS_MAX);
  return alive.length;
}

async function filterAlive(identities: readonly ProcessIdentity[]): Promise<readonly ProcessIdentity[]> {
  const alive = await Promise.all(identities.map((identity) => isAlive(identity)));
  return identities.filter((_, i) => alive[i]);
}

/** Gives those that are still there. */
async function signal(
  identities: readonly ProcessIdentity[],
  name: NodeJS.Signals,
  patienceMs: number,
): Promise<readonly ProcessIdentity[]> {
  for (const { pid } of identities) {
    try {
      process.kill(pid, name);
    } catch {
      // Gone meanwhile.
    }
  }
  let left = identities;
  const end = performance.now() + patienceMs;
  while (left.length > 0 && performance.now() < end) {
    await wait(POLL_MS);
    left = await filterAlive(left);
  }
  return left;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function isError(output: string): boolean {
  return announcedError.safeParse(parse(output)).success;
}

function reasonOf(output: string, log: string): string {
  const announced = announcedError.safeParse(parse(output));
  return announced.success ? announced.data.error.sentence : reasonIn(log);
}

/** What a program that ended in the middle of its work said last: of a crash its name, not the version of Node below it. */
export function reasonIn(log: string): string {
  const lines = log.trim().split("\n");
  const crash = lines.findLast((line) => /^\w*Error\b/.test(line));
  return (crash ?? lines.at(-1) ?? "").slice(0, REASON_MAX);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text.split("\n")[0] ?? "");
  } catch {
    return undefined;
  }
}
