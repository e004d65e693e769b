/** What the processes of a practice network, and the person's host beside it, hold of this machine, as Linux tells it. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

import { residentMib } from "../integration/resident.ts";

/** Of /proc/PID/stat, on every architecture that Linux has today. */
const TICKS_PER_SECOND = 100;
const LISTENING = "0A";
const NOTE = /^(.+)\.json$/;
const RUN = /^run-[0-9a-f]+$/;
export const HOME = "home";

export interface Held {
  readonly role: string;
  readonly pid: number;
  readonly ageSeconds: number;
  readonly rssMib: number;
  /** Open file handles of all kinds. */
  readonly files: number;
  /** Listening TCP ports. */
  readonly ports: number;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  readonly startTicks: number;
}

/**
 * Everything that belongs to the folder `data`: the parts of its practice network by their names, its host as `home`, what they
 * started as `PART COMMAND`, and whatever else works in it as `? COMMAND`.
 */
export function heldBelow(data: string): Held[] {
  const processes = new Map(readProcesses().map((process) => [process.pid, process]));
  const named = namedIn(data);
  const ports = listeningInodes();
  const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  const roleOf = ({ pid, parent, command }: Process): string | undefined => {
    const name = named.get(pid);
    if (name !== undefined) return name;
    for (let above = processes.get(parent); above !== undefined; above = processes.get(above.parent)) {
      const owner = named.get(above.pid);
      if (owner !== undefined) return `${owner} ${command}`;
    }
    return worksIn(pid, data) ? `? ${command}` : undefined;
  };
  return [...processes.values()].flatMap((process) => {
    const { pid, startTicks } = process;
    try {
      const role = roleOf(process);
      if (role === undefined) return [];
      const files = handlesOf(pid);
      const listening = files.filter((target) => ports.has(target)).length;
      const ageSeconds = uptime - startTicks / TICKS_PER_SECOND;
      return [{ role, pid, ageSeconds, rssMib: residentMib(pid), files: files.length, ports: listening }];
    } catch {
      // Gone meanwhile.
      return [];
    }
  });
}

/** By process id, as they named themselves. An id that was given anew since is not one of them: those are in nobody's folder. */
function namedIn(data: string): Map<number, string> {
  const local = join(data, "local");
  const notes = listOf(local)
    .filter((name) => RUN.test(name))
    .flatMap((run) => listOf(join(local, run)).map((file) => [join(local, run, file), NOTE.exec(file)?.[1]] as const));
  const found = [...notes, [join(data, "host.json"), HOME] as const].flatMap(([file, role]) => {
    const pid = role === undefined ? undefined : pidIn(file);
    return pid === undefined || !worksIn(pid, data) ? [] : [[pid, role!] as const];
  });
  return new Map(found);
}

function pidIn(file: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { readonly pid: number }).pid;
  } catch {
    return undefined;
  }
}

/** By its folder, its words or its surroundings. */
function worksIn(pid: number, data: string): boolean {
  try {
    return (
      isBelow(readlinkSync(`/proc/${pid}/cwd`), data) ||
      readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(data) ||
      readFileSync(`/proc/${pid}/environ`, "utf8").includes(data)
    );
  } catch {
    return false;
  }
}

const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** Those that run; one that has ended and waits for its parent holds nothing but its number. */
function readProcesses(): Process[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const end = stat.lastIndexOf(")");
      const fields = stat.slice(end + 2).split(" ");
      if (fields[0] === "Z" || fields[0] === "X") return [];
      const command = stat.slice(stat.indexOf("(") + 1, end);
      return [{ pid: Number(name), parent: Number(fields[1]), command, startTicks: Number(fields[19]) }];
    } catch {
      return [];
    }
  });
}

const handlesOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((handle) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${handle}`)];
    } catch {
      return [];
    }
  });

/** As file handles name them: `socket:[INODE]`. */
function listeningInodes(): ReadonlySet<string> {
  const lines = ["tcp", "tcp6"].flatMap((name) => linesOf(`/proc/net/${name}`).slice(1));
  const sockets = lines.map((line) => line.trim().split(/\s+/));
  return new Set(sockets.filter((fields) => fields[3] === LISTENING).map((fields) => `socket:[${fields[9]}]`));
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").trim().split("\n");
  } catch {
    return [];
  }
}

function listOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
