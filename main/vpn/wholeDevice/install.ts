/** Installing the helper: once, by an administrator, when a person chooses whole-device mode. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, createReadStream, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

import type { Binaries } from "../../xray/binaries.ts";
import { tunnelError } from "../tunnelErrors.ts";
import { deviceError } from "./errors.ts";

const INSTALLED = "/usr/local/libexec/montana/montana-helper";
const NAME = "montana-helper";
/** In the order in which they are tried; both ask for the password themselves. */
const ASKING = { pkexec: "/usr/bin/pkexec", sudo: "/usr/bin/sudo" } as const;
const STDERR_MAX = 4_096;
/** Of pkexec, whose own page of the manual says so: nobody could be asked, or nobody was let. 126: the person closed the question. */
const PKEXEC_NOT_AUTHORIZED = 127;

export const isHelperInstalled = (): boolean => existsSync(INSTALLED);

export interface HelperCommand {
  /** The program first. There is no shell in between. */
  readonly argv: readonly string[];
  /** For a person to read, or to type. */
  readonly text: string;
  /** The same for a terminal, where `argv` asks through the desktop. */
  readonly byHand?: string;
}

export interface AskingOptions {
  readonly binaries: Binaries;
  /** A desktop is there, which shows the question for the password. */
  readonly hasDesktop: boolean;
  /** A terminal is there, in which it may be asked. */
  readonly hasTerminal: boolean;
}

/**
 * The command that installs this program's helper and engine, as `montana-helper install` says it. Throws `mode-unavailable`,
 * `helper-not-built` (this copy of the program has none), `helper-needs-administrator` (`command`).
 */
export async function installCommand(options: AskingOptions): Promise<HelperCommand> {
  const { binaries } = options;
  const helper = join(dirname(binaries.xray), NAME);
  if (process.platform !== "linux") throw tunnelError("mode-unavailable", { mode: "device" });
  if (!isExecutable(helper)) throw deviceError("helper-not-built", { path: helper });
  const sha256 = await digestOf(binaries.xray);
  const uid = String(process.getuid!());
  return asAdministrator(options, [helper, "install", "--engine", binaries.xray, "--sha256", sha256, "--uid", uid]);
}

/** As {@link installCommand}, of undoing it. */
export const uninstallCommand = (options: AskingOptions): HelperCommand =>
  asAdministrator(options, [INSTALLED, "uninstall"]);

/**
 * Runs a command of this file. Throws `helper-not-installed` with its `status` and what it said; `helper-needs-administrator`
 * where the desktop has nothing that asks.
 */
export async function runAsAdministrator({ argv, byHand }: HelperCommand): Promise<void> {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { stdio: ["inherit", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString("utf8")).slice(-STDERR_MAX)));
  const status = await new Promise<number | string>((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });
  if (status === PKEXEC_NOT_AUTHORIZED && byHand !== undefined) {
    throw deviceError("helper-needs-administrator", { command: byHand });
  }
  if (status !== 0) throw deviceError("helper-not-installed", { status, said: said.trim() });
}

function asAdministrator({ hasDesktop, hasTerminal }: AskingOptions, args: readonly string[]): HelperCommand {
  const command = (...argv: string[]): HelperCommand => ({ argv, text: argv.map(quote).join(" ") });
  if (process.getuid!() === 0) return command(...args);
  const byHand = command("sudo", ...args).text;
  if (hasDesktop && isExecutable(ASKING.pkexec)) {
    return { ...command(ASKING.pkexec, "--disable-internal-agent", ...args), byHand };
  }
  if (hasTerminal && isExecutable(ASKING.sudo)) return command(ASKING.sudo, "--", ...args);
  throw deviceError("helper-needs-administrator", { command: byHand });
}

const quote = (word: string): string => (/^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
