/** Ends all processes of the network, those of a killed start as well. What it was stays on the disk, and goes on with the next start. */
import type { Local } from "./local.ts";

export async function stopLocal(local: Local): Promise<{ readonly ended: number }> {
  const ended = await local.processes.endAll();
  if (local.find() !== undefined) local.change({ stage: "stopped" });
  return { ended };
}
