/** For the tests of the checkers: runs the simulator with a broken rule, as a command of its own. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import type { Broken } from "./broken.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const SEEDS_MAX = 200;

/** What the first seed that noticed it says; undefined where none did. */
export function noticed(broken: Broken): string | undefined {
  const options = ["--seeds", `1..${SEEDS_MAX}`, "--nodes", "4..6", "--windows", "16"];
  const { stdout } = spawnSync(process.execPath, [MAIN, "--break", broken, ...options], { encoding: "utf8" });
  return /FAILED[^\n]*\n {2}([^\n]*)/.exec(stdout)?.[1];
}
