/** The node goes on without the desktop app: a daemon of this data directory, which the next start attaches to. */
import { join } from "node:path";

import { startDetached } from "../background.ts";
import { CLI } from "../commandLine.ts";
import type { DataDirectory } from "../dataDirectory.ts";
import { VERSION } from "../version.ts";
import { settleRuntime, type Runtime } from "./appImage.ts";

const HERE: Runtime = { program: process.execPath, cli: CLI };

export interface Leaving {
  readonly directory: DataDirectory;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** After the own host has stopped. The daemon takes up the node that ran. Throws what keeps the daemon from starting, as `startDetached`. */
export async function leaveDaemon({ directory, environment }: Leaving, runtime: Runtime = HERE): Promise<void> {
  const place = { mount: environment["APPDIR"], folder: join(directory.root, "runtime"), version: VERSION };
  const settled = await settleRuntime(runtime, place);
  // Electron's binary then is a plain Node (Electron, "Environment Variables").
  await startDetached(directory, [], { ...settled, environment: { ELECTRON_RUN_AS_NODE: "1" } });
}
