/** How an identity comes into a directory: made, restored from its words, or imported from the reference node's file. */
import { open } from "node:fs/promises";

import { wipe } from "../native/index.ts";
import { SUITE_MLDSA65 } from "../protocol/identity/ids.ts";
import { decodeIdentityFile, findKeyMismatch, type StoredIdentity } from "../protocol/identity/identityFile.ts";
import { deriveKeys, wipeKeys, type IdentityKeys } from "../protocol/identity/keys.ts";
import type { Entropy } from "../protocol/identity/mnemonic.ts";
import { newDerivation, sealAccountPart, sealNodePart } from "./assemble.ts";
import type { KeystoreContext } from "./context.ts";
import { keystoreError, type KeystoreWarning } from "./errors.ts";
import { hasKeyFile, writeFirstGeneration } from "./generations.ts";
import { IdentityStore } from "./identityStore.ts";
import type { MachineKeyKind, Origin } from "./keyFile.ts";
import { makeMachineKey } from "./machineKeys.ts";
import { readMachineMarks } from "./machineMarks.ts";
import { ephemeralMaterial, materialOfFile, nodeSecretOf, wipeMaterial, type Material } from "./material.ts";
import { prepareDirectory, removeTemporaries } from "./ownerFiles.ts";
import { normalizeNewPassphrase } from "./passphrase.ts";
import { random } from "./sealing.ts";
import { readPhrase } from "./words.ts";

/** What all three ways need. */
export interface NewIdentity {
  /** UTF-8; the caller wipes it. */
  readonly passphrase: Uint8Array;
  /** The time, by the caller's clock. */
  readonly nowMs: number;
  /** Where to keep the machine key; "auto" unless given. */
  readonly machineKey?: MachineKeyKind | "auto";
}

/**
 * Makes a new identity. A recoverable one comes back from its words, which {@link IdentityStore.showWords} shows; an
 * ephemeral one is lost with its file. Throws "identity-exists" and the errors of passphrases, machine keys and files.
 */
export function createIdentity(
  context: KeystoreContext,
  options: NewIdentity & { readonly mode: "recoverable" | "ephemeral" },
): Promise<IdentityStore> {
  return establishFromEntropy(context, options, random(32), { origin: "created", areWordsConfirmed: false });
}

/**
 * Restores an identity from its 24 words, given as UTF-8 text with any white space; the caller wipes it. Throws the errors of
 * phrases ("word-count", "unknown-word", "checksum-mismatch"…) before any slow work, and those of {@link createIdentity}.
 */
export async function restoreIdentity(
  context: KeystoreContext,
  options: NewIdentity & { readonly phrase: Uint8Array; readonly mode: "recoverable" | "ephemeral" },
): Promise<IdentityStore> {
  const known = { origin: "restored", areWordsConfirmed: options.mode === "recoverable" } as const;
  return establishFromEntropy(context, options, readPhrase(context.crypto, options.phrase), known);
}

/**
 * Makes a new identity of words that nobody had before and that the person has given back; else as {@link restoreIdentity},
 * from which it differs in what it says: no other node can be at work with it.
 */
export async function createIdentityFromWords(
  context: KeystoreContext,
  options: NewIdentity & { readonly phrase: Uint8Array },
): Promise<IdentityStore> {
  const known = { origin: "created", areWordsConfirmed: true } as const;
  const entropy = readPhrase(context.crypto, options.phrase);
  return establishFromEntropy(context, { ...options, mode: "recoverable" }, entropy, known);
}

/**
 * Imports `identity.bin` of the reference node, version 1 or 2 (chapter 01 §3.6). Throws the errors of that file, and
 * "identity-keys-mismatch" with `key` when its keys do not belong together.
 */
export async function importIdentity(
  context: KeystoreContext,
  options: NewIdentity & { readonly path: string },
): Promise<IdentityStore> {
  return withNewPassphrase(options, async (passphrase) => {
    const identity = await readIdentityFile(context, options.path);
    const material = materialOfFile(identity);
    try {
      const mismatch = findKeyMismatch(context.crypto, identity);
      if (mismatch !== undefined) throw keystoreError("identity-keys-mismatch", { key: mismatch });
      const known = { origin: "imported", areWordsConfirmed: false } as const;
      return await establish(context, { ...options, passphrase }, material, identity.keys, known);
    } finally {
      wipeKeys(identity.keys);
      if (identity.mode === "recoverable") wipe(identity.masterSeed);
      wipeMaterial(material);
    }
  });
}

/** Where an identity comes from, and whether the person has its words. */
interface Known {
  readonly origin: Origin;
  readonly areWordsConfirmed: boolean;
}

/** Wipes `entropy`. */
async function establishFromEntropy(
  context: KeystoreContext,
  options: NewIdentity & { readonly mode: "recoverable" | "ephemeral" },
  entropy: Entropy,
  known: Known,
): Promise<IdentityStore> {
  const { crypto, derivation } = context;
  try {
    return await withNewPassphrase(options, async (passphrase) => {
      await requireVacant(context);
      const masterSeed = await derivation.masterSeed(entropy);
      const whole: Material = { contents: "words", secrets: { entropy, masterSeed } };
      const material = options.mode === "recoverable" ? whole : ephemeralMaterial(crypto, whole);
      const keys = deriveKeys(crypto, masterSeed);
      try {
        return await establish(context, { ...options, passphrase }, material, keys, known);
      } finally {
        wipeMaterial(whole);
        wipeMaterial(material);
        wipeKeys(keys);
      }
    });
  } finally {
    wipe(entropy);
  }
}

/** A copy of the passphrase in the form that is derived from, wiped when `use` is done: the caller may wipe its own at once. */
async function withNewPassphrase<T>(options: NewIdentity, use: (passphrase: Uint8Array) => Promise<T>): Promise<T> {
  const passphrase = normalizeNewPassphrase(options.passphrase);
  try {
    return await use(passphrase);
  } finally {
    wipe(passphrase);
  }
}

/** Seals and writes. `options.passphrase` is normalised; the caller wipes it, `material` and `keys`. */
async function establish(
  context: KeystoreContext,
  options: NewIdentity,
  material: Material,
  keys: IdentityKeys,
  { origin, areWordsConfirmed }: Known,
): Promise<IdentityStore> {
  const { crypto, directory, keepers } = context;
  const nodeSecret = nodeSecretOf(crypto, material);
  try {
    const warnings: KeystoreWarning[] = await prepareDirectory(directory);
    await requireVacant(context);
    await removeTemporaries(directory);

    const made = await makeMachineKey(crypto, keepers, options.machineKey ?? "auto");
    try {
      const markSalt = random(16);
      const unsealed = await sealAccountPart(
        context,
        {
          identity: {
            suiteId: SUITE_MLDSA65,
            contents: material.contents,
            origin,
            createdAtMs: options.nowMs,
            accountKey: keys.account.publicKey,
            nodeKey: keys.node.publicKey,
            appKemKey: keys.appKem.publicKey,
          },
          state: {
            generation: 1n,
            secretsGeneration: 1n,
            isSettled: origin === "created",
            areWordsConfirmed,
            ...(await readMachineMarks(crypto, markSalt, directory)),
            markSalt,
            machineKeyKind: made.machineKey.kind,
            machineKeyId: made.machineKey.id,
          },
          derivation: newDerivation(context.argon2),
        },
        options.passphrase,
        material,
      );
      await writeFirstGeneration(crypto, directory, sealNodePart(crypto, unsealed, made.machineKey, nodeSecret));
    } finally {
      wipe(made.machineKey.key);
    }
    return await IdentityStore.open(context, [...warnings, ...made.warnings]);
  } finally {
    wipe(nodeSecret);
  }
}

async function requireVacant({ crypto, directory }: KeystoreContext): Promise<void> {
  const isTaken = await hasKeyFile(crypto, directory).catch((error: unknown) => {
    // Whatever a newer version wrote is an identity as well.
    if (error instanceof Error && error.message === "key-file-newer") return true;
    throw error;
  });
  if (isTaken) throw keystoreError("identity-exists", { directory });
}

/** One byte more than the longer version: a longer file is refused for its size without reading it. */
const FILE_SIZE_MAX = 15_628;

async function readIdentityFile({ crypto }: KeystoreContext, path: string): Promise<StoredIdentity> {
  const content = new Uint8Array(FILE_SIZE_MAX);
  try {
    const file = await open(path, "r");
    try {
      const { bytesRead } = await file.read(content, 0, content.length, 0);
      return decodeIdentityFile(crypto, content.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Error && "errno" in error) {
      throw keystoreError("file-failed", {
        operation: "read",
        file: path,
        errno: (error as NodeJS.ErrnoException).code ?? "unknown",
      });
    }
    throw error;
  } finally {
    wipe(content);
  }
}
