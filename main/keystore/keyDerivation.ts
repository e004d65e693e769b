/**
 * The two slow derivations, Argon2id and PBKDF2 with 2^20 rounds, each on a thread of its own: natively 0.2 to 0.4 s, which
 * would stop the event loop for as long. Only a person's own input ever gets here, never anything from the network.
 */
import { Worker } from "node:worker_threads";

import type { MasterSeed } from "../protocol/identity/kdf.ts";
import type { Entropy } from "../protocol/identity/mnemonic.ts";
import { keystoreError } from "./errors.ts";
import type { PassphraseDerivation } from "./keyFile.ts";

export type DerivationJob =
  | { readonly kind: "passphrase"; readonly secret: Uint8Array; readonly derivation: PassphraseDerivation }
  | { readonly kind: "entropy"; readonly secret: Uint8Array };

export interface DerivationThread {
  readonly job: DerivationJob;
  readonly addonPath: string | undefined;
}

export interface KeyDerivation {
  /** 32 bytes. Leaves `passphrase` as it is. */
  passphraseKey(passphrase: Uint8Array, derivation: PassphraseDerivation): Promise<Uint8Array>;
  /** 64 bytes. Leaves `entropy` as it is. */
  masterSeed(entropy: Entropy): Promise<MasterSeed>;
}

/** `addonPath` as for `loadCrypto`. Rejects with `ProtocolError("derivation-failed")` when a thread dies, of memory say. */
export function deriveOnThreads(addonPath?: string): KeyDerivation {
  return {
    passphraseKey: (passphrase, derivation) =>
      runOnThread({ job: { kind: "passphrase", secret: Uint8Array.from(passphrase), derivation }, addonPath }),
    masterSeed: async (entropy) =>
      (await runOnThread({ job: { kind: "entropy", secret: Uint8Array.from(entropy) }, addonPath })) as MasterSeed,
  };
}

const THREAD_FILE = new URL("keyDerivation.thread.ts", import.meta.url);

/** Moves the copy of the secret to the thread, which wipes it, and the result back: nothing stays in between. */
function runOnThread(thread: DerivationThread): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(THREAD_FILE, {
      workerData: thread,
      transferList: [thread.job.secret.buffer as ArrayBuffer],
    });
    // Whatever a thread's error says could quote what it worked on.
    const fail = (): void => {
      reject(keystoreError("derivation-failed", { kind: thread.job.kind }));
    };
    worker.once("message", resolve);
    worker.once("error", fail);
    worker.once("exit", fail);
  });
}
