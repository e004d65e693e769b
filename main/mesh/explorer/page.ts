/** Puts the explorer's page beside its data, where any web server can serve it. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { replaceFile } from "../../files/replaceFile.ts";
import { errnoOf, meshError } from "../aggregator/errors.ts";
import { PAGE_FILES } from "./pageFiles.ts";
import { worldPath } from "./worldMap.ts";

const SOURCE = new URL("page/", import.meta.url);
const LAND_PLACE = "{{land}}";
const MODE = 0o644;

/** Files that are the same already are left alone. Throws `file-unwritable`. */
export async function publishPage(publicDirectory: string): Promise<void> {
  const directory = join(publicDirectory, "net");
  for (const { file } of PAGE_FILES) {
    const path = join(directory, file);
    const source = readFileSync(new URL(file, SOURCE), "utf8");
    const body = source.includes(LAND_PLACE) ? source.replace(LAND_PLACE, worldPath()) : source;
    try {
      if (readIfThere(path) === body) continue;
      mkdirSync(directory, { recursive: true, mode: 0o755 });
      await replaceFile(path, body, MODE);
    } catch (error) {
      throw meshError("file-unwritable", { file: path, errno: errnoOf(error) });
    }
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
