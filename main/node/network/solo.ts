/** The network "solo": a genesis from the person's own keys, one node, a window of about a second. */
import { setImmediate } from "node:timers/promises";

import type { Native } from "../../native/interface.ts";
import { ZERO_HASH } from "../../protocol/bytes.ts";
import { MONTANA_PARAMS } from "../../protocol/genesis/montana.ts";
import { rulesOf } from "../../protocol/genesis/rules.ts";
import type { Founder } from "../../protocol/genesis/state.ts";
import type { Network } from "./networkFile.ts";

export const SOLO = "solo";
export const SOLO_NOTE =
  "A network of one node, made on this computer. D was measured when it was made; changing anything here makes it another network.";

/** `d` is the number of hashes of a window, for good. */
export function soloNetwork(founder: Founder, d: bigint): Network {
  const params = {
    ...MONTANA_PARAMS,
    d0: d,
    dAdjustmentRateNum: 0,
    bootstrapAccountPubkey: founder.accountPubkey,
    bootstrapNodePubkey: founder.nodePubkey,
  };
  return {
    name: SOLO,
    rules: rulesOf(params, "spec"),
    otherFounders: [],
    stateHash: undefined,
    peers: [],
    isManifestNeeded: false,
    tunnel: undefined,
  };
}

const SLICES = 7;
const SLICE_MS = 60;
const FIRST_ITERATIONS = 2000;

/**
 * Hashes of one chain that this computer computes in a second: the median of some slices, so that neither a pause nor a
 * burst counts. Takes half a second and yields to the event loop in between.
 */
export async function measureHashesPerSecond(crypto: Native): Promise<number> {
  const run = crypto.chainRun(ZERO_HASH);
  let perMs = FIRST_ITERATIONS / timeMs(() => run.advance(FIRST_ITERATIONS));
  const samples: number[] = [];
  for (let i = 0; i < SLICES; i++) {
    const iterations = Math.max(1, Math.round(perMs * SLICE_MS));
    perMs = iterations / timeMs(() => run.advance(iterations));
    samples.push(perMs);
    await setImmediate();
  }
  samples.sort((a, b) => a - b);
  return Math.max(1, Math.round(samples[SLICES >> 1]! * 1000));
}

function timeMs(run: () => unknown): number {
  const start = performance.now();
  run();
  return Math.max(performance.now() - start, 1e-3);
}
