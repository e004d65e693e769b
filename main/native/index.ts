/** The room's entry: the fastest back end that this machine has and that gives the right results. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ascii, toHex } from "../protocol/bytes.ts";
import { loadAddon } from "./addon.ts";
import { checked } from "./checked.ts";
import { noble } from "./fallback/noble.ts";
import { NATIVE_FOLDER } from "./folder.ts";
import type { Native } from "./interface.ts";

export { ChainRun } from "./chain.ts";
export type * from "./interface.ts";
export { wipe } from "./wipe.ts";

export const ADDON_PATH = join(NATIVE_FOLDER, "montana_native.node");

export interface LoadOptions {
  /** File of the add-on, where it is not {@link ADDON_PATH}. */
  readonly addonPath?: string;
}

export interface LoadedCrypto {
  readonly crypto: Native;
  /** One line for the log: which back end, why, and what is slower for it. */
  readonly note: string;
}

/** The Rust add-on when it is there and passes its self-test, otherwise the JavaScript back end. */
export function loadCrypto({ addonPath = ADDON_PATH }: LoadOptions = {}): LoadedCrypto {
  let reason = "it is not built";
  if (existsSync(addonPath)) {
    try {
      const crypto = loadNative(addonPath);
      return { crypto, note: rustNote(crypto) };
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  return {
    crypto: loadFallback(),
    note: `JavaScript cryptography, because the add-on cannot be used (${reason}): VDF and Merkle trees about 25 times slower, signatures about 20 times, no constant-time guarantee`,
  };
}

/** The Rust back end. Throws when the file does not load or a known answer is wrong. */
export function loadNative(addonPath: string = ADDON_PATH): Native {
  const crypto = checked(loadAddon(addonPath), "rust");
  selfTest(crypto);
  return crypto;
}

export function loadFallback(): Native {
  return checked(noble, "noble");
}

function rustNote({ kernels: { chain, lanes, failed } }: Native): string {
  const slower = failed.length > 0 ? `slower, because ${failed.join(", ")} failed the self-test` : "nothing is slower";
  return `Rust cryptography, SHA-256 by ${chain} and ${lanes}: ${slower}`;
}

/**
 * One known answer for each algorithm, against an add-on that was built for another version or miscompiled. The SHA-256
 * kernels test themselves beyond that.
 */
function selfTest(crypto: Native): void {
  const zeros = (length: number): Uint8Array => new Uint8Array(length);
  const expect = (what: string, actual: Uint8Array, expected: string): void => {
    if (toHex(actual) !== expected) throw new Error(`self-test failed: ${what}`);
  };
  const digest = (bytes: Uint8Array): Uint8Array => crypto.sha256(bytes);

  // FIPS 180-4, and chapter 03's chain once around.
  expect("SHA-256", digest(ascii("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect("chain", crypto.sha256Chain(zeros(32), 2), toHex(digest(digest(zeros(32)))));
  // Chapter 01, key generation KAT 1.
  const { publicKey, secretKey } = crypto.mldsa65.generate(zeros(32));
  expect("ML-DSA", digest(publicKey), "085ba380ff386dd52e42349c6eb88489d6058ea541a4e3fb0dce9a3fd1f7a911");
  expect("ML-DSA", digest(secretKey), "cfcb5e7edf4348f712b7002b0553d28929856936c98e4adf172e51d5c9934262");
  const signature = crypto.mldsa65.sign(secretKey, ascii("montana"));
  if (!crypto.mldsa65.verify(publicKey, ascii("montana"), signature)) throw new Error("self-test failed: ML-DSA");
  const kem = crypto.mlkem768.generate(zeros(64));
  expect("ML-KEM", digest(kem.publicKey), "f95c185fe5b2335d2fc938dd889c6425944acd74376b6952bf1130f720f6ba99");
  const { ciphertext, sharedSecret } = crypto.mlkem768.encapsulate(kem.publicKey, zeros(32));
  expect("ML-KEM", crypto.mlkem768.decapsulate(kem.secretKey, ciphertext), toHex(sharedSecret));
  const sealed = crypto.aead.seal(zeros(32), zeros(12), zeros(0), zeros(0));
  expect("ChaCha20-Poly1305", sealed, "4eb972c9a8fb3a1b382bb4d36f5ffad1");
  // RFC 7748 §5.2, one iteration: scalar and point are both 9.
  const nine = zeros(32);
  nine[0] = 9;
  const ninePublic = crypto.x25519.publicKey(nine);
  expect("X25519", ninePublic, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
}
