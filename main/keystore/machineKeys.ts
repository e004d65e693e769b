/**
 * Where the machine keeps the key that opens the node part, so that a node runs while nobody is there. Three keepers, from
 * the best to the least:
 *
 * - "keychain": the OS keychain (macOS Keychain, Windows Credential Manager, Secret Service on Linux). Needs the person's
 *   session: a daemon that starts at boot finds it locked.
 * - "credential": a systemd credential, which the operator made and systemd decrypts for this service alone.
 * - "file": a 0600 file beside the key file. Protects a key file that leaves the machine without it (a backup of one file),
 *   and nothing against somebody who reads the directory.
 */
import { basename, join } from "node:path";
import { readdir } from "node:fs/promises";

import { AsyncEntry } from "@napi-rs/keyring";

import { wipe } from "../native/index.ts";
import { ascii, concatBytes, equalBytes, fromHex, toHex, type Bytes } from "../protocol/bytes.ts";
import { bytes, decode, encode, struct } from "../protocol/codec/codec.ts";
import type { Crypto } from "../protocol/crypto.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { keystoreError, type KeystoreWarning } from "./errors.ts";
import type { MachineKeyKind } from "./keyFile.ts";
import { readCredential, type Environment } from "./environment.ts";
import { readOwnerFile, removeOwnerFile, writeOwnerFile } from "./ownerFiles.ts";
import { random } from "./sealing.ts";

/** Names a machine key without revealing it; part of the keeper's entry and of the key file. */
export type MachineKeyId = Bytes<16>;

export interface MachineKey {
  readonly kind: MachineKeyKind;
  readonly id: MachineKeyId;
  /** 32 bytes, secret: for the caller to wipe. */
  readonly key: Uint8Array;
}

/** One keeper. Every method rejects with `ProtocolError("machine-key-unavailable")` when it does not answer. */
export interface MachineKeyKeeper {
  /** Keeps a key, new or its own, and gives it; `undefined` when this keeper cannot make one here. */
  make(): Promise<Uint8Array | undefined>;
  /** The kept key, a copy; `undefined` when it is not there. */
  load(id: MachineKeyId): Promise<Uint8Array | undefined>;
  /** Removes the kept key when it is there. */
  remove(id: MachineKeyId): Promise<void>;
}

export type MachineKeyKeepers = Readonly<Record<MachineKeyKind, MachineKeyKeeper>>;

const KEY_SIZE = 32;
/** The name of the systemd credential: 32 bytes, or 64 hex digits and perhaps a line end. */
export const MACHINE_KEY_CREDENTIAL = "montana-machine-key";

export function machineKeyIdOf(crypto: Crypto, key: Uint8Array): MachineKeyId {
  return crypto.sha256(concatBytes(ascii("montana-desktop machine key\0"), key)).slice(0, 16) as MachineKeyId;
}

/**
 * A machine key from the keeper `wanted`, or for "auto" from the best that works: a credential where the operator set one,
 * the keychain, a file. Throws `ProtocolError("machine-key-missing" | "machine-key-unavailable")` when `wanted` has none.
 */
export async function makeMachineKey(
  crypto: Crypto,
  keepers: MachineKeyKeepers,
  wanted: MachineKeyKind | "auto",
): Promise<{ readonly machineKey: MachineKey; readonly warnings: readonly KeystoreWarning[] }> {
  const warnings: KeystoreWarning[] = [];
  for (const kind of wanted === "auto" ? (["credential", "keychain", "file"] as const) : [wanted]) {
    try {
      const key = await keepers[kind].make();
      if (key !== undefined) return { machineKey: { kind, id: machineKeyIdOf(crypto, key), key }, warnings };
    } catch (error) {
      if (wanted !== "auto" || kind !== "keychain" || !isUnavailable(error)) throw error;
      warnings.push({ code: "keychain-unavailable", params: error.params });
    }
  }
  throw keystoreError("machine-key-missing", { kind: wanted });
}

/** The machine key that a key file names. Throws "machine-key-missing", "machine-key-unavailable", "machine-key-mismatch". */
export async function loadMachineKey(
  crypto: Crypto,
  keepers: MachineKeyKeepers,
  kind: MachineKeyKind,
  id: MachineKeyId,
): Promise<MachineKey> {
  const key = await keepers[kind].load(id);
  if (key === undefined) throw keystoreError("machine-key-missing", { kind });
  if (equalBytes(machineKeyIdOf(crypto, key), id)) return { kind, id, key };
  wipe(key);
  throw keystoreError("machine-key-mismatch", { kind });
}

function isUnavailable(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && error.code === "machine-key-unavailable";
}

// --- the OS keychain

const KEYCHAIN_SERVICE = "montana-desktop";
/** A keychain may ask the person; nobody answers on a server. */
const KEYCHAIN_TIMEOUT_MS = 60_000;

/** The calls of `@napi-rs/keyring` that are used here. */
export interface KeychainEntry {
  setSecret(secret: Uint8Array): Promise<void>;
  getSecret(): Promise<number[] | null>;
  deleteCredential(): Promise<boolean>;
}

/**
 * On Linux only the Secret Service will do: the library would otherwise fall back to the kernel's keyring in silence, which
 * forgets everything at the next boot.
 */
export function openKeychainEntry(account: string): KeychainEntry {
  return new AsyncEntry(KEYCHAIN_SERVICE, account, { linux: { store: "secret-service" } });
}

export function keychainKeeper(
  crypto: Crypto,
  openEntry: (account: string) => KeychainEntry = openKeychainEntry,
): MachineKeyKeeper {
  const call = async <T>(step: string, id: MachineKeyId, run: (entry: KeychainEntry) => Promise<T>): Promise<T> => {
    const settled = new AbortController();
    const timeout = new Promise<never>((_, reject) => {
      const timer = setTimeout(reject, KEYCHAIN_TIMEOUT_MS);
      settled.signal.addEventListener("abort", () => {
        clearTimeout(timer);
      });
    });
    try {
      return await Promise.race([run(openEntry(toHex(id))), timeout]);
    } catch {
      // The library's text is the platform's own and may hold anything: only the step is told.
      throw keystoreError("machine-key-unavailable", { kind: "keychain", step });
    } finally {
      settled.abort();
    }
  };
  const load = (id: MachineKeyId): Promise<Uint8Array | undefined> =>
    call("read", id, async (entry) => {
      const secret = await entry.getSecret();
      const key = secret === null ? undefined : Uint8Array.from(secret);
      secret?.fill(0);
      return key;
    });
  return {
    async make() {
      const key = random(KEY_SIZE);
      const id = machineKeyIdOf(crypto, key);
      await call("write", id, (entry) => entry.setSecret(key));
      const kept = await load(id);
      const isKept = kept !== undefined && equalBytes(machineKeyIdOf(crypto, kept), id);
      wipe(kept ?? key);
      if (!isKept) throw keystoreError("machine-key-unavailable", { kind: "keychain", step: "verify" });
      return key;
    },
    load,
    remove: (id) =>
      call("remove", id, async (entry) => {
        await entry.deleteCredential();
      }),
  };
}

// --- systemd

export function credentialKeeper(environment: Environment): MachineKeyKeeper {
  const load = async (): Promise<Uint8Array | undefined> => {
    const content = await readCredential(environment, MACHINE_KEY_CREDENTIAL);
    if (content === undefined) return undefined;
    const key = content.length === KEY_SIZE ? content.slice() : hexKey(content);
    wipe(content);
    if (key === undefined) throw keystoreError("machine-key-unavailable", { kind: "credential", step: "parse" });
    return key;
  };
  // The operator made it and the operator removes it.
  return { make: load, load, remove: () => Promise.resolve() };
}

function hexKey(content: Uint8Array): Uint8Array | undefined {
  const line = new TextDecoder("latin1").decode(content).trimEnd();
  return line.length === 2 * KEY_SIZE ? fromHex(line) : undefined;
}

// --- a file

const MACHINE_FILE = /^machine-[0-9a-f]{32}\.key$/;
const MAGIC = ascii("mtmach\r\n") as Bytes<8>;
const fileLayout = struct({ magic: bytes(8), key: bytes(KEY_SIZE), checksum: bytes(32) });

const fileNameOf = (id: MachineKeyId): string => `machine-${toHex(id)}.key`;

export function fileKeeper(crypto: Crypto, directory: string): MachineKeyKeeper {
  const pathOf = (id: MachineKeyId): string => join(directory, fileNameOf(id));
  return {
    async make() {
      const key = random(KEY_SIZE);
      const content = encode(fileLayout, { magic: MAGIC, key, checksum: fileChecksum(crypto, key) });
      await writeOwnerFile(pathOf(machineKeyIdOf(crypto, key)), content);
      wipe(content);
      return key;
    },
    async load(id) {
      const found = await readOwnerFile(pathOf(id), fileLayout.size);
      if (found === undefined) return undefined;
      const key = decodeFile(crypto, basename(pathOf(id)), found.bytes);
      wipe(found.bytes);
      return key;
    },
    remove: (id) => removeOwnerFile(pathOf(id)),
  };
}

/** Removes the machine key files in `directory` that no key file names, left by a run that was killed. */
export async function removeStrayMachineKeys(directory: string, named: readonly MachineKeyId[]): Promise<void> {
  const kept = new Set(named.map(fileNameOf));
  for (const name of await readdir(directory)) {
    if (MACHINE_FILE.test(name) && !kept.has(name)) await removeOwnerFile(join(directory, name));
  }
}

function decodeFile(crypto: Crypto, file: string, content: Uint8Array): Uint8Array {
  const damaged = (reason: string): ProtocolError => keystoreError("key-file-damaged", { file, reason });
  if (content.length !== fileLayout.size) throw damaged("size");
  const { magic, key, checksum } = decode(fileLayout, content);
  const reason = !equalBytes(magic, MAGIC)
    ? "magic"
    : equalBytes(checksum, fileChecksum(crypto, key))
      ? undefined
      : "checksum";
  if (reason === undefined) return key;
  wipe(key);
  throw damaged(reason);
}

function fileChecksum(crypto: Crypto, key: Uint8Array): Bytes<32> {
  return crypto.sha256(concatBytes(MAGIC, key));
}
