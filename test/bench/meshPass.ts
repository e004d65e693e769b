/**
 * Passes of an aggregator over a thousand nodes in a process of its own: `node meshPass.ts KIND DIRECTORY`, with KIND
 * `troubled` (every tenth is silent for ever, sends too much, or garbage), `answering` (all answer; then again, with nothing
 * new) or `largest` (every node sends the largest files that it may). Tells its parent what each pass took.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { decodeSubscription } from "../../main/cities/subscription.ts";
import { runAggregator } from "../../main/mesh/aggregator/aggregator.ts";
import type { Answer, Fetcher } from "../../main/mesh/aggregator/fetcher.ts";
import { labelOf, largestPeersOf, myVpnOf, NOW, peersOf, writeMesh } from "./meshWorld.ts";

export interface Pass {
  readonly milliseconds: number;
  readonly processorMs: number;
  /** Of the whole process, since its start. Bytes. */
  readonly residentMost: number;
  /** Before the pass. */
  readonly residentBefore: number;
  readonly entries: number;
  readonly failed: number;
  readonly alarms: number;
}

const NODES = 1000;
const [kind = "", directory = ""] = process.argv.slice(2);

const answers: Fetcher = {
  fetch({ node }, file, signal): Promise<Answer> {
    const i = Number(node.slice("node-".length));
    if (kind === "troubled" && i % 10 === 3) {
      if (i % 30 === 3) return new Promise((resolve) => signal.addEventListener("abort", () => resolve(late)));
      if (i % 30 === 13) return Promise.resolve({ kind: "failed", reason: "too-large" });
      return Promise.resolve({ kind: "body", body: "\u0000{".repeat(file === "peers" ? 130_000 : 2000) });
    }
    const peers = kind === "largest" ? largestPeersOf : peersOf;
    // As over a network: one after the other, and not before this has returned.
    return new Promise((resolve) =>
      setImmediate(() => resolve({ kind: "body", body: file === "peers" ? peers(i) : myVpnOf(i) })),
    );
  },
};
const late: Answer = { kind: "failed", reason: "timeout" };

const settings = writeMesh(
  directory,
  NODES,
  Array.from({ length: NODES }, (_, i) => ({
    ...{ node: labelOf(i), host: `192.0.2.${i % 250}`, host_keys: ["ssh-ed25519 AAAA"] },
  })),
);

async function pass(): Promise<Pass> {
  const residentBefore = process.memoryUsage.rss();
  const processor = process.cpuUsage();
  const start = performance.now();
  const report = await runAggregator(settings, { fetcher: answers, nowUnix: () => NOW });
  const milliseconds = performance.now() - start;
  const { user, system } = process.cpuUsage(processor);
  return {
    ...{ milliseconds, processorMs: (user + system) / 1000, residentBefore },
    residentMost: process.resourceUsage().maxRSS * 1024,
    entries: decodeSubscription(readFileSync(join(directory, "public/vpn/sub"), "utf8")).servers.length,
    failed: report.troubles.length,
    alarms: report.alarms.length,
  };
}

const passes = [await pass()];
if (kind === "answering") passes.push(await pass());
process.send!(passes, () => process.disconnect());
