/** Asks the engine itself whether it takes a configuration (chapter 08 §10.1). */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

import type { Binaries } from "./binaries.ts";
import type { EngineConfig } from "./config/engineConfig.ts";
import { engineError } from "./errors.ts";
import { diagnoseStart } from "./failures.ts";

/** Throws what the engine says against it, as a code of `StartFailure`; taken ports are not found. */
export async function checkConfig({ xray }: Binaries, config: EngineConfig): Promise<void> {
  if (config.inbounds.some(({ protocol }) => protocol === "tun"))
    throw new Error("the engine would create the interface, also when it is only asked");
  const child = spawn(xray, ["run", "-test", "-c", "stdin:"]);
  const ended = new Promise<number | null>((resolve, reject) => child.once("close", resolve).once("error", reject));
  child.stdin.end(JSON.stringify(config));
  const said = await Promise.all([text(child.stdout), text(child.stderr)]);
  const status = await ended;
  if (status !== 0) throw engineError(diagnoseStart(status, said.join("\n").split("\n")).code);
}
