/** Which desktop this is, and the one way in for the program, its start and `montana vpn repair`. */
import { homedir } from "node:os";

import { ProtocolError } from "../../protocol/errors.ts";
import { runCommand, type Adapter, type ProxyEndpoint, type Run } from "./adapter.ts";
import { gnomeAdapter } from "./gnome.ts";
import { kdeAdapter } from "./kde.ts";
import { setJournalAside } from "./journal.ts";
import { loginEntry } from "./loginEntry.ts";
import { macosAdapter } from "./macos.ts";
import { borrowSystemProxy, restoreSystemProxy, type Borrowing, type Restored } from "./systemProxy.ts";
import { windowsAdapter } from "./windows.ts";

export interface DesktopOptions {
  /** Of the person alone; also where repair looks. */
  readonly directory: string;
  /** Program and arguments of `montana vpn repair`, absolute. */
  readonly repairCommand: readonly string[];
  readonly run?: Run;
  readonly platform?: NodeJS.Platform;
  readonly env?: NodeJS.ProcessEnv;
  readonly home?: string;
}

export interface DesktopProxy {
  /** Undefined on a desktop that keeps no proxy settings that this program knows: the person is told the address to enter. */
  readonly adapter: Adapter["name"] | undefined;
  /** Throws `proxy-desktop-unknown` (`host`, `port`) there, and what `borrowSystemProxy` throws. */
  apply(endpoint: ProxyEndpoint): Promise<void>;
  /** On disconnecting and on exit; again is nothing. Throws what `restoreSystemProxy` throws. */
  restore(): Promise<void>;
  /** The same with its outcome: on every start and at log-in. */
  repair(): Promise<Restored>;
  /** For a person who was told that the journal is corrupt and has looked at the settings; gives the path where it is kept. */
  setJournalAside(): Promise<string>;
}

export function desktopProxy(options: DesktopOptions): DesktopProxy {
  const { directory, repairCommand, run = runCommand, platform = process.platform, env = process.env } = options;
  const adapters = { gnome: gnomeAdapter, kde: kdeAdapter, macos: macosAdapter, windows: windowsAdapter };
  const name = detectAdapter(platform, env);
  const borrowing: Borrowing = {
    directory,
    adapterOf: (wanted) => adapters[wanted](run),
    loginEntry: loginEntry({ platform, env, run, command: repairCommand, home: options.home ?? homedir() }),
  };
  return {
    adapter: name,
    async apply(endpoint) {
      if (name === undefined) throw new ProtocolError("proxy-desktop-unknown", { ...endpoint });
      await borrowSystemProxy(borrowing, name, endpoint);
    },
    async restore() {
      await restoreSystemProxy(borrowing);
    },
    repair: () => restoreSystemProxy(borrowing),
    async setJournalAside() {
      const path = setJournalAside(directory);
      await borrowing.loginEntry.remove();
      return path;
    },
  };
}

/** Desktops that read GNOME's proxy settings, as they name themselves in XDG_CURRENT_DESKTOP. */
const GNOME_FAMILY = new Set([
  "gnome",
  "gnome-classic",
  "gnome-flashback",
  "unity",
  "x-cinnamon",
  "cinnamon",
  "budgie",
  "mate",
  "pantheon",
]);

export function detectAdapter(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): Adapter["name"] | undefined {
  if (platform === "win32") return "windows";
  if (platform === "darwin") return "macos";
  const names = (env["XDG_CURRENT_DESKTOP"] ?? "").toLowerCase().split(":");
  if (names.includes("kde")) return "kde";
  return names.some((name) => GNOME_FAMILY.has(name)) ? "gnome" : undefined;
}
