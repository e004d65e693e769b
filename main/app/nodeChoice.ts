/** Which network the person's node works on, and whether it is to run: remembered for the next start of the host. */
import { join } from "node:path";

import { z } from "zod";

import { readSealed, setAside, writeSealed } from "../files/sealedFile.ts";
import type { LocalRules } from "../node/network/networkFile.ts";
import type { DataDirectory } from "./dataDirectory.ts";

const FILE_MAX = 4096;

const record = z.object({
  version: z.literal(1),
  network: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/),
  isWanted: z.boolean(),
  profile: z.enum(["spec", "rc1"]).nullable(),
  admission: z.enum(["per-window", "selection"]).nullable(),
});

export interface NodeChoice {
  /** A name: what was given as a file has been entered under it. */
  readonly network: string;
  /** False where it was chosen only, or stopped by the person. */
  readonly isWanted: boolean;
  /** What the person stated apart from the network's file. */
  readonly local: LocalRules;
}

const fileOf = ({ root }: DataDirectory): string => join(root, "node.choice");

export interface RememberedChoice {
  /** Undefined where nothing was chosen. */
  readonly choice: NodeChoice | undefined;
  /** What was chosen cannot be read and is set aside now. */
  readonly isDamaged: boolean;
}

/** Throws `file-unreadable`. */
export function readNodeChoice(directory: DataDirectory): RememberedChoice {
  const found = readSealed(fileOf(directory), FILE_MAX, (value) => record.parse(value));
  if (found.kind === "corrupt") setAside(fileOf(directory));
  if (found.kind !== "value") return { choice: undefined, isDamaged: found.kind === "corrupt" };
  const { network, isWanted, profile, admission } = found.value;
  const local = { ...(profile !== null && { profile }), ...(admission !== null && { admission }) };
  return { choice: { network, isWanted, local }, isDamaged: false };
}

/** On the disk when this returns. Throws `file-unwritable`; then the old choice stands. */
export function writeNodeChoice(directory: DataDirectory, { network, isWanted, local }: NodeChoice): void {
  const { profile = null, admission = null } = local;
  writeSealed(fileOf(directory), { version: 1, network, isWanted, profile, admission });
}
