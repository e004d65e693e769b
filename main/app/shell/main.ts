/** Where Electron starts the desktop app: the one module that imports it. */
import { fileURLToPath } from "node:url";

import * as electron from "electron";

import { becomeCommandLine, lastingProgram } from "../commandLine.ts";
import { locateData } from "../dataDirectory.ts";
import { networkIn, openHosting } from "../desktop/hosting.ts";
import { leaveDaemon } from "../desktop/leaving.ts";
import { linuxLoginItem } from "../desktop/loginItem.ts";
import { createUpdates, type UpdaterOptions, type Updates } from "../desktop/updater.ts";
import { readUpdateSource } from "../desktop/updates.ts";
import { createLog } from "../log.ts";
import { locatePage } from "../loopback/pageFiles.ts";
import { HIDDEN, runShell } from "./shell.ts";

const { argv, env: environment, platform, arch } = process;
await becomeCommandLine(argv);

const directory = locateData(undefined);
const log = createLog("info");
const { logger } = log;

function startAtLogin(openAtLogin: boolean): void {
  if (platform !== "linux") return electron.app.setLoginItemSettings({ openAtLogin, args: [HIDDEN] });
  const item = linuxLoginItem([lastingProgram(), HIDDEN], environment);
  const done = openAtLogin ? item.install() : item.remove();
  done.catch((error: unknown) => logger.warn({ err: error }, "start at login"));
}

const source = await readUpdateSource();
const { autoUpdater, Provider } = source === undefined ? {} : (await import("electron-updater")).default;
const updates = (onReady: () => void): Updates | undefined => {
  if (source === undefined || autoUpdater === undefined) return undefined;
  const onFailure = (error: unknown): void => logger.warn({ err: error }, "update");
  // Its constructor is for classes that extend it, as this one is.
  const Base = Provider as unknown as UpdaterOptions["Provider"];
  const common = { updater: autoUpdater, Provider: Base, source, onReady, onFailure };
  return createUpdates({ ...common, platform: `${platform}-${arch}` });
};

await runShell({
  ...{ electron, argv, pageFolder: locatePage(), startAtLogin, updates },
  preload: fileURLToPath(new URL("../../../dist/preload/preload.cjs", import.meta.url)),
  openHosting: (onStopRequest) => openHosting({ directory, log, network: networkIn(argv), onStopRequest }),
  leaveDaemon: () => leaveDaemon({ directory, environment }),
});
