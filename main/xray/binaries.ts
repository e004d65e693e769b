/** Where the engine and its guard lie: brought by `build/scripts/xray.ts` and `build/scripts/native.mjs`, packaged with the program. */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

import { NATIVE_FOLDER } from "../native/folder.ts";
import { engineError } from "./errors.ts";

export interface Binaries {
  readonly xray: string;
  /**
   * Ends the engine when this program dies. Undefined on a machine that could not build it: the engine then may outlive a
   * killed program until the next start.
   */
  readonly guard: string | undefined;
}

const SUFFIX = process.platform === "win32" ? ".exe" : "";

/** Throws `engine-missing` with `path`. */
export function findBinaries(folder: string = NATIVE_FOLDER): Binaries {
  const xray = join(folder, `xray${SUFFIX}`);
  if (!isExecutable(xray)) throw engineError("engine-missing", { path: xray });
  const guard = join(folder, `montana-guard${SUFFIX}`);
  return { xray, guard: isExecutable(guard) ? guard : undefined };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
