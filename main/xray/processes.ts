/** Which process a process id means: ids are given anew, start times are not. */
import { execFile } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { promisify } from "node:util";

export interface ProcessIdentity {
  readonly pid: number;
  /** Unlike any other start on this machine; compare only. */
  readonly startTime: string;
  readonly executable: string;
}

const run = promisify(execFile);
/** Milliseconds. */
const TOOL_TIMEOUT = 10_000;

/** `undefined` when there is no such process, or it has ended and waits only for its parent, or it is not this user's to see. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    if (process.platform === "linux") return identifyOnLinux(pid);
    return await (process.platform === "win32" ? identifyOnWindows(pid) : identifyByPs(pid));
  } catch {
    return undefined;
  }
}

export const isSameProcess = (a: ProcessIdentity, b: ProcessIdentity): boolean =>
  a.pid === b.pid && a.startTime === b.startTime && a.executable === b.executable;

function identifyOnLinux(pid: number): ProcessIdentity | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name, in parentheses, may hold anything; the state comes after it, the start time 19 fields later.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, ticks] = [fields[0], fields[19]];
  if (state === "Z" || state === "X" || ticks === undefined) return undefined;
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  // An update may have replaced the file meanwhile.
  const executable = readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "");
  return { pid, startTime: `${boot}:${ticks}`, executable };
}

async function identifyByPs(pid: number): Promise<ProcessIdentity | undefined> {
  const ask = async (column: string): Promise<string> => {
    const { stdout } = await run("/bin/ps", ["-p", String(pid), "-o", `${column}=`], {
      timeout: TOOL_TIMEOUT,
      env: { LC_ALL: "C", TZ: "UTC" },
    });
    return stdout.trim();
  };
  const [state, startTime, executable] = [await ask("stat"), await ask("lstart"), await ask("comm")];
  if (state.startsWith("Z") || startTime === "" || executable === "") return undefined;
  return { pid, startTime, executable };
}

async function identifyOnWindows(pid: number): Promise<ProcessIdentity | undefined> {
  const script = `$p = Get-Process -Id ${pid}; "$($p.StartTime.ToFileTimeUtc())|$($p.Path)"`;
  const { stdout } = await run("powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", script], {
    timeout: TOOL_TIMEOUT,
    windowsHide: true,
  });
  const [startTime, executable] = stdout.trim().split("|");
  return startTime && executable ? { pid, startTime, executable } : undefined;
}
