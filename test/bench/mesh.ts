/** An aggregator with a thousand nodes, fifty nodes behind a real sshd, and its public server. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { runAggregator } from "../../main/mesh/aggregator/aggregator.ts";
import { FETCH_TIMEOUT_MS } from "../../main/mesh/aggregator/limits.ts";
import { createSshFetcher } from "../../main/mesh/aggregator/sshFetcher.ts";
import { HAS_SSHD, startSshd } from "../../main/mesh/aggregator/sshd.fixture.ts";
import type { Measurement, Result } from "./harness.ts";
import type { Pass } from "./meshPass.ts";
import { servingBenches } from "./meshServing.ts";
import { hold, inDirectory, labelOf, MEBI, myVpnOf, NOW, peersOf, runProcess, writeMesh } from "./meshWorld.ts";

const PASS = new URL("meshPass.ts", import.meta.url);
const NODES = 1000;
const SSH_NODES = 50;
const PASS_MAX_MS = 15_000 + FETCH_TIMEOUT_MS;
/** Of the whole process. */
const MEMORY_MAX = 200 * MEBI;

/** A pass in a process of its own; throws where it published something else than it should. */
async function runPasses(
  name: string,
  kind: string,
  right: Pick<Pass, "entries" | "failed">,
): Promise<readonly Pass[]> {
  const passes = await inDirectory((directory) => runProcess<readonly Pass[]>(PASS, [kind, directory]));
  for (const { milliseconds, processorMs, residentBefore, residentMost, entries, failed, alarms } of passes) {
    const isRight = entries === right.entries && failed === right.failed && alarms === 0;
    if (!isRight) throw new Error("the run published something else than it should");
    const memory = `${Math.round(residentMost / MEBI)} MiB at most, ${Math.round(residentBefore / MEBI)} before it`;
    console.error(`${name}: ${Math.round(milliseconds)} ms, ${Math.round(processorMs)} of a processor, ${memory}`);
  }
  const last = passes.at(-1)!;
  hold(name, passes.every(({ milliseconds }) => milliseconds <= PASS_MAX_MS) && last.residentMost <= MEMORY_MAX);
  return passes;
}

const perSecond = (name: string, { milliseconds }: Pass): Result => {
  const [value, peerValue] = [NODES / (milliseconds / 1000), NODES / (PASS_MAX_MS / 1000)];
  return { name, value, unit: "nodes/s", peer: "limit", peerValue, ratio: value / peerValue };
};

const thousand: Measurement = {
  name: "mesh/thousand",
  async measure() {
    const [pass] = await runPasses("mesh/thousand", "troubled", { entries: 0.9 * NODES, failed: NODES / 10 });
    return perSecond("mesh/thousand", pass!);
  },
};

/** What is left without waiting: the first pass writes a file for each city, the next finds all as it is. */
const answering: Measurement = {
  name: "mesh/answering",
  async measure() {
    const passes = await runPasses("mesh/answering", "answering", { entries: NODES, failed: 0 });
    return perSecond("mesh/answering", passes[0]!);
  },
};

const largest: Measurement = {
  name: "mesh/largest",
  async measure() {
    const [pass] = await runPasses("mesh/largest", "largest", { entries: NODES, failed: 0 });
    return perSecond("mesh/largest", pass!);
  },
};

const overSsh: Measurement = {
  name: "mesh/ssh",
  measure: () =>
    HAS_SSHD
      ? inDirectory(async (directory) => {
          const labels = Array.from({ length: SSH_NODES }, (_, i) => labelOf(i));
          const sshd = await startSshd(join(directory, "sshd"), join(directory, "keys"), labels);
          try {
            for (const [i, { netDirectory }] of sshd.nodes.entries()) {
              writeFileSync(join(netDirectory, "my-vpn.json"), myVpnOf(i));
              writeFileSync(join(netDirectory, "peers.json"), peersOf(i));
            }
            const settings = writeMesh(directory, SSH_NODES, sshd.peers);
            const fetcher = await createSshFetcher(settings);
            const start = performance.now();
            const report = await runAggregator(settings, { fetcher, nowUnix: () => NOW });
            const seconds = (performance.now() - start) / 1000;
            if (report.sources.fresh !== SSH_NODES) throw new Error(`only ${report.sources.fresh} nodes were heard`);
            const [value, peerValue] = [SSH_NODES / seconds, SSH_NODES / 300];
            return {
              name: "mesh/ssh",
              value,
              unit: "nodes/s",
              peer: "period of 300 s",
              peerValue,
              ratio: value / peerValue,
            };
          } finally {
            await sshd.stop();
          }
        })
      : undefined,
};

export const benches: readonly Measurement[] = [thousand, answering, largest, overSsh, ...servingBenches];
