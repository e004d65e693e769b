/** One derivation on a thread of its own; see keyDerivation.ts. */
import { parentPort, workerData } from "node:worker_threads";

import { loadCrypto, wipe, type Native } from "../native/index.ts";
import { deriveMasterSeed } from "../protocol/identity/kdf.ts";
import type { Entropy } from "../protocol/identity/mnemonic.ts";
import type { DerivationJob, DerivationThread } from "./keyDerivation.ts";

const KEY_SIZE = 32;

function derive(crypto: Native, job: DerivationJob): Uint8Array {
  if (job.kind === "entropy") return deriveMasterSeed(crypto, job.secret as Entropy);
  const { salt, memoryKib, passes, lanes } = job.derivation;
  return crypto.argon2id(job.secret, salt, { memoryKib, passes, lanes, length: KEY_SIZE });
}

const { job, addonPath } = workerData as DerivationThread;
const derived = derive(loadCrypto(addonPath === undefined ? {} : { addonPath }).crypto, job);
wipe(job.secret);
parentPort?.postMessage(derived, [derived.buffer as ArrayBuffer]);
