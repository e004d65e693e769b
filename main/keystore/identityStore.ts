/**
 * The identity of a data directory: public facts at once, the node key by the machine, everything else by the passphrase.
 *
 *     const context = keystoreContext({ directory, crypto });
 *     const store = await createIdentity(context, { mode: "recoverable", passphrase, nowMs });   // or IdentityStore.open
 *     const node = await store.openNodeSigner();
 *     const account = await store.unlock(passphrase);
 *
 * One process at a time: the caller holds the lock of the data directory. Calls on one store wait for each other.
 */
import { stat } from "node:fs/promises";

import { wipe } from "../native/index.ts";
import { equalBytes } from "../protocol/bytes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { encodeIdentityFile, type StoredIdentity } from "../protocol/identity/identityFile.ts";
import { deriveKeys, wipeKeys } from "../protocol/identity/keys.ts";
import type { MasterSeed } from "../protocol/identity/kdf.ts";
import { newDerivation, openAccountPart, openNodePart, sealAccountPart, sealNodePart } from "./assemble.ts";
import type { KeystoreContext } from "./context.ts";
import { keystoreError, type KeystoreWarning } from "./errors.ts";
import { readAndRepair, readKeyFile, replaceGeneration } from "./generations.ts";
import type { KeyFile, KeyFileState, MachineKeyKind, UnsealedKeyFile } from "./keyFile.ts";
import { loadMachineKey, makeMachineKey, removeStrayMachineKeys, type MachineKey } from "./machineKeys.ts";
import { readMachineMarks } from "./machineMarks.ts";
import { ephemeralMaterial, keysOf, nodeKeyOf, nodeSecretOf, wipeMaterial, type Material } from "./material.ts";
import { openDirectory, removeTemporaries, writeOwnerFile } from "./ownerFiles.ts";
import { normalizeNewPassphrase, normalizePassphrase } from "./passphrase.ts";
import { random } from "./sealing.ts";
import { NodeSigner, UnlockedAccount } from "./signers.ts";
import { summarize, type IdentitySummary } from "./summary.ts";
import { ShownWords } from "./words.ts";

/**
 * The public facts without any change to the directory, for a second process that looks on. Throws as
 * {@link IdentityStore.open}.
 */
export async function inspectIdentity({ crypto, directory }: KeystoreContext): Promise<IdentitySummary> {
  const file = await readKeyFile(crypto, directory);
  return summarize(crypto, file, await readMachineMarks(crypto, file.state.markSalt, directory));
}

export class IdentityStore {
  readonly #context: KeystoreContext;
  #file: KeyFile;
  #summary: IdentitySummary;
  /** What was found and repaired on opening. */
  readonly warnings: readonly KeystoreWarning[];
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    context: KeystoreContext,
    file: KeyFile,
    summary: IdentitySummary,
    warnings: readonly KeystoreWarning[],
  ) {
    this.#context = context;
    this.#file = file;
    this.#summary = summary;
    this.warnings = warnings;
  }

  /**
   * Opens what {@link createIdentity}, `restoreIdentity` or `importIdentity` wrote; needs no secret. Checks permissions and
   * both generations and repairs them. `known` warnings go before its own.
   *
   * Throws `ProtocolError` "identity-missing", "key-file-damaged", "key-file-newer", "key-file-refused", "file-failed".
   */
  static async open(context: KeystoreContext, known: readonly KeystoreWarning[] = []): Promise<IdentityStore> {
    const { crypto, directory } = context;
    const access = await openDirectory(directory);
    if (access === undefined) throw keystoreError("identity-missing", { directory });
    const { file, kept, warnings } = await readAndRepair(crypto, directory);
    await removeTemporaries(directory);
    await removeStrayMachineKeys(
      directory,
      kept.map(({ state }) => state.machineKeyId),
    );
    const marks = await readMachineMarks(crypto, file.state.markSalt, directory);
    return new IdentityStore(context, file, summarize(crypto, file, marks), [...known, ...access, ...warnings]);
  }

  get summary(): IdentitySummary {
    return this.#summary;
  }

  /**
   * The node's key, by the machine alone, until `close()` on it. Throws "machine-key-missing", "machine-key-unavailable",
   * "machine-key-mismatch", "key-file-forged", "identity-keys-mismatch".
   */
  openNodeSigner(): Promise<NodeSigner> {
    return this.#inTurn(async () => {
      const { crypto } = this.#context;
      const { nodeKey } = this.#file.identity;
      return this.#withMachineKey((machineKey) => {
        const nodeSecret = openNodePart(crypto, this.#file, machineKey);
        try {
          return new NodeSigner(crypto, nodeKey, nodeKeyOf(crypto, nodeSecret, nodeKey));
        } finally {
          wipe(nodeSecret);
        }
      });
    });
  }

  /** The account's keys, until `lock()` on what this gives. Throws "wrong-passphrase", "key-file-forged". */
  unlock(passphrase: Uint8Array): Promise<UnlockedAccount> {
    return this.#withMaterial(passphrase, (material) => {
      const { crypto } = this.#context;
      return new UnlockedAccount(crypto, keysOf(crypto, material, this.#publicKeys()));
    });
  }

  /**
   * The words, on demand; `hide()` what this gives. Throws "wrong-passphrase", and "words-unknown" with the reason for an
   * identity that has none.
   */
  showWords(passphrase: Uint8Array): Promise<ShownWords> {
    return this.#withMaterial(passphrase, (material) => {
      if (material.contents === "words") return new ShownWords(this.#context.crypto, material.secrets.entropy);
      const reason = material.contents === "master-seed" ? "imported" : "ephemeral";
      throw keystoreError("words-unknown", { reason });
    });
  }

  /**
   * Compares the answers to `shown.ask()` and, when all are right, notes that the person has the words. Gives the places of
   * the wrong ones, or all that were asked.
   */
  confirmWords(shown: ShownWords, answers: readonly string[]): Promise<readonly number[]> {
    return this.#inTurn(async () => {
      if (shown.isConfirmedBy(answers)) await this.#changeState({ areWordsConfirmed: true });
      return shown.findWrong(answers);
    });
  }

  /** Says that nobody else uses this identity: the quiet period is over. {@link summary} forgets restore and copy. */
  endQuietPeriod(): Promise<void> {
    return this.#inTurn(async () => {
      const { crypto, directory } = this.#context;
      const markSalt = random(16);
      const marks = await readMachineMarks(crypto, markSalt, directory);
      await this.#changeState({ isSettled: true, markSalt, ...marks });
    });
  }

  /**
   * Seals the account part with another passphrase and overwrites what the old one opened. Throws "wrong-passphrase", the
   * errors of new passphrases and those of the machine key.
   */
  async changePassphrase(passphrase: Uint8Array, newPassphrase: Uint8Array): Promise<void> {
    const normalized = normalizeNewPassphrase(newPassphrase);
    try {
      await this.#withMaterial(passphrase, (material) =>
        this.#withMachineKey((machineKey) => this.#reseal(material, normalized, machineKey)),
      );
    } finally {
      wipe(normalized);
    }
  }

  /**
   * Gives up the words: keeps the seeds of the roles only and overwrites the rest. There is no way back. Throws
   * "already-ephemeral" and what {@link changePassphrase} throws.
   */
  makeEphemeral(passphrase: Uint8Array): Promise<void> {
    return this.#withMaterial(passphrase, async (material, normalized) => {
      const rest = ephemeralMaterial(this.#context.crypto, material);
      try {
        await this.#withMachineKey((machineKey) => this.#reseal(rest, normalized, machineKey));
      } finally {
        wipeMaterial(rest);
      }
    });
  }

  /**
   * Makes a new machine key for the node part and forgets the old one: to keep it elsewhere, or because the old one is lost,
   * with the keychain of another machine say. Throws "wrong-passphrase" and the errors of machine keys.
   */
  renewMachineKey(passphrase: Uint8Array, kind: MachineKeyKind | "auto" = "auto"): Promise<readonly KeystoreWarning[]> {
    return this.#withMaterial(passphrase, async (material, normalized) => {
      const { crypto, keepers } = this.#context;
      const { machineKeyKind, machineKeyId } = this.#file.state;
      const { machineKey, warnings } = await makeMachineKey(crypto, keepers, kind);
      try {
        await this.#reseal(material, normalized, machineKey);
      } finally {
        wipe(machineKey.key);
      }
      // It opens nothing any more: a keeper that does not answer keeps a key without a lock.
      if (!equalBytes(machineKey.id, machineKeyId))
        await keepers[machineKeyKind].remove(machineKeyId).catch(() => undefined);
      return warnings;
    });
  }

  /**
   * Writes `identity.bin` of the reference node, unencrypted as that is, to `path`: version 1 for "recoverable", 2 for
   * "ephemeral", by the identity's own mode unless `form` is given. Throws "wrong-passphrase", "not-recoverable", and
   * "file-failed" with EEXIST where there is a file and `overwrites` is not set.
   */
  exportIdentityFile(
    passphrase: Uint8Array,
    path: string,
    options: { readonly form?: "recoverable" | "ephemeral"; readonly overwrites?: boolean } = {},
  ): Promise<void> {
    return this.#withMaterial(passphrase, async (material) => {
      if (options.overwrites !== true && (await exists(path))) {
        throw keystoreError("file-failed", { operation: "export", file: path, errno: "EEXIST" });
      }
      const identity = this.#storedIdentity(material, options.form ?? this.#summary.mode);
      const content = encodeIdentityFile(identity);
      wipeKeys(identity.keys);
      try {
        await writeOwnerFile(path, content);
      } finally {
        wipe(content);
      }
    });
  }

  #storedIdentity(material: Material, mode: "recoverable" | "ephemeral"): StoredIdentity {
    const { crypto } = this.#context;
    if (mode === "ephemeral") return { mode, keys: keysOf(crypto, material, this.#publicKeys()) };
    if (material.contents !== "words" && material.contents !== "master-seed") throw keystoreError("not-recoverable");
    const masterSeed: MasterSeed = material.secrets.masterSeed;
    return { mode, masterSeed, keys: deriveKeys(crypto, masterSeed) };
  }

  #publicKeys() {
    const { accountKey, nodeKey, appKemKey } = this.#file.identity;
    return { account: accountKey, node: nodeKey, appKem: appKemKey };
  }

  /** A change that needs no passphrase and changes nothing about who can open what. */
  async #changeState(change: Partial<KeyFileState>): Promise<void> {
    const { crypto } = this.#context;
    const old = this.#file;
    await this.#withMachineKey(async (machineKey) => {
      const nodeSecret = openNodePart(crypto, old, machineKey);
      const state = { ...old.state, ...change, generation: old.state.generation + 1n };
      const next = sealNodePart(crypto, { ...old, state }, machineKey, nodeSecret);
      wipe(nodeSecret);
      await this.#replace(next);
    });
  }

  /** Writes everything anew, with data keys of its own, and leaves nothing that opened before. */
  async #reseal(material: Material, passphrase: Uint8Array, machineKey: MachineKey): Promise<void> {
    const { crypto, argon2 } = this.#context;
    const { identity, state } = this.#file;
    const generation = state.generation + 1n;
    const unsealed: UnsealedKeyFile = {
      identity: { ...identity, contents: material.contents },
      state: {
        ...state,
        generation,
        secretsGeneration: generation,
        areWordsConfirmed: state.areWordsConfirmed && material.contents === "words",
        machineKeyKind: machineKey.kind,
        machineKeyId: machineKey.id,
      },
      derivation: newDerivation(argon2),
    };
    const sealed = await sealAccountPart(this.#context, unsealed, passphrase, material);
    const nodeSecret = nodeSecretOf(crypto, material);
    const next = sealNodePart(crypto, sealed, machineKey, nodeSecret);
    wipe(nodeSecret);
    await this.#replace(next);
  }

  async #replace(next: KeyFile): Promise<void> {
    const { crypto, directory } = this.#context;
    try {
      await replaceGeneration(crypto, directory, this.#file, next);
      this.#file = next;
    } catch (error) {
      // A full disk may have taken the one generation and not the other: go on from what is there.
      if (!isChangedByOthers(error)) this.#file = await readKeyFile(crypto, directory);
      throw error;
    } finally {
      const marks = await readMachineMarks(crypto, this.#file.state.markSalt, directory);
      this.#summary = summarize(crypto, this.#file, marks);
    }
  }

  async #withMachineKey<T>(use: (machineKey: MachineKey) => T | Promise<T>): Promise<T> {
    const { crypto, keepers } = this.#context;
    const { machineKeyKind, machineKeyId } = this.#file.state;
    const machineKey = await loadMachineKey(crypto, keepers, machineKeyKind, machineKeyId);
    try {
      return await use(machineKey);
    } finally {
      wipe(machineKey.key);
    }
  }

  async #withMaterial<T>(
    passphrase: Uint8Array,
    use: (material: Material, passphrase: Uint8Array) => T | Promise<T>,
  ): Promise<T> {
    // Copied before waiting: the caller may wipe it at once.
    const normalized = normalizePassphrase(passphrase);
    return this.#inTurn(async () => {
      try {
        const material = await openAccountPart(this.#context, this.#file, normalized);
        try {
          return await use(material, normalized);
        } finally {
          wipeMaterial(material);
        }
      } finally {
        wipe(normalized);
      }
    });
  }

  /** One after the other: each rewriting starts from the file that the one before wrote. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(run, run);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

function isChangedByOthers(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === "key-file-changed";
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
