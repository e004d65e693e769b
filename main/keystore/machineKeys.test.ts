import { spawnSync } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

import { equalBytes, toHex } from "../protocol/bytes.ts";
import { createIdentity } from "./create.ts";
import { IdentityStore } from "./identityStore.ts";
import { codeOf, contextAt, crypto, errorOf, freshPath, NOW_MS, PASSPHRASE, quietly } from "./keystore.fixture.ts";
import {
  credentialKeeper,
  fileKeeper,
  keychainKeeper,
  loadMachineKey,
  makeMachineKey,
  machineKeyIdOf,
  type KeychainEntry,
  type MachineKeyKeepers,
} from "./machineKeys.ts";

/**
 * A keychain as `@napi-rs/keyring` 2.1.2 documents it and as it was seen to behave on gnome-keyring: `getSecret` gives an
 * array of numbers or null, `deleteCredential` whether there was one.
 */
function memoryKeychain(): { entries: Map<string, number[]>; open: (account: string) => KeychainEntry } {
  const entries = new Map<string, number[]>();
  const open = (account: string): KeychainEntry => ({
    setSecret: (secret) => Promise.resolve(void entries.set(account, Array.from(secret))),
    getSecret: () => Promise.resolve(entries.get(account)?.slice() ?? null),
    deleteCredential: () => Promise.resolve(entries.delete(account)),
  });
  return { entries, open };
}

const failing =
  (text: string): ((account: string) => KeychainEntry) =>
  () => ({
    setSecret: () => Promise.reject(new Error(text)),
    getSecret: () => Promise.reject(new Error(text)),
    deleteCredential: () => Promise.reject(new Error(text)),
  });

async function keepers(openEntry = failing("no bus"), credentials?: string): Promise<MachineKeyKeepers> {
  const directory = await freshPath();
  await mkdir(directory, { mode: 0o700 });
  return {
    keychain: keychainKeeper(crypto, openEntry),
    credential: credentialKeeper({ CREDENTIALS_DIRECTORY: credentials }),
    file: fileKeeper(crypto, directory),
  };
}

async function credentialDirectory(content: Uint8Array | string): Promise<string> {
  const directory = await freshPath("credentials");
  await mkdir(directory);
  await writeFile(join(directory, "montana-machine-key"), content);
  return directory;
}

describe("the machine key", () => {
  test("goes to the credential that the operator set, else to a keychain that works, else to a file", async () => {
    const { open, entries } = memoryKeychain();
    const credentials = await credentialDirectory(new Uint8Array(32).fill(9));

    const first = await makeMachineKey(crypto, await keepers(open, credentials), "auto");
    expect([first.machineKey.kind, first.warnings, entries.size]).toEqual(["credential", [], 0]);
    const second = await makeMachineKey(crypto, await keepers(open), "auto");
    expect([second.machineKey.kind, second.warnings, entries.size]).toEqual(["keychain", [], 1]);
    const third = await makeMachineKey(crypto, await keepers(), "auto");
    expect(third.machineKey.kind).toBe("file");
    expect(third.warnings).toEqual([{ code: "keychain-unavailable", params: { kind: "keychain", step: "write" } }]);
  });

  test("that is wanted from one keeper comes from no other", async () => {
    expect(await codeOf(async () => makeMachineKey(crypto, await keepers(), "keychain"))).toBe(
      "machine-key-unavailable",
    );
    expect(await codeOf(async () => makeMachineKey(crypto, await keepers(), "credential"))).toBe("machine-key-missing");
  });

  test.each(["keychain", "credential", "file"] as const)(
    "comes back from the %s, and only by its name",
    async (kind) => {
      const all = await keepers(memoryKeychain().open, await credentialDirectory(`${"0a".repeat(32)}\n`));
      const { machineKey } = await makeMachineKey(crypto, all, kind);
      const loaded = await loadMachineKey(crypto, all, kind, machineKey.id);
      expect(equalBytes(loaded.key, machineKey.key)).toBe(true);
      const otherId = machineKeyIdOf(crypto, new Uint8Array(32));
      const expected = kind === "credential" ? "machine-key-mismatch" : "machine-key-missing";
      expect(await codeOf(() => loadMachineKey(crypto, all, kind, otherId))).toBe(expected);

      await all[kind].remove(machineKey.id);
      await all[kind].remove(machineKey.id);
      if (kind !== "credential") {
        expect(await codeOf(() => loadMachineKey(crypto, all, kind, machineKey.id))).toBe("machine-key-missing");
      }
    },
  );

  test("is not trusted to a keychain that gives back something else", async () => {
    const { open } = memoryKeychain();
    const forgetful = (account: string): KeychainEntry => ({
      ...open(account),
      getSecret: () => Promise.resolve(null),
    });
    const { code, params } = await errorOf(async () => makeMachineKey(crypto, await keepers(forgetful), "keychain"));
    expect([code, params["step"]]).toEqual(["machine-key-unavailable", "verify"]);
  });

  test("is nowhere in the error of a keychain that quotes it", async () => {
    const quoting = (): KeychainEntry => ({
      ...failing("")(""),
      setSecret: (secret) => Promise.reject(new Error(`cannot store ${toHex(secret)}`)),
    });
    const error = await errorOf(async () => makeMachineKey(crypto, await keepers(quoting), "keychain"));
    expect(error.message + JSON.stringify(error.params) + String(error.cause)).not.toMatch(/[0-9a-f]{16}/);
  });

  test.each(["too short", "0a".repeat(31), "zz".repeat(32), new Uint8Array(33)])(
    "is not read from a credential of another form",
    async (content) => {
      const all = await keepers(undefined, await credentialDirectory(content));
      const { code, params } = await errorOf(() => makeMachineKey(crypto, all, "auto"));
      expect([code, params["step"]]).toEqual(["machine-key-unavailable", "parse"]);
    },
  );
});

describe("an identity", () => {
  test("moves its node part from one keeper to another, and leaves nothing with the first", async () => {
    const { open, entries } = memoryKeychain();
    const directory = await freshPath();
    const context = contextAt(directory);
    const all = { ...context.keepers, keychain: keychainKeeper(crypto, open) };
    const store = await createIdentity(
      { ...context, keepers: all },
      { mode: "ephemeral", passphrase: PASSPHRASE, nowMs: NOW_MS },
    );
    expect([store.summary.machineKey, entries.size, store.warnings]).toEqual(["keychain", 1, []]);

    await store.renewMachineKey(PASSPHRASE, "file");
    expect([store.summary.machineKey, entries.size]).toEqual(["file", 0]);
    const again = await IdentityStore.open(contextAt(directory));
    (await again.openNodeSigner()).close();
    const machineFiles = async () => (await readdir(directory)).filter((name) => name.startsWith("machine-"));
    const [first] = await machineFiles();
    await again.renewMachineKey(PASSPHRASE, "file");
    expect(await machineFiles()).toEqual([expect.not.stringMatching(first!)]);
  });

  test("whose keychain is gone says so, and the passphrase helps", async () => {
    const { open, entries } = memoryKeychain();
    const directory = await freshPath();
    const context = contextAt(directory);
    const all = { ...context.keepers, keychain: keychainKeeper(crypto, open) };
    await createIdentity({ ...context, keepers: all }, { ...quietly(), mode: "ephemeral", machineKey: "keychain" });
    entries.clear();
    const store = await IdentityStore.open({ ...context, keepers: all });
    expect(await codeOf(() => store.openNodeSigner())).toBe("machine-key-missing");
    const locked = await IdentityStore.open({
      ...context,
      keepers: { ...all, keychain: keychainKeeper(crypto, failing("locked")) },
    });
    expect(await codeOf(() => locked.openNodeSigner())).toBe("machine-key-unavailable");
    await locked.renewMachineKey(PASSPHRASE, "file");
    (await locked.openNodeSigner()).close();
  });
});

describe("the real keychain", () => {
  const probe = (command: string, environment: NodeJS.ProcessEnv, ...prefix: string[]): string => {
    const child = fileURLToPath(new URL("keychain.child.fixture.ts", import.meta.url));
    const [program, ...rest] = [...prefix, process.execPath, child, command];
    return spawnSync(program, rest, { env: environment, encoding: "utf8", timeout: 60_000 }).stdout;
  };

  test.runIf(process.platform === "linux")(
    "that does not answer is an error of its own, without a fall to the kernel's",
    () => {
      const environment = { PATH: process.env["PATH"] };
      expect(probe("make", environment)).toBe("machine-key-unavailable write\n");
    },
  );

  const has = (name: string): boolean => spawnSync("sh", ["-c", `command -v ${name}`]).status === 0;
  const hasSecretService = process.platform === "linux" && has("dbus-run-session") && has("gnome-keyring-daemon");
  test.runIf(hasSecretService)("keeps the key between processes and forgets it (needs gnome-keyring)", async () => {
    const home = dirname(await freshPath());
    const environment = { ...process.env, HOME: home, XDG_RUNTIME_DIR: home, XDG_DATA_HOME: home };
    const script =
      "printf test | gnome-keyring-daemon --unlock --components=secrets --foreground >/dev/null 2>&1 & daemon=$!; " +
      '"$@"; kill $daemon';
    expect(probe("roundtrip", environment, "dbus-run-session", "--", "sh", "-c", script, "sh")).toBe(
      "made loaded removed missing\n",
    );
  });
});
