/** The public server of a mesh: how fast it is beside a bare one, and what a flood of one does to all others. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { encodeBase64 } from "../../main/cities/base64.ts";
import type { Measurement } from "./harness.ts";
import type { Loaded, Waited } from "./meshClient.ts";
import { hold, inDirectory, linkOf, runProcess, startProcess, type Started } from "./meshWorld.ts";

const CLIENT = new URL("meshClient.ts", import.meta.url);
const SERVER = new URL("meshServer.ts", import.meta.url);
const REQUESTS_MIN = 5000;
const P99_MAX_MS = 20;
const LOAD_SECONDS = 5;
const LOAD_ROUNDS = 3;

/** One process on one core each: this server, and a bare one that answers the same bytes; who asks is a third. */
const serving: Measurement = {
  name: "mesh/serve",
  measure: () =>
    inDirectory(async (directory) => {
      publishSubscription(directory);
      const bare = await startServer("bare", directory);
      const own = await startServer("own", directory);
      try {
        // Alternating, the best of each: what disturbs a slice only ever makes it slower.
        const rounds: [Loaded, Loaded][] = [];
        for (let round = 0; round < LOAD_ROUNDS; round++) rounds.push([await load(bare), await load(own)]);
        const best = (side: 0 | 1) =>
          rounds.map((pair) => pair[side]).reduce((a, b) => (a.perSecond > b.perSecond ? a : b));
        const [peer, subject] = [best(0), best(1)];
        const failed = subject.refused + subject.others;
        console.error(`mesh/serve: p99 ${subject.p99Ms} ms (bare ${peer.p99Ms} ms), ${failed} not 200`);
        hold("mesh/serve", subject.perSecond >= REQUESTS_MIN && subject.p99Ms < P99_MAX_MS && failed === 0);
        const ratio = subject.perSecond / peer.perSecond;
        return {
          ...{ name: "mesh/serve", value: subject.perSecond, unit: "1/s" },
          ...{ peer: "bare node:http", peerValue: peer.perSecond, ratio },
        };
      } finally {
        own.child.kill();
        bare.child.kill();
      }
    }),
};

const SHED_SECONDS = 4;
const SHED_ROUNDS = 5;
/** How much slower than beside the same flood upon another server. */
const SLOWER_MAX = 2;

/**
 * People who ask while nobody floods, while somebody floods another instance of the same server (which costs the machine the same),
 * and while their own server is flooded. Short turns of all three, so that what else the machine does meets them alike.
 */
const shedding: Measurement = {
  name: "mesh/shed",
  measure: () =>
    inDirectory(async (directory) => {
      publishSubscription(directory);
      const own = await startServer("limited", directory);
      const neighbour = await startServer("limited", directory);
      try {
        const waited: Record<"alone" | "beside" | "flooded", number[]> = { alone: [], beside: [], flooded: [] };
        const floods: Loaded[] = [];
        for (let round = 0; round < SHED_ROUNDS; round++) {
          waited.alone.push(...(await askPolitely(own)));
          waited.beside.push(...(await whileFlooded(neighbour, own)).waited);
          const { waited: flooded, flood } = await whileFlooded(own, own);
          waited.flooded.push(...flooded);
          floods.push(flood);
        }
        const refused = sum(floods.map((flood) => flood.refused));
        const answered = sum(floods.map((flood) => flood.answered));
        const p99 = Object.values(waited).map((times) => percentile(times, 0.99)) as [number, number, number];
        const median = Object.values(waited).map((times) => percentile(times, 0.5)) as [number, number, number];
        const perSecond = Math.round(refused / (SHED_ROUNDS * (SHED_SECONDS + FLOOD_LEAD_SECONDS)));
        const texts = p99.map((time, i) => `${time.toFixed(1)} (median ${median[i]!.toFixed(1)})`);
        console.error(
          `mesh/shed: the flood got ${answered} answers and ${refused} refusals, ${perSecond} a second; others waited at ` +
            `the 99th percentile ${texts[0]} ms alone, ${texts[1]} ms beside a flood of another server, ${texts[2]} ms ` +
            `beside one of their own, ${waited.alone.length} requests each, none refused`,
        );
        hold("mesh/shed", refused > 0 && p99[2] < Math.max(P99_MAX_MS, SLOWER_MAX * p99[1]));
        return {
          ...{ name: "mesh/shed", value: 1000 / p99[2], unit: "1/p99 (1/s)" },
          ...{ peer: "flood of another server", peerValue: 1000 / p99[1], ratio: p99[1] / p99[2] },
        };
      } finally {
        own.child.kill();
        neighbour.child.kill();
      }
    }),
};

const FLOOD_LEAD_SECONDS = 2;

/** Asks `asked` once the flood of `flooded` has used up what its address may ask. */
async function whileFlooded(
  flooded: Started<number>,
  asked: Started<number>,
): Promise<{ readonly waited: Waited; readonly flood: Loaded }> {
  const flood = runProcess<Loaded>(CLIENT, ["flood", `${flooded.said}`, `${SHED_SECONDS + FLOOD_LEAD_SECONDS}`]);
  await wait(FLOOD_LEAD_SECONDS * 500);
  const waited = await askPolitely(asked);
  return { waited, flood: await flood };
}

const load = ({ said: port }: Started<number>): Promise<Loaded> =>
  runProcess(CLIENT, ["load", `${port}`, `${LOAD_SECONDS}`]);

const askPolitely = ({ said: port }: Started<number>): Promise<Waited> =>
  runProcess(CLIENT, ["polite", `${port}`, `${SHED_SECONDS}`]);

const startServer = (kind: "own" | "bare" | "limited", directory: string): Promise<Started<number>> =>
  startProcess(SERVER, [kind, join(directory, "public")]);

const percentile = (times: readonly number[], part: number): number =>
  [...times].sort((a, b) => a - b)[Math.ceil(times.length * part) - 1]!;

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

function publishSubscription(directory: string): void {
  mkdirSync(join(directory, "public", "vpn"), { recursive: true });
  const urls = Array.from({ length: 20 }, (_, i) => linkOf(i)).join("\n");
  writeFileSync(join(directory, "public", "vpn", "sub"), encodeBase64(Buffer.from(urls)));
}

export const servingBenches: readonly Measurement[] = [serving, shedding];
