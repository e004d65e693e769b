/** Finds what the pure rooms export for reading foreign bytes or text, so that the table of decoders cannot miss one. */
import { globSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

import { SignedClass } from "../../main/protocol/objects/signed.ts";

/** Functions are known by their names; layouts and classes of signed objects by what they are. */
const READING = /^(decode|parse|read|load|open|import|from)([A-Z]|$)/;

/** Rooms in which everything that reads must be in the table. */
export const ROOMS = ["protocol", "cities", "network/messages", "network/gossip", "network/privacy", "network/radio"];

export interface ReadingExport {
  /** `file#name`, the file as it lies in `main`. */
  readonly name: string;
  readonly value: unknown;
}

export async function findReadingExports(): Promise<ReadingExport[]> {
  const root = fileURLToPath(new URL("../../main/", import.meta.url));
  const patterns = ROOMS.map((room) => `${room}/**/*.ts`);
  const files = globSync(patterns, { cwd: root, exclude: (name) => /\.(test|fixture)\.ts$/.test(name) }).sort();
  const found: ReadingExport[] = [];
  for (const file of files) {
    const module = (await import(pathToFileURL(root + file).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(module)) {
      if (isReading(name, value)) found.push({ name: `${file.replaceAll("\\", "/")}#${name}`, value });
    }
  }
  return found;
}

function isReading(name: string, value: unknown): boolean {
  if (typeof value === "function") return READING.test(name);
  if (typeof value !== "object" || value === null) return false;
  return value instanceof SignedClass || ("minSize" in value && "read" in value);
}
