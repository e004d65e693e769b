/** Whether this machine has all that a package is made of. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { BUILT_FOLDER, nativeNames, ROOT } from "../../build/packaging/tree.ts";

/** What is missing, for who reads which tests were left out; undefined where nothing is. */
export function whyNoPackage(): string | undefined {
  const native = nativeNames(process.platform).filter((name) => !existsSync(join(BUILT_FOLDER, name)));
  if (native.length > 0) return `not built here: ${native.join(", ")}`;
  if (!existsSync(join(ROOT, "dist", "renderer", "index.html"))) return "the page is not built";
  // Texts of licences come from the sources that these have.
  const tools = ["cargo", "go"].filter((tool) => spawnSync(tool, ["version"]).error !== undefined);
  return tools.length > 0 ? `not installed here: ${tools.join(", ")}` : undefined;
}
