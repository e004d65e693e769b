/** The VDF: one chain, two of them, and the check of many stretches (chapter 03 §4.2, §4.3). */
import { Worker } from "node:worker_threads";
import { existsSync } from "node:fs";
import { loadAddon, type RustAddon } from "../../main/native/addon.ts";
import { ADDON_PATH, loadCrypto, type Native } from "../../main/native/index.ts";
import type { Bench, Side } from "./harness.ts";

const SEGMENTS = 32;

const { crypto } = loadCrypto();
/** Of one slice, some 20 ms. */
const ITERATIONS = crypto.backEnd === "rust" ? 512_000 : 16_000;
const start = crypto.sha256(new Uint8Array(0));

/** One slice of a running chain, as the VDF worker advances it. */
function chain(native: Native): Side {
  const run = native.chainRun(start);
  return {
    name: "one chain",
    run() {
      run.advance(ITERATIONS);
      return ITERATIONS;
    },
  };
}

function addon(): RustAddon | undefined {
  return existsSync(ADDON_PATH) ? loadAddon(ADDON_PATH) : undefined;
}

export const benches: Bench[] = [
  {
    name: "vdf/single",
    unit: "hashes/s",
    prepare() {
      const rust = addon();
      const end = new Uint8Array(32);
      if (!rust?.benchRoundsAlone(start, 1, end)) return undefined;
      const peer = {
        name: "round instructions alone",
        run() {
          rust.benchRoundsAlone(start, ITERATIONS, end);
          return ITERATIONS;
        },
      };
      return { subject: chain(crypto), peer };
    },
  },
  {
    name: "vdf/single-sha2",
    unit: "hashes/s",
    prepare() {
      const rust = addon();
      if (!rust) return undefined;
      const end = new Uint8Array(32);
      const peer = {
        name: "sha2 crate",
        run() {
          rust.benchSha2Chain(start, ITERATIONS, end);
          return ITERATIONS;
        },
      };
      return { subject: chain(crypto), peer };
    },
  },
  {
    name: "vdf/two-threads",
    unit: "hashes/s",
    prepare() {
      const workers = [chainWorker(), chainWorker()];
      const subject = {
        name: "a chain on each of two threads",
        async run() {
          await Promise.all(workers.map((worker) => worker.advance()));
          return 2 * ITERATIONS;
        },
      };
      const close = async (): Promise<void> => {
        await Promise.all(workers.map((worker) => worker.close()));
      };
      return { subject, peer: chain(crypto), close };
    },
  },
  {
    name: "vdf/verify-per-core",
    unit: "hashes/s",
    prepare() {
      const iterations = ITERATIONS / 8;
      const segment = { start, iterations, claimedEnd: crypto.sha256Chain(start, iterations) };
      const segments = new Array<typeof segment>(SEGMENTS).fill(segment);
      const subject = {
        name: "segments on one thread",
        async run() {
          const valid = await crypto.verifySegments(segments, { threads: 1 });
          if (!valid.every(Boolean)) throw new Error("a right claim was refused");
          return SEGMENTS * iterations;
        },
      };
      return { subject, peer: chain(crypto) };
    },
  },
];

/** A chain in a worker thread, advanced by a slice at each message. */
function chainWorker(): { advance: () => Promise<void>; close: () => Promise<number> } {
  const entry = new URL("../../main/native/index.ts", import.meta.url).href;
  const worker = new Worker(
    `import { parentPort } from "node:worker_threads";
     import { loadCrypto } from ${JSON.stringify(entry)};
     const run = loadCrypto().crypto.chainRun(new Uint8Array(32));
     parentPort.on("message", () => { run.advance(${ITERATIONS}); parentPort.postMessage(run.done); });`,
    { eval: true, execArgv: ["--input-type=module"] },
  );
  return {
    advance: () =>
      new Promise((resolve, reject) => {
        worker.once("message", () => {
          resolve();
        });
        worker.once("error", reject);
        worker.postMessage("advance");
      }),
    close: () => worker.terminate(),
  };
}
