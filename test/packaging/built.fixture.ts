/** Whether this machine has all that a package is made of. */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { BUILT_FOLDER, nativeNames, ROOT } from "../../build/packaging/tree.ts";
import { gatherWorks } from "../../build/scripts/licences.ts";

/** For a machine that does much else at the time; ten seconds are usual. */
export const PACKING_MS_MAX = 400_000;

/** What is missing, for who reads which tests were left out; undefined where nothing is. */
export function whyNoPackage(): string | undefined {
  const native = nativeNames(process.platform).filter((name) => !existsSync(join(BUILT_FOLDER, name)));
  if (native.length > 0) return `not built here: ${native.join(", ")}`;
  if (!existsSync(join(ROOT, "dist", "renderer", "index.html"))) return "the page is not built";
  // Texts of licences come from what Cargo and Go keep of the sources.
  return gatherWorks().missing[0];
}
