import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect, promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";

import { sized } from "../protocol/bytes.ts";
import { deriveMasterSeed, deriveRoleSeeds } from "../protocol/identity/kdf.ts";
import { deriveKeys } from "../protocol/identity/keys.ts";
import { encodeMnemonic } from "../protocol/identity/mnemonic.ts";
import { importIdentity, restoreIdentity } from "./create.ts";
import { CURRENT } from "./generations.ts";
import { IdentityStore } from "./identityStore.ts";
import { contextAt, crypto, errorOf, freshPath, PASSPHRASE, quietly, utf8 } from "./keystore.fixture.ts";

const entropy = sized(
  new Uint8Array(32).map((_, i) => 17 * i + 3),
  32,
);
const phrase = encodeMnemonic(crypto, entropy);
const words = phrase.split(" ");
const masterSeed = deriveMasterSeed(crypto, entropy);
const seeds = deriveRoleSeeds(crypto, masterSeed);
const keys = deriveKeys(crypto, masterSeed);
const text = new TextDecoder().decode(PASSPHRASE);

let directory: string;
let store: IdentityStore;
let machineKey: Uint8Array;
beforeAll(async () => {
  directory = await freshPath();
  const context = contextAt(directory);
  store = await restoreIdentity(context, { mode: "recoverable", phrase: utf8(phrase), ...quietly() });
  const name = (await readdir(directory)).find((file) => file.startsWith("machine-"))!;
  machineKey = (await readFile(join(directory, name))).subarray(8, 40);
});

const compact = (output: string): string => output.replaceAll(/\s/g, "");

/** The first bytes of a secret in every form in which they could be written somewhere, without white space. */
function formsOf(secret: Uint8Array): string[] {
  const part = Buffer.from(secret).subarray(0, 12);
  return [part.toString("hex"), part.toString("base64").slice(0, 15), part.join(",")];
}

function secretForms(): string[] {
  const secrets = [
    entropy,
    masterSeed,
    ...[seeds.account, seeds.node, seeds.appKem, seeds.transport],
    // Bytes 32 on of an ML-DSA secret key are secret: ρ before them is public.
    keys.account.secretKey.subarray(32),
    keys.node.secretKey.subarray(32),
    keys.appKem.secretKey,
    machineKey,
  ];
  return [...secrets.flatMap(formsOf), text, words.slice(3, 5).join(""), "mistypedword", "wrongpassphrase"];
}

const leaksIn = (output: string): string[] => secretForms().filter((form) => compact(output).includes(compact(form)));

describe("no secret", () => {
  test("is in an error, however it is printed", async () => {
    const wrong = utf8("wrongpassphrase");
    const mistyped = utf8(words.with(5, "mistypedword").join(" "));
    const swapped = utf8(words.with(23, words[22]!).join(" "));
    const path = await freshPath("identity.bin");
    await store.exportIdentityFile(PASSPHRASE, path);
    const file = await readFile(path);
    file[9000]! ^= 1;
    await writeFile(path, file);
    const restoreFrom = async (typed: Uint8Array) =>
      restoreIdentity(contextAt(await freshPath()), { mode: "recoverable", phrase: typed, ...quietly() });
    const account = await store.unlock(PASSPHRASE);
    account.lock();
    const damaged = await freshPath();
    await restoreIdentity(contextAt(damaged), { mode: "recoverable", phrase: utf8(phrase), ...quietly() });
    const damagedStore = await IdentityStore.open(contextAt(damaged));
    await writeFile(join(damaged, CURRENT), (await readFile(join(damaged, CURRENT))).with(4000, 0));

    const failing: (() => unknown)[] = [
      () => store.unlock(wrong),
      () => store.showWords(wrong),
      () => store.changePassphrase(PASSPHRASE, wrong.subarray(0, 5)),
      () => store.changePassphrase(wrong, PASSPHRASE),
      () => store.exportIdentityFile(PASSPHRASE, path),
      () => store.exportIdentityFile(PASSPHRASE, join(path, "not", "there")),
      () => restoreFrom(mistyped),
      () => restoreFrom(swapped),
      () => restoreFrom(utf8(words.slice(1).join(" "))),
      () => restoreIdentity(contextAt(directory), { mode: "recoverable", phrase: utf8(phrase), ...quietly() }),
      async () => importIdentity(contextAt(await freshPath()), { path, ...quietly() }),
      () => account.account.signScope(utf8("x")),
      () => damagedStore.changePassphrase(PASSPHRASE, utf8("a new passphrase")),
    ];
    for (const run of failing) {
      const error = await errorOf(run);
      const printed = inspect(error, { depth: null, showHidden: true }) + JSON.stringify(error) + String(error.stack);
      expect(leaksIn(printed), error.code).toEqual([]);
    }
  });

  test("is in the objects that use it, however they are printed", async () => {
    const signer = await store.openNodeSigner();
    const account = await store.unlock(PASSPHRASE);
    const shown = await store.showWords(PASSPHRASE);
    for (const object of [store, signer, account, account.account, shown]) {
      expect(leaksIn(inspect(object, { depth: null, showHidden: true, maxArrayLength: null }))).toEqual([]);
      expect(leaksIn(JSON.stringify(object, (_, value: unknown) => (typeof value === "bigint" ? "" : value)))).toEqual(
        [],
      );
    }
    account.lock();
    signer.close();
  });

  test("is printed: a process that uses an identity says nothing at all", async () => {
    const child = fileURLToPath(new URL("keystore.child.fixture.ts", import.meta.url));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [child, "use", directory, text]);
    expect([stdout, stderr]).toEqual(["", ""]);
  });

  test("is lost in the search: the search finds them where they are", () => {
    expect(leaksIn(inspect({ masterSeed }, { depth: null, maxArrayLength: null }))).not.toEqual([]);
    expect(leaksIn(JSON.stringify({ entropy: Array.from(entropy) }))).not.toEqual([]);
    expect(leaksIn(Buffer.from(machineKey).toString("hex"))).not.toEqual([]);
    expect(leaksIn(phrase)).not.toEqual([]);
    expect(leaksIn(inspect(Buffer.from(seeds.node)))).not.toEqual([]);
  });
});
