/**
 * TimeChain and candidate chain at once against the slower of the two alone, as the node runs them: threads, progress files,
 * messages. Prints what else is promised, the delay of the event loop and the memory of the process. With `--full`: three
 * windows of the network's own D (a minute and a half), without it the same with a hundredth of it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";

import { loadCrypto } from "../../main/native/index.ts";
import { CandidateChain } from "../../main/node/vdf/candidateChain.ts";
import type { ChainEvent } from "../../main/node/vdf/chainThread.ts";
import { TimeChain } from "../../main/node/vdf/timeChain.ts";
import type { NodeId } from "../../main/protocol/bytes.ts";
import { MONTANA_PARAMS } from "../../main/protocol/genesis/montana.ts";
import { genesisTimechainValue } from "../../main/protocol/timechain/genesisValue.ts";
import type { Bench } from "./harness.ts";

const WINDOWS = 3n;
const SHORT_DIVISOR = 100n;
/** What disturbs a run only ever makes it slower: the best of some short ones counts. */
const SHORT_ROUNDS = 5;
const MIB = 2 ** 20;

const { crypto } = loadCrypto();

type Chain = "timechain" | "candidate";
type EventLoopDelay = ReturnType<typeof monitorEventLoopDelay>;

/** Runs the chains at once; gives how many milliseconds the last of them took from when all were ready, as `delay` is. */
async function run(chains: readonly Chain[], d: bigint, delay?: EventLoopDelay): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "montana-bench-"));
  try {
    const running = await Promise.all(chains.map((chain) => start(chain, join(folder, chain), d)));
    const startMs = performance.now();
    delay?.enable();
    await Promise.all(running.map(({ resume }) => resume()));
    await Promise.all(running.map(({ finished }) => finished));
    delay?.disable();
    const elapsedMs = performance.now() - startMs;
    await Promise.all(running.map(({ stop }) => stop()));
    return elapsedMs;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function start(name: Chain, progressPath: string, d: bigint) {
  let finish!: () => void;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const listener = (event: ChainEvent): void => {
    if (event.kind === "segment" && event.end.segment === WINDOWS) finish();
  };
  const value = genesisTimechainValue(crypto);
  const common = { d, value, progressPath, listener, settings: { isPaused: true } };
  const chain =
    name === "timechain"
      ? await TimeChain.start(crypto, { ...common, genesisStateHash: value, window: 0n, through: WINDOWS })
      : await CandidateChain.start(crypto, {
          ...{ ...common, nodeId: value as unknown as NodeId, wStart: 0n, init: value, done: 0n, target: WINDOWS },
        });
  return { finished, resume: () => chain.configure({ isPaused: false }), stop: () => chain.stop() };
}

export const benches: Bench[] = [
  {
    name: "vdf/both-chains",
    async measure() {
      const isFull = process.argv.includes("--full");
      const d = isFull ? MONTANA_PARAMS.d0 : MONTANA_PARAMS.d0 / SHORT_DIVISOR;
      const delay = monitorEventLoopDelay({ resolution: 5 });
      const best = { timechain: Infinity, candidate: Infinity, both: Infinity };
      for (let round = 0; round < (isFull ? 1 : SHORT_ROUNDS); round++) {
        best.timechain = Math.min(best.timechain, await run(["timechain"], d));
        best.candidate = Math.min(best.candidate, await run(["candidate"], d));
        best.both = Math.min(best.both, await run(["timechain", "candidate"], d, delay));
      }
      const { both } = best;
      const alone = Math.max(best.timechain, best.candidate);
      const delayMs = delay.percentile(99) / 1e6;
      const rssMib = process.memoryUsage.rss() / MIB;
      console.error(
        `vdf/both-chains: D = ${String(d)}, event loop delay p99 ${delayMs.toFixed(1)} ms, RSS ${rssMib.toFixed(0)} MiB`,
      );
      return {
        ...{
          name: "vdf/both-chains",
          value: both / 1000,
          unit: "s",
          peer: "the slower alone",
          peerValue: alone / 1000,
        },
        ratio: both / alone,
      };
    },
  },
];
