/** Finds what `main/protocol` exports for reading foreign bytes or text, so that the table of decoders cannot miss one. */
import { globSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

import { SignedClass } from "../../main/protocol/objects/signed.ts";

/** Functions are known by their names; layouts and classes of signed objects by what they are. */
const READING = /^(decode|parse|read|load|open|import|from)([A-Z]|$)/;

export interface ReadingExport {
  /** `file#name`. */
  readonly name: string;
  readonly value: unknown;
}

export async function findReadingExports(): Promise<ReadingExport[]> {
  const root = fileURLToPath(new URL("../../main/protocol/", import.meta.url));
  const files = globSync("**/*.ts", { cwd: root, exclude: (name) => /\.(test|fixture)\.ts$/.test(name) }).sort();
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
