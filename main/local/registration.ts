/** A part of the practice network says who it is before it does anything. */
import { renameSync, writeFileSync } from "node:fs";

import { identifyProcess } from "../xray/processes.ts";

/** Where the note goes; the folder is that of one run. */
export const RUN_FILE_VARIABLE = "MONTANA_RUN_FILE";

/** False where the run is over already: then this process must end. */
export async function register(file: string): Promise<boolean> {
  const identity = await identifyProcess(process.pid);
  if (identity === undefined) return false;
  try {
    writeFileSync(`${file}.new`, JSON.stringify(identity), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return true;
  } catch {
    return false;
  }
}
