/** Asks the engine itself whether it takes a configuration (chapter 08 §10.1). */
import type { Binaries } from "./binaries.ts";
import { hasTun, type EngineConfig } from "./config/engineConfig.ts";
import { runEngine } from "./engineProcess.ts";
import { engineError } from "./errors.ts";
import { diagnoseStart } from "./failures.ts";

/**
 * Throws what the engine says against the configuration, as a code of `StartFailure`; taken ports are not found. Throws
 * `tun-not-testable`: the engine would create the interface.
 */
export async function checkConfig(binaries: Binaries, config: EngineConfig): Promise<void> {
  if (hasTun(config)) throw engineError("tun-not-testable");
  const { status, lines } = await runEngine(binaries, ["run", "-test", "-c", "stdin:"], JSON.stringify(config));
  if (status !== 0) throw engineError(diagnoseStart(status, lines).code);
}
