/** How a process starts the command line of this very program: the one place that knows, for checkout, server and desktop app. */
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The module of the command line, run by Node or by what acts as Node. */
export const CLI = fileURLToPath(new URL("./cli.ts", import.meta.url));
/** Only of a checkout, where Electron has to be told. */
const SHELL = join(dirname(CLI), "shell", "main.ts");

/** Makes the desktop app the command line, with the words that follow it. */
const COMMAND_LINE = "--command-line";

export interface Running {
  readonly execPath: string;
  readonly isElectron: boolean;
  /** In a package Electron finds the program by itself. */
  readonly isPackaged: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const HERE: Running = {
  execPath: process.execPath,
  isElectron: "electron" in process.versions,
  isPackaged: import.meta.url.endsWith(".js"),
  environment: process.env,
};

/**
 * Program and arguments for whoever runs them later, at log-in say, without this process's environment and when an AppImage has
 * another mount.
 */
export function laterCommand(words: readonly string[], running: Running = HERE): readonly string[] {
  const { execPath, isElectron, isPackaged } = running;
  if (!isElectron) return [execPath, CLI, ...words];
  return [lastingProgram(running), ...(isPackaged ? [] : [SHELL]), COMMAND_LINE, ...words];
}

/** The program's file that is still there when this process has ended: of an AppImage its image, not what lies in the mount. */
export function lastingProgram({ execPath, environment }: Pick<Running, "execPath" | "environment"> = HERE): string {
  const { APPDIR: mount = "", APPIMAGE: image = "" } = environment;
  // Both are also there for what somebody else's AppImage starts.
  return mount !== "" && image !== "" && execPath.startsWith(join(mount, sep)) ? image : execPath;
}

/** Where `argv` asks for it, this process is the command line and ends with it; else nothing happens. */
export async function becomeCommandLine(argv: string[]): Promise<void> {
  const words = commandLineWords(argv);
  if (words === undefined) return;
  argv.splice(1, Infinity, CLI, ...words);
  await import("./cli.ts");
  await new Promise(() => undefined);
}

/** What stands after the word that makes the desktop app the command line; undefined where it is the app. */
export function commandLineWords(argv: readonly string[]): readonly string[] | undefined {
  const at = argv.indexOf(COMMAND_LINE);
  return at === -1 ? undefined : argv.slice(at + 1);
}
