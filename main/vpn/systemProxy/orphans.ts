/** Commands that outlive the program that ran them, and change a setting after its death. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { ProtocolError } from "../../protocol/errors.ts";

/** Names the program that ran a command, in the command's environment. */
export const OWNER_VARIABLE = "MONTANA_PROXY_OWNER";

/** Milliseconds. A command that is being started does not bear its mark yet. */
const STARTING = 50;
const POLL = 20;
/** As long as a command may take. */
const WAIT = 20_000;
/** Where commands cannot be found by their environment: longer than one of them takes. */
const BLIND_WAIT = 1_500;

/** Waits until no command of the dead process `owner` runs. Throws `proxy-busy` (`pid`) when one does not end. */
export async function awaitOrphans(owner: number): Promise<void> {
  if (process.platform !== "linux") return sleep(BLIND_WAIT);
  await sleep(STARTING);
  const deadline = performance.now() + WAIT;
  for (let pid = findCommandOf(owner); pid !== undefined; pid = findCommandOf(owner)) {
    if (performance.now() > deadline) throw new ProtocolError("proxy-busy", { pid });
    await sleep(POLL);
  }
}

function findCommandOf(owner: number): number | undefined {
  const mark = `${OWNER_VARIABLE}=${owner}`;
  const pid = readdirSync("/proc").find((name) => /^\d+$/.test(name) && environmentOf(name).includes(mark));
  return pid === undefined ? undefined : Number(pid);
}

/** Of another user's process, and of one that has ended: none. */
function environmentOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
  } catch {
    return [];
  }
}
