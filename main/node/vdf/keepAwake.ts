/**
 * Keeps the computer from going to sleep by itself, as while a person joins: a child process holds the system's own inhibitor
 * and ends with this process, however that ends, because it reads a pipe that only this process writes.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

/** What is run: it prints {@link HELD} once the computer is kept awake, and ends when its standard input does. */
export interface AwakeCommand {
  readonly program: string;
  readonly args: readonly string[];
}

const HELD = "held";
const HOLD = `echo ${HELD}; exec cat`;
const START_TIMEOUT_MS = 10_000;
const REASON_LENGTH_MAX = 500;

/** ES_CONTINUOUS | ES_SYSTEM_REQUIRED, for as long as the thread that asked for it lives. */
const WINDOWS_SCRIPT = [
  `$api = Add-Type -PassThru -Name Power -Namespace Montana -MemberDefinition '[DllImport("kernel32.dll")] public static extern uint SetThreadExecutionState(uint flags);'`,
  `if ($api::SetThreadExecutionState([uint32]"0x80000001") -eq 0) { exit 1 }`,
  `Write-Output ${HELD}`,
  `[Console]::In.ReadToEnd() | Out-Null`,
].join("; ");

const INHIBIT = ["--who=Montana", "--why=Joining the network", "--what=sleep:idle", "--mode=block"];
const COMMANDS: Partial<Record<NodeJS.Platform, AwakeCommand>> = {
  linux: { program: "systemd-inhibit", args: [...INHIBIT, "sh", "-c", HOLD] },
  darwin: { program: "caffeinate", args: ["-i", "sh", "-c", HOLD] },
  win32: { program: "powershell", args: ["-NoProfile", "-NonInteractive", "-Command", WINDOWS_SCRIPT] },
};

export type KeepAwake =
  | {
      readonly isHeld: true;
      /** Lets the computer sleep again; resolves when the child is gone. */
      release(): Promise<void>;
      /** Resolves with the reason when the child ends without being asked to: the computer may sleep from then on. */
      readonly lost: Promise<string>;
    }
  | { readonly isHeld: false; readonly reason: string };

/**
 * Resolves once the computer is kept awake, or with the reason why it is not. No way is known to keep one awake whose lid is
 * closed.
 */
export function keepAwake(command: AwakeCommand | undefined = COMMANDS[process.platform]): Promise<KeepAwake> {
  if (command === undefined) {
    return Promise.resolve({ isHeld: false, reason: `no way to keep ${process.platform} awake is known` });
  }
  const { program, args } = command;
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  // Whoever keeps a computer awake must not keep its own host alive.
  child.unref();
  return new Promise((resolve) => {
    const ended = endOf(child, program);
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
    }, START_TIMEOUT_MS);
    void ended.then((reason) => {
      clearTimeout(timer);
      resolve({ isHeld: false, reason });
    });
    createInterface(child.stdout).on("line", (line) => {
      if (line !== HELD) return;
      clearTimeout(timer);
      let isReleased = false;
      resolve({
        isHeld: true,
        lost: new Promise((tell) => {
          void ended.then((reason) => {
            if (!isReleased) tell(reason);
          });
        }),
        async release() {
          isReleased = true;
          child.stdin.end();
          const timeout = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
          await ended;
          clearTimeout(timeout);
        },
      });
    });
  });
}

/** Why it ended: its own words where it had some. */
function endOf(child: ChildProcess, program: string): Promise<string> {
  let words = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(0, REASON_LENGTH_MAX);
  });
  child.stdin?.on("error", () => {
    // The child is gone already; its end says why.
  });
  return new Promise((resolve) => {
    child.once("error", (error) => {
      resolve(error.message);
    });
    child.once("close", (code, signal) => {
      resolve(words.trim() || `${program} ended (${String(signal ?? code)})`);
    });
  });
}
