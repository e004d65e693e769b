/** `node test/crash/main.ts [--kills N] [--step N] [--part NAME…]`; README.md says what it does. */
import { parseArgs } from "node:util";

import { buildShim, failAtWrites, fillDisk, killAtRandom, SHIM_MODES, type PartResult } from "./parts.ts";

const { values: options } = parseArgs({
  options: {
    kills: { type: "string", default: "500" },
    step: { type: "string", default: "1" },
    part: { type: "string", multiple: true, default: ["kills", "writes", "full"] },
  },
});

function report({ name, figures, faults }: PartResult): void {
  const text = Object.entries(figures).map(([what, value]) => `${value} ${what}`);
  console.log(`${name}: ${text.join(", ")}; ${faults.length} faults`);
  for (const fault of faults.slice(0, 20)) console.log(`  ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

if (options.part.includes("kills")) report(await killAtRandom(Number(options.kills)));
if (options.part.includes("writes")) {
  const shim = buildShim();
  if ("reason" in shim) console.log(`failing disk: skipped, ${shim.reason}`);
  else report(await failAtWrites(shim.path, SHIM_MODES, Number(options.step)));
}
if (options.part.includes("full")) {
  const result = await fillDisk();
  if ("reason" in result) console.log(`full disk: skipped, ${result.reason}`);
  else report(result);
}
