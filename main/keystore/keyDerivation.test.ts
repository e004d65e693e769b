import { expect, test } from "vitest";

import { sized, toHex } from "../protocol/bytes.ts";
import { deriveMasterSeed } from "../protocol/identity/kdf.ts";
import { keystoreContext } from "./context.ts";
import { deriveOnThreads } from "./keyDerivation.ts";
import { ARGON2_DEFAULT } from "./keyFile.ts";
import { CHEAP, codeOf, crypto, freshPath, utf8 } from "./keystore.fixture.ts";

const derivation = { ...CHEAP, salt: new Uint8Array(32).fill(4) };

test("a thread derives what this one would, and leaves the caller's secret alone", async () => {
  const threads = deriveOnThreads();
  const passphrase = Buffer.from("correct horse");
  const key = await threads.passphraseKey(passphrase, derivation);
  expect(toHex(key)).toBe(toHex(crypto.argon2id(passphrase, derivation.salt, { ...CHEAP, length: 32 })));
  expect(passphrase.toString()).toBe("correct horse");

  const entropy = sized(new Uint8Array(32).fill(6), 32);
  expect(toHex(await threads.masterSeed(entropy))).toBe(toHex(deriveMasterSeed(crypto, entropy)));
  expect(entropy[0]).toBe(6);
});

test("the event loop turns while a thread derives", async () => {
  let turns = 0;
  const counting = setInterval(() => turns++, 1);
  await deriveOnThreads().masterSeed(sized(new Uint8Array(32), 32));
  clearInterval(counting);
  expect(turns).toBeGreaterThan(10);
});

test("a thread that dies is an error without what it worked on", async () => {
  const impossible = { ...derivation, memoryKib: 1 };
  expect(await codeOf(() => deriveOnThreads().passphraseKey(utf8("correct horse"), impossible))).toBe(
    "derivation-failed",
  );
});

test("new passphrases cost at least what OWASP asks for", async () => {
  expect(ARGON2_DEFAULT.memoryKib * ARGON2_DEFAULT.passes).toBeGreaterThanOrEqual(19_456 * 2);
  const { argon2 } = keystoreContext({ directory: await freshPath(), crypto });
  expect(argon2).toEqual(ARGON2_DEFAULT);
});

test("cryptography that gives wrong results opens no identity", async () => {
  const broken = { ...crypto, sha256: () => crypto.sha256(new Uint8Array(1)) };
  const directory = await freshPath();
  expect(await codeOf(() => keystoreContext({ directory, crypto: broken }))).toBe("self-test-failed");
});
