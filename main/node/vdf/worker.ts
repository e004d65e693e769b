/** Entry of a chain's thread. */
import { parentPort, workerData } from "node:worker_threads";

import { loadCrypto } from "../../native/index.ts";
import { invariant } from "../../protocol/errors.ts";
import { ChainLoop } from "./chainLoop.ts";
import type { ChainJob, ToThread } from "./messages.ts";

const port = parentPort;
invariant(port !== null, "a chain runs in a thread of its own");
const job = workerData as ChainJob;
const { crypto, note } = loadCrypto(job.addonPath === undefined ? {} : { addonPath: job.addonPath });
const loop = new ChainLoop(
  crypto,
  job,
  (message) => {
    port.postMessage(message);
  },
  note,
);
port.on("message", (message: ToThread) => {
  loop.hear(message);
});
await loop.run();
port.close();
