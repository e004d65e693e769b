/** What the tests of this room share: directories of their own, passphrases, and the least costly accepted Argon2id. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

import { loadCrypto } from "../native/index.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { deriveMasterSeed } from "../protocol/identity/kdf.ts";
import { keystoreContext, type KeystoreContext } from "./context.ts";
import type { NewIdentity } from "./create.ts";
import type { KeystoreWarning } from "./errors.ts";

export const { crypto } = loadCrypto();
export const CHEAP = { memoryKib: 19_456, passes: 2, lanes: 1 };
export const NOW_MS = 1_800_000_000_000;

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const PASSPHRASE = utf8("correct horse battery");
export const OTHER_PASSPHRASE = utf8("staple the other one");

/** The machine key in a file: tests never touch the keychain of who runs them, unless they say so. */
export const quietly = (passphrase = PASSPHRASE): NewIdentity => ({ passphrase, nowMs: NOW_MS, machineKey: "file" });

const made: string[] = [];
afterAll(async () => {
  for (const directory of made) await rm(directory, { recursive: true, force: true });
});

/** A path in a fresh directory, removed after the file's tests. */
export async function freshPath(name = "identity"): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "montana-keystore-"));
  made.push(directory);
  return join(directory, name);
}

/** As the program has it, its derivations on threads. */
export function programContextAt(directory: string): KeystoreContext {
  return keystoreContext({ directory, crypto, environment: {}, argon2: CHEAP });
}

/** The same with the derivations on this thread: starting one takes longer than what it does here. */
export function contextAt(directory: string): KeystoreContext {
  return {
    ...programContextAt(directory),
    derivation: {
      passphraseKey: (passphrase, { salt, ...cost }) =>
        Promise.resolve(crypto.argon2id(passphrase, salt, { ...cost, length: 32 })),
      masterSeed: (entropy) => Promise.resolve(deriveMasterSeed(crypto, entropy)),
    },
  };
}

/** The error that `run` ends with; anything but a ProtocolError is the test's own failure. */
export async function errorOf(run: () => unknown): Promise<ProtocolError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof ProtocolError) return error as ProtocolError;
    throw error;
  }
  throw new Error("nothing was thrown");
}

export async function codeOf(run: () => unknown): Promise<string> {
  return (await errorOf(run)).code;
}

export const codesIn = (warnings: readonly KeystoreWarning[]): string[] => warnings.map(({ code }) => code);

/** All bytes of all files in a directory. */
export async function bytesIn(directory: string): Promise<Buffer> {
  const names = await readdir(directory);
  return Buffer.concat(await Promise.all(names.map((name) => readFile(join(directory, name)))));
}
