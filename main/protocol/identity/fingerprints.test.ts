import fc from "fast-check";
import { expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { sized } from "../bytes.ts";
import { accountFingerprint, masterSeedFingerprint, recoveryFingerprint } from "./fingerprints.ts";
import { deriveKeys } from "./keys.ts";

const { crypto } = loadCrypto();

test("an account's fingerprint is six words that another key does not have", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.nat(7), (key, position) => {
      const words = accountFingerprint(crypto, key);
      expect(words).toHaveLength(6);
      expect(words.every((word) => /^[a-z]{3,8}$/.test(word))).toBe(true);
      expect(accountFingerprint(crypto, key.with(position, key[position]! ^ 1))).not.toEqual(words);
    }),
  );
});

test("a recovery fingerprint changes with each of the three public keys and with no secret", () => {
  const masterSeed = sized(new Uint8Array(64).fill(4), 64);
  const keys = deriveKeys(crypto, masterSeed);
  const fingerprint = recoveryFingerprint(crypto, keys);
  for (const name of ["account", "node", "appKem"] as const) {
    const publicKey = keys[name].publicKey.with(0, keys[name].publicKey[0]! ^ 1);
    expect(recoveryFingerprint(crypto, { ...keys, [name]: { publicKey } })).not.toEqual(fingerprint);
  }
  keys.account.secretKey.fill(0);
  expect(recoveryFingerprint(crypto, keys)).toEqual(fingerprint);
});

test("a master seed is named by 8 bytes", () => {
  expect(masterSeedFingerprint(crypto, sized(new Uint8Array(64), 64))).toHaveLength(8);
});
