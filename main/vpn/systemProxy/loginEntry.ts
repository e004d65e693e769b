/** A log-in entry that only repairs: it runs `montana vpn repair` once and is there only while settings are borrowed (§10.12). */
import { mkdirSync, rmSync, writeFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";

import { ProtocolError } from "../../protocol/errors.ts";
import { errnoOf } from "../../files/sealedFile.ts";
import { demand, type Run } from "./adapter.ts";

export interface LoginEntry {
  /** Throws `login-entry-unwritable` (`errno`) or `proxy-unwritable`. */
  install(): Promise<void>;
  remove(): Promise<void>;
}

export interface LoginEntryOptions {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** Program and arguments that repair: absolute, without a shell. */
  readonly command: readonly string[];
  readonly run: Run;
  /** Of the file on Linux, and what a person reads there; those of the repair unless given. */
  readonly name?: string;
  readonly title?: string;
}

const NAME = "montana-repair";
const TITLE = "Montana: give the proxy settings back";

export function loginEntry(options: LoginEntryOptions): LoginEntry {
  if (options.platform === "win32") return runKey(options);
  if (options.platform === "darwin") {
    return file(
      join(options.home, "Library", "LaunchAgents", "quest.montana.repair.plist"),
      launchAgent(options.command),
    );
  }
  const { command, name = NAME, title = TITLE } = options;
  return file(join(configHome(options), "autostart", `${name}.desktop`), desktopEntry(title, command));
}

/** An empty variable counts as none (XDG Base Directory Specification). */
function configHome({ env, home }: LoginEntryOptions): string {
  const named = env["XDG_CONFIG_HOME"] ?? "";
  return named === "" ? join(home, ".config") : named;
}

/** Desktop Entry Specification 1.5 and Desktop Application Autostart Specification 0.5. */
function desktopEntry(title: string, command: readonly string[]): string {
  return [
    "[Desktop Entry]",
    "Type=Application",
    `Name=${title}`,
    `Exec=${command.map(quoteExec).join(" ")}`,
    "NoDisplay=true",
    "Terminal=false",
    "",
  ].join("\n");
}

/** Quoted for `Exec`, and its backslashes once more for a string of the file; `%` would begin a field code. */
const quoteExec = (argument: string): string =>
  `"${argument
    .replace(/["`$\\]/g, "\\$&")
    .replace(/\\/g, "\\\\")
    .replace(/%/g, "%%")}"`;

/** launchd.plist(5): started at log-in, not kept alive. */
function launchAgent(command: readonly string[]): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0"><dict>',
    "<key>Label</key><string>quest.montana.repair</string>",
    `<key>ProgramArguments</key><array>${command.map((argument) => `<string>${escapeXml(argument)}</string>`).join("")}</array>`,
    "<key>RunAtLoad</key><true/>",
    "</dict></plist>",
    "",
  ].join("\n");
}

const escapeXml = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

function file(path: string, content: string): LoginEntry {
  return {
    install() {
      try {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(`${path}.new`, content, { mode: 0o644, flush: true });
        renameSync(`${path}.new`, path);
      } catch (error) {
        throw new ProtocolError("login-entry-unwritable", { errno: errnoOf(error) });
      }
      return Promise.resolve();
    },
    remove() {
      rmSync(`${path}.new`, { force: true });
      rmSync(path, { force: true });
      return Promise.resolve();
    },
  };
}

const RUN_KEY = "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run";

function runKey({ command, run }: LoginEntryOptions): LoginEntry {
  const line = command.map(quoteWindows).join(" ");
  return {
    async install() {
      await demand(run, "proxy-unwritable", "reg.exe", ["add", RUN_KEY, "/v", NAME, "/t", "REG_SZ", "/d", line, "/f"]);
    },
    async remove() {
      const { status } = await run("reg.exe", ["query", RUN_KEY, "/v", NAME]);
      if (status === 0) await demand(run, "proxy-unwritable", "reg.exe", ["delete", RUN_KEY, "/v", NAME, "/f"]);
    },
  };
}

/** As the C runtime takes a command line apart: a quote, and backslashes before one or at the end, are escaped. */
const quoteWindows = (argument: string): string =>
  `"${argument.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, "$1$1")}"`;
