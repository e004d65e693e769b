/** What a person chose about candidates and the own candidate chain, in small files: a restart changes nothing about it. */
import { join } from "node:path";
import { z } from "zod";

import { readOwnerFile, writeOwnerFile } from "../../keystore/ownerFiles.ts";

const JOIN_FILE = "join.json";
const NODE_FILE = "node.json";
const SIZE_MAX = 4096;

const joinSchema = z.object({
  isPaused: z.boolean(),
  cpuShare: z.number().gt(0).max(1),
  onMainsOnly: z.boolean(),
  isLowPriority: z.boolean(),
  keepsAwake: z.boolean(),
});
export type JoinSettings = Readonly<z.output<typeof joinSchema>>;

export const DEFAULT_SETTINGS: JoinSettings = {
  ...{ isPaused: false, cpuShare: 1, onMainsOnly: false, isLowPriority: false, keepsAwake: false },
};

const nodeSchema = z.object({
  /** Of foreign candidates (chapter 05 §4.3); `auto`: `none` next to reference nodes, else `full`. */
  candidateVdfCheck: z.enum(["auto", "full", "none"]),
  /** While a candidate, T comes from decided headers (chapter 03 §4.3); `auto`: where there is one core for both chains. */
  followsTime: z.enum(["auto", "yes", "no"]),
});
export type NodeSettings = Readonly<z.output<typeof nodeSchema>>;

export const DEFAULT_NODE_SETTINGS: NodeSettings = { candidateVdfCheck: "auto", followsTime: "auto" };

/** Undefined where there is none, or none that can be read: `onDamage` then hears of it. */
export function readSettings(folder: string, onDamage: () => void): Promise<JoinSettings | undefined> {
  return readChecked(join(folder, JOIN_FILE), joinSchema, onDamage);
}

export function writeSettings(folder: string, settings: JoinSettings): Promise<void> {
  return write(join(folder, JOIN_FILE), settings);
}

/** As {@link readSettings}. */
export function readNodeSettings(folder: string, onDamage: () => void): Promise<NodeSettings | undefined> {
  return readChecked(join(folder, NODE_FILE), nodeSchema, onDamage);
}

export function writeNodeSettings(folder: string, settings: NodeSettings): Promise<void> {
  return write(join(folder, NODE_FILE), settings);
}

async function readChecked<S extends z.ZodType>(
  path: string,
  schema: S,
  onDamage: () => void,
): Promise<z.output<S> | undefined> {
  const file = await readOwnerFile(path, SIZE_MAX);
  if (file === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(file.bytes)));
  } catch {
    onDamage();
    return undefined;
  }
}

async function write(path: string, settings: object): Promise<void> {
  await writeOwnerFile(path, new TextEncoder().encode(`${JSON.stringify(settings)}\n`));
}
