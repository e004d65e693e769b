/** How one kind of desktop keeps its proxy settings. Adapters only read and write; what to undo is decided in one place. */
import { execFile } from "node:child_process";

import { ProtocolError } from "../../protocol/errors.ts";
import { OWNER_VARIABLE } from "./orphans.ts";

/** Where the tunnel's local port listens. */
export interface ProxyEndpoint {
  readonly host: string;
  readonly port: number;
}

/** By name, in the desktop's own notation; null where it has no value. The order is that in which they are written. */
export type Settings = ReadonlyMap<string, string | null>;

export interface Adapter {
  readonly name: AdapterName;
  /** All settings that `wanted` may ever change, and nothing else. Throws `proxy-unreadable`. */
  read(): Promise<Settings>;
  /** What to change for traffic to go to `endpoint`, given what is there; switches last. Throws `proxy-policy`. */
  wanted(present: Settings, endpoint: ProxyEndpoint): Settings | Promise<Settings>;
  /** In the order given. Throws `proxy-unwritable`. */
  write(changes: Settings): Promise<void>;
  /** The settings that `name` turns on or off, where it is a switch. */
  switchedBy(name: string): ((other: string) => boolean) | undefined;
}

export const ADAPTER_NAMES = ["gnome", "kde", "macos", "windows"] as const;
export type AdapterName = (typeof ADAPTER_NAMES)[number];

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
}

/** Runs a program without a shell. Throws `command-missing` (`command`) or `command-timeout`. */
export type Run = (command: string, args: readonly string[]) => Promise<CommandResult>;

/** Milliseconds. */
const COMMAND_TIMEOUT = 20_000;
const OUTPUT_MAX = 1_048_576;

export const runCommand: Run = (command, args) =>
  new Promise((resolve, reject) => {
    const options = {
      timeout: COMMAND_TIMEOUT,
      maxBuffer: OUTPUT_MAX,
      windowsHide: true,
      // What is read here must not depend on the person's language.
      env: { ...process.env, LC_ALL: "C.UTF-8", LANGUAGE: "", [OWNER_VARIABLE]: String(process.pid) },
    };
    execFile(command, args, options, (error, stdout) => {
      if (error === null) return resolve({ status: 0, stdout });
      if (error.code === "ENOENT") return reject(new ProtocolError("command-missing", { command }));
      if (typeof error.code === "number") return resolve({ status: error.code, stdout });
      reject(new ProtocolError("command-timeout", { command }));
    });
  });

/** The standard output of a command that must succeed; `code` is thrown otherwise. */
export async function demand(
  run: Run,
  code: "proxy-unreadable" | "proxy-unwritable",
  command: string,
  args: readonly string[],
): Promise<string> {
  const { status, stdout } = await run(command, args);
  if (status !== 0) throw new ProtocolError(code, { command, status });
  return stdout;
}

/** What is never sent to the tunnel, beside names: this machine and the private ranges (§10.3). */
export const PRIVATE_RANGES = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"];
export const PRIVATE_RANGES_6 = ["::1", "fc00::/7", "fe80::/10"];
