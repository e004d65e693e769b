/** Where an identity lies and with what it is opened: the same for every call on it. */
import type { Native } from "../native/index.ts";
import { findSelfTestFailure } from "../protocol/identity/selfTest.ts";
import { keystoreError } from "./errors.ts";
import type { Environment } from "./environment.ts";
import { deriveOnThreads, type KeyDerivation } from "./keyDerivation.ts";
import { ARGON2_DEFAULT, type Argon2Cost } from "./keyFile.ts";
import { credentialKeeper, fileKeeper, keychainKeeper, type MachineKeyKeepers } from "./machineKeys.ts";

export interface KeystoreContext {
  readonly directory: string;
  readonly crypto: Native;
  readonly derivation: KeyDerivation;
  readonly keepers: MachineKeyKeepers;
  /** For passphrases that are set from now on; a key file keeps its own. */
  readonly argon2: Argon2Cost;
}

export interface KeystoreOptions {
  /** `DATA_DIR/identity`: one identity for all networks. The caller holds the lock of the data directory. */
  readonly directory: string;
  readonly crypto: Native;
  /** As for `loadCrypto`; threads load the add-on again. */
  readonly addonPath?: string;
  /** `process.env` unless given. */
  readonly environment?: Environment;
  readonly argon2?: Argon2Cost;
}

/** Throws `ProtocolError("self-test-failed")` when the cryptography does not give what the protocol says (chapter 01 §5). */
export function keystoreContext(options: KeystoreOptions): KeystoreContext {
  const { directory, crypto, addonPath, environment = process.env, argon2 = ARGON2_DEFAULT } = options;
  const failure = findSelfTestFailure(crypto);
  if (failure !== undefined) throw keystoreError("self-test-failed", { check: failure });
  return {
    directory,
    crypto,
    derivation: deriveOnThreads(addonPath),
    keepers: {
      keychain: keychainKeeper(crypto),
      credential: credentialKeeper(environment),
      file: fileKeeper(crypto, directory),
    },
    argon2,
  };
}
