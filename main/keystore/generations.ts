/**
 * The key file on disk, in two generations: `identity.key` and `identity.key.previous`. At every instant at least one of them
 * is whole; a damaged one is named and made again from the other. The previous one is kept only while it opens nothing that
 * the current one does not: after a change of secrets it is overwritten with the current one.
 */
import { join } from "node:path";

import type { Crypto } from "../protocol/crypto.ts";
import { equalBytes } from "../protocol/bytes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { keystoreError, type KeystoreWarning } from "./errors.ts";
import { decodeKeyFile, encodeKeyFile, KEY_FILE_SIZE_MAX, type KeyFile } from "./keyFile.ts";
import { readOwnerFile, writeOwnerFile } from "./ownerFiles.ts";

export const CURRENT = "identity.key";
export const PREVIOUS = "identity.key.previous";

/** What lies under one of the two names. */
type Found =
  | {
      readonly is: "whole";
      readonly file: KeyFile;
      readonly bytes: Uint8Array;
      readonly warnings: readonly KeystoreWarning[];
    }
  | { readonly is: "damaged"; readonly error: ProtocolError }
  | { readonly is: "missing" };

export interface ReadGenerations {
  readonly file: KeyFile;
  /** All key files that are to stay, whose machine keys are needed. */
  readonly kept: readonly KeyFile[];
  readonly warnings: readonly KeystoreWarning[];
}

/** Whether either name is taken, by whatever. */
export async function hasKeyFile(crypto: Crypto, directory: string): Promise<boolean> {
  const found = [await find(crypto, directory, CURRENT), await find(crypto, directory, PREVIOUS)];
  return found.some(({ is }) => is !== "missing");
}

/**
 * The newest whole generation, without changing anything. Throws `ProtocolError` "identity-missing", or the fault of the
 * current one when no generation is whole.
 */
export async function readKeyFile(crypto: Crypto, directory: string): Promise<KeyFile> {
  const current = await find(crypto, directory, CURRENT);
  return current.is === "whole" ? current.file : fallBack(current, await find(crypto, directory, PREVIOUS)).file;
}

/**
 * As {@link readKeyFile}, and makes the other generation again where it is missing, damaged or out of date: a write may have
 * been cut short. Only the one process that owns the directory may call it.
 */
export async function readAndRepair(crypto: Crypto, directory: string): Promise<ReadGenerations> {
  const current = await find(crypto, directory, CURRENT);
  const previous = await find(crypto, directory, PREVIOUS);
  const warnings = [current, previous].flatMap((found) => (found.is === "whole" ? found.warnings : []));
  const repair = async (name: string, found: Found, bytes: Uint8Array): Promise<void> => {
    await writeOwnerFile(join(directory, name), bytes, { scrubsOld: true });
    const reason = found.is === "damaged" ? (found.error.params["reason"] ?? "field") : "missing";
    if (found.is !== "whole") warnings.push({ code: "key-file-repaired", params: { file: name, reason } });
  };

  if (current.is !== "whole") {
    const whole = fallBack(current, previous);
    await repair(CURRENT, current, whole.bytes);
    return { file: whole.file, kept: [whole.file], warnings };
  }
  if (previous.is === "whole" && !equalBytes(previous.file.identity.accountKey, current.file.identity.accountKey)) {
    throw keystoreError("identities-mixed", { directory });
  }
  if (previous.is === "whole" && mayPrecede(previous.file, current.file)) {
    return { file: current.file, kept: [current.file, previous.file], warnings };
  }
  await repair(PREVIOUS, previous, current.bytes);
  return { file: current.file, kept: [current.file], warnings };
}

/** Writes the first generation. */
export async function writeFirstGeneration(crypto: Crypto, directory: string, file: KeyFile): Promise<void> {
  const bytes = encodeKeyFile(crypto, file);
  await writeOwnerFile(join(directory, CURRENT), bytes);
  await writeOwnerFile(join(directory, PREVIOUS), bytes);
}

/**
 * Replaces `old` by `next`, its successor. Throws `ProtocolError("key-file-changed")` when `old` is no longer what lies on
 * disk. When this rejects while writing, either may lie there: read again.
 */
export async function replaceGeneration(crypto: Crypto, directory: string, old: KeyFile, next: KeyFile): Promise<void> {
  const oldBytes = encodeKeyFile(crypto, old);
  const nextBytes = encodeKeyFile(crypto, next);
  const onDisk = await readOwnerFile(join(directory, CURRENT), KEY_FILE_SIZE_MAX);
  if (onDisk === undefined || !equalBytes(onDisk.bytes, oldBytes)) {
    throw keystoreError("key-file-changed", { file: CURRENT });
  }
  if (next.state.secretsGeneration === next.state.generation) {
    await writeOwnerFile(join(directory, CURRENT), nextBytes, { scrubsOld: true });
    await writeOwnerFile(join(directory, PREVIOUS), nextBytes, { scrubsOld: true });
  } else {
    await writeOwnerFile(join(directory, PREVIOUS), oldBytes);
    await writeOwnerFile(join(directory, CURRENT), nextBytes);
  }
}

/** Whether the previous generation opens nothing that the current one does not. */
function mayPrecede({ state: previous }: KeyFile, { state: current }: KeyFile): boolean {
  return previous.generation >= current.secretsGeneration && previous.generation <= current.generation;
}

function fallBack(current: Exclude<Found, { is: "whole" }>, previous: Found): Extract<Found, { is: "whole" }> {
  if (previous.is === "whole") return previous;
  if (current.is === "damaged") throw current.error;
  if (previous.is === "damaged") throw previous.error;
  throw keystoreError("identity-missing");
}

async function find(crypto: Crypto, directory: string, name: string): Promise<Found> {
  try {
    const found = await readOwnerFile(join(directory, name), KEY_FILE_SIZE_MAX);
    if (found === undefined) return { is: "missing" };
    return { is: "whole", file: decodeKeyFile(crypto, name, found.bytes), ...found };
  } catch (error) {
    // A newer file and one that cannot be read are no damage: nothing may be made from another generation then.
    if (isDamage(error)) return { is: "damaged", error };
    throw error;
  }
}

function isDamage(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && error.code === "key-file-damaged";
}
