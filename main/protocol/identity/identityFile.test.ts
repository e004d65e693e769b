import { describe, expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { sized, toHex } from "../bytes.ts";
import { accountIdOf, nodeIdOf, SUITE_MLDSA65 } from "./ids.ts";
import {
  decodeIdentityFile,
  encodeIdentityFile,
  findKeyMismatch,
  makeEphemeral,
  type RecoverableIdentity,
} from "./identityFile.ts";
import { deriveRoleSeeds } from "./kdf.ts";
import { deriveKeys, generateKeys, wipeKeys } from "./keys.ts";

const { crypto } = loadCrypto();

function recoverable(): RecoverableIdentity {
  const masterSeed = sized(new Uint8Array(64).fill(9), 64);
  return { mode: "recoverable", masterSeed, keys: deriveKeys(crypto, masterSeed) };
}
const v1 = encodeIdentityFile(recoverable());
const v2 = encodeIdentityFile(makeEphemeral(recoverable()));

/** Offsets of version 1 (chapter 01 §3.6). */
const OFFSET = {
  accountPublic: 75,
  accountSecret: 2027,
  nodePublic: 6059,
  nodeSecret: 8011,
  kemPublic: 12043,
  kemSecret: 13227,
};

function flipped(file: Uint8Array, offset: number): Uint8Array {
  return file.with(offset, file[offset]! ^ 1);
}

describe("an identity", () => {
  test("has the same keys every time, of the master seed or of its role seeds", () => {
    const { masterSeed, keys } = recoverable();
    expect(deriveKeys(crypto, masterSeed)).toEqual(keys);
    expect(generateKeys(crypto, deriveRoleSeeds(crypto, masterSeed))).toEqual(keys);
  });

  test("has different names for its account and its node, even for the same key", () => {
    const { publicKey } = recoverable().keys.account;
    expect(accountIdOf(crypto, SUITE_MLDSA65, publicKey)).not.toEqual(nodeIdOf(crypto, publicKey));
    expect(recoverable().keys.node.publicKey).not.toEqual(publicKey);
  });

  test("keeps its public keys when its secrets are wiped", () => {
    const { keys } = recoverable();
    const publicKey = keys.node.publicKey.slice();
    wipeKeys(keys);
    expect(keys.node.publicKey).toEqual(publicKey);
    for (const secret of [keys.account.secretKey, keys.node.secretKey, keys.appKem.secretKey, keys.transportSeed]) {
      expect(secret.every((byte) => byte === 0)).toBe(true);
    }
  });
});

describe("an identity file", () => {
  test("gives back what was saved, in both versions", () => {
    expect(decodeIdentityFile(crypto, v1)).toEqual(recoverable());
    expect(decodeIdentityFile(crypto, v2)).toEqual({ mode: "ephemeral", keys: recoverable().keys });
    expect(encodeIdentityFile(decodeIdentityFile(crypto, v1))).toEqual(v1);
    expect(encodeIdentityFile(decodeIdentityFile(crypto, v2))).toEqual(v2);
  });

  test("differs between the versions in the version byte, the master seed and the transport seed only", () => {
    expect([v1.length, v2.length]).toEqual([15_627, 15_595]);
    expect([toHex(v1.subarray(0, 11)), toHex(v2.subarray(0, 11))]).toEqual([
      "6d6f6e74616e6131010100",
      "6d6f6e74616e6131020100",
    ]);
    expect(v1.subarray(75)).toEqual(v2.subarray(11, -32));
    expect(v1.subarray(11, 75)).toEqual(recoverable().masterSeed);
    expect(v2.subarray(-32)).toEqual(recoverable().keys.transportSeed);
  });

  test("made ephemeral keeps the keys and erases the master seed from memory", () => {
    const identity = recoverable();
    const ephemeral = makeEphemeral(identity);
    expect(ephemeral.keys).toEqual(recoverable().keys);
    expect(identity.masterSeed.every((byte) => byte === 0)).toBe(true);
  });

  test("is refused for its first fault in the order of the chapter", () => {
    const faults: [Uint8Array, string][] = [
      [flipped(v1, 0).subarray(0, 10), "corrupted-size"],
      [flipped(v1, 0).with(8, 3).subarray(0, 11), "invalid-magic"],
      [v1.with(8, 3).with(9, 2).subarray(0, 11), "unsupported-version"],
      [v1.with(9, 2).subarray(0, -1), "corrupted-size"],
      [v1.with(8, 2), "corrupted-size"],
      [v2.with(8, 1), "corrupted-size"],
      [v1.with(9, 2), "unsupported-suite"],
      [v2.with(9, 0).with(10, 1), "unsupported-suite"],
    ];
    for (const [file, code] of faults) expect(() => decodeIdentityFile(crypto, file)).toThrow(code);
  });
});

describe("keys that do not belong together", () => {
  const mismatchIn = (file: Uint8Array) => findKeyMismatch(crypto, decodeIdentityFile(crypto, file));

  test("are not reported where they do", () => {
    expect(mismatchIn(v1)).toBeUndefined();
    expect(mismatchIn(v2)).toBeUndefined();
  });

  test.each(["accountPublic", "accountSecret", "nodePublic", "nodeSecret", "kemPublic", "kemSecret"] as const)(
    "are found by a single bit of %s, in both versions",
    (part) => {
      const key = part.startsWith("account") ? "account" : part.startsWith("node") ? "node" : "appKem";
      expect(mismatchIn(flipped(v1, OFFSET[part]))).toBe(key);
      // Bytes 200 on of a secret key are covered in version 2 as well: s1 of ML-DSA, ŝ of ML-KEM.
      expect(mismatchIn(flipped(v2, OFFSET[part] - 64 + 200))).toBe(key);
    },
  );

  test("are found in version 1 even where the key alone cannot show it: K of ML-DSA, z of ML-KEM", () => {
    const k = OFFSET.accountSecret + 32;
    const z = OFFSET.kemSecret + 2399;
    expect(mismatchIn(flipped(v1, k))).toBe("account");
    expect(mismatchIn(flipped(v1, z))).toBe("appKem");
    expect(mismatchIn(flipped(v2, k - 64))).toBeUndefined();
    expect(mismatchIn(flipped(v2, z - 64))).toBeUndefined();
  });

  test("are found when the master seed is another one", () => {
    expect(mismatchIn(flipped(v1, 11))).toBe("account");
  });
});
