/** `node test/crash/main.ts [--kills N] [--step N] [--seed N] [--part NAME…]`; README.md says what it does. */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

import { binariesHere } from "../../main/xray/mesh.fixture.ts";
import { killTunnelAtRandom, missingForCrash } from "../integration/vpnCrash.ts";
import { startVpnWorld } from "../integration/vpnWorld.ts";

import { buildShim, failAtWrites, fillDisk, killAtRandom, SHIM_MODES, type PartResult } from "./parts.ts";

const { values: options } = parseArgs({
  options: {
    kills: { type: "string" },
    seed: { type: "string" },
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

if (options.part.includes("kills")) report(await killAtRandom(Number(options.kills ?? 500)));
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
if (options.part.includes("tunnel")) await crashTunnel();

async function crashTunnel(): Promise<void> {
  const missing = binariesHere() === undefined ? "no engine here (npm run xray)" : missingForCrash();
  if (missing !== undefined) {
    console.log(`tunnel: skipped, ${missing}`);
    return;
  }
  const [kills, seed] = [Number(options.kills ?? 30), Number(options.seed ?? randomInt(2 ** 32))];
  console.log(`tunnel: seed ${seed}`);
  const world = await startVpnWorld();
  try {
    const { faults, states, borrowed } = await killTunnelAtRandom(world, { kills, seed, say: console.log });
    report({ name: "tunnel", figures: { ...states, "with settings borrowed": borrowed }, faults });
  } finally {
    await world.close();
  }
}
