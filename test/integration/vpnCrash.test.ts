import { randomInt } from "node:crypto";
import { expect, test } from "vitest";

import { binariesHere } from "../../main/xray/mesh.fixture.ts";
import { killTunnelAtRandom, missingForCrash } from "./vpnCrash.ts";
import { startVpnWorld } from "./vpnWorld.ts";

const KILLS = 30;

test("a program killed at thirty random moments leaves no engine and no setting after its next start", async ({
  skip,
}) => {
  const missing = binariesHere() === undefined ? "no engine here (npm run xray)" : missingForCrash();
  if (missing !== undefined) return skip(missing);
  const seed = Number(process.env["MONTANA_SEED"] ?? randomInt(2 ** 32));
  console.log(`seed ${seed}: npm run crash -- --part tunnel --seed ${seed}`);
  const world = await startVpnWorld();
  try {
    const { faults, borrowed, withEngine, states } = await killTunnelAtRandom(world, { kills: KILLS, seed });
    console.log(`killed in ${JSON.stringify(states)}, ${borrowed} times with settings borrowed`);
    expect(faults).toEqual([]);
    // Else nothing was there to be left.
    expect(Math.min(borrowed, withEngine)).toBeGreaterThan(0);
  } finally {
    await world.close();
  }
}, 300_000);
