/** The passphrase of the account part: rules and where it comes from when nobody types it into a window. */
import { open, type FileHandle } from "node:fs/promises";

import { wipe } from "../native/index.ts";
import { readCredential, type Environment } from "./environment.ts";
import { keystoreError, type KeystoreWarning } from "./errors.ts";
import { promptPassphrase, type Terminal } from "./terminal.ts";

export const PASSPHRASE_CHARACTERS_MIN = 8;
export const PASSPHRASE_BYTES_MAX = 1024;
export const PASSPHRASE_VARIABLE = "MONTANA_PASSPHRASE";
/** The name of the systemd credential. */
export const PASSPHRASE_CREDENTIAL = "montana-passphrase";

/**
 * What Argon2id gets: the UTF-8 bytes, in Unicode's composed form where they are not plain ASCII, for keyboards differ in how
 * they send é. A copy, for the caller to wipe. Throws "passphrase-too-long" and "passphrase-not-one-line".
 */
export function normalizePassphrase(passphrase: Uint8Array): Uint8Array {
  if (passphrase.length > PASSPHRASE_BYTES_MAX) {
    throw keystoreError("passphrase-too-long", { bytes: passphrase.length, max: PASSPHRASE_BYTES_MAX });
  }
  if (passphrase.some((byte) => byte === 0x0a || byte === 0x0d || byte === 0)) {
    throw keystoreError("passphrase-not-one-line");
  }
  return passphrase.every((byte) => byte < 0x80) ? Uint8Array.from(passphrase) : compose(passphrase);
}

/** As {@link normalizePassphrase}, for a new passphrase: throws "passphrase-too-short" as well. */
export function normalizeNewPassphrase(passphrase: Uint8Array): Uint8Array {
  const normalized = normalizePassphrase(passphrase);
  const characters = normalized.reduce((count, byte) => count + Number((byte & 0xc0) !== 0x80), 0);
  if (characters >= PASSPHRASE_CHARACTERS_MIN) return normalized;
  wipe(normalized);
  throw keystoreError("passphrase-too-short", { characters, min: PASSPHRASE_CHARACTERS_MIN });
}

/** By way of a string, which cannot be wiped: better than to lock somebody out who changed the keyboard. */
function compose(passphrase: Uint8Array): Uint8Array {
  try {
    return new TextEncoder().encode(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(passphrase).normalize("NFC"),
    );
  } catch {
    throw keystoreError("passphrase-not-one-line");
  }
}

export interface PassphraseRequest {
  /** `--passphrase-file`. */
  readonly file?: string | undefined;
  /** `process.env`: the variable is deleted from it, whether it is used or not. */
  readonly environment: Environment;
  /** Asked last; left out where there is none. */
  readonly terminal?: Terminal | undefined;
  /** The question, and for a new passphrase the demand to repeat it. */
  readonly prompt: string;
  readonly repeatPrompt?: string;
}

export interface FoundPassphrase {
  /** For the caller to wipe. */
  readonly passphrase: Uint8Array;
  readonly source: "file" | "variable" | "credential" | "terminal";
  readonly warnings: readonly KeystoreWarning[];
}

/**
 * The passphrase from the first of: the file, the variable, the systemd credential, the terminal. One line end at its end is
 * not part of it. Throws `ProtocolError("passphrase-needed")` with the ways to give one when there is none of these.
 */
export async function findPassphrase(request: PassphraseRequest): Promise<FoundPassphrase> {
  const { file, environment, terminal, prompt, repeatPrompt } = request;
  const inVariable = takeVariable(environment);
  if (file !== undefined) {
    if (inVariable !== undefined) wipe(inVariable);
    return readPassphraseFile(file);
  }
  if (inVariable !== undefined) return { passphrase: withoutLineEnd(inVariable), source: "variable", warnings: [] };
  const credential = await readCredential(environment, PASSPHRASE_CREDENTIAL);
  if (credential !== undefined) {
    return { passphrase: withoutLineEnd(credential), source: "credential", warnings: [] };
  }
  if (terminal !== undefined) {
    return { passphrase: await promptPassphrase(terminal, prompt, repeatPrompt), source: "terminal", warnings: [] };
  }
  throw keystoreError("passphrase-needed", {
    option: "--passphrase-file",
    variable: PASSPHRASE_VARIABLE,
    credential: PASSPHRASE_CREDENTIAL,
  });
}

/**
 * Later children and readers of `process.env` do not find it. The block that the system gave this process at its start stays
 * readable for this user (/proc/PID/environ on Linux): a file or a credential is the better way.
 */
function takeVariable(environment: Environment): Uint8Array | undefined {
  const value = environment[PASSPHRASE_VARIABLE];
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- undefined would become the text "undefined"
  delete environment[PASSPHRASE_VARIABLE];
  return value === undefined || value === "" ? undefined : new TextEncoder().encode(value);
}

async function readPassphraseFile(path: string): Promise<FoundPassphrase> {
  try {
    const file = await open(path, "r");
    try {
      const found = await file.stat();
      const isOpen = process.platform !== "win32" && found.isFile() && (found.mode & 0o077) !== 0;
      const params = { file: path, mode: (found.mode & 0o777).toString(8) };
      const warnings: KeystoreWarning[] = isOpen ? [{ code: "passphrase-file-open", params }] : [];
      return { passphrase: withoutLineEnd(await readUpToMax(file)), source: "file", warnings };
    } finally {
      await file.close();
    }
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? "unknown";
    throw keystoreError("file-failed", { operation: "read", file: path, errno });
  }
}

/** Reads on where a pipe gives less at once. */
async function readUpToMax(file: FileHandle): Promise<Uint8Array> {
  // A line end of two bytes and one byte more than is allowed.
  const buffer = new Uint8Array(PASSPHRASE_BYTES_MAX + 3);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  const content = buffer.slice(0, length);
  wipe(buffer);
  return content;
}

/** Wipes `content`. */
function withoutLineEnd(content: Uint8Array): Uint8Array {
  let end = content.length;
  if (content[end - 1] === 0x0a) end--;
  if (end < content.length && content[end - 1] === 0x0d) end--;
  const passphrase = content.slice(0, end);
  wipe(content);
  return passphrase;
}
