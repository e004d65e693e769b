/** How a person wants the own candidate chain to run, in a small file: a restart changes nothing about it. */
import { join } from "node:path";
import { z } from "zod";

import { readOwnerFile, writeOwnerFile } from "../../keystore/ownerFiles.ts";

const SETTINGS_FILE = "join.json";
const SIZE_MAX = 4096;

const schema = z.object({
  isPaused: z.boolean(),
  cpuShare: z.number().gt(0).max(1),
  onMainsOnly: z.boolean(),
  isLowPriority: z.boolean(),
  keepsAwake: z.boolean(),
});
export type JoinSettings = Readonly<z.output<typeof schema>>;

export const DEFAULT_SETTINGS: JoinSettings = {
  ...{ isPaused: false, cpuShare: 1, onMainsOnly: false, isLowPriority: false, keepsAwake: false },
};

/** Undefined where there is none, or none that can be read: `onDamage` then hears of it. */
export async function readSettings(folder: string, onDamage: () => void): Promise<JoinSettings | undefined> {
  const file = await readOwnerFile(join(folder, SETTINGS_FILE), SIZE_MAX);
  if (file === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(file.bytes)));
  } catch {
    onDamage();
    return undefined;
  }
}

export async function writeSettings(folder: string, settings: JoinSettings): Promise<void> {
  await writeOwnerFile(join(folder, SETTINGS_FILE), new TextEncoder().encode(`${JSON.stringify(settings)}\n`));
}
