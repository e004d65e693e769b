import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { sized, toHex } from "../bytes.ts";
import { agentKeyLabel, deriveMasterSeed, deriveRoleSeeds, deriveSeed, hkdfExpand, wipeRoleSeeds } from "./kdf.ts";

const { crypto } = loadCrypto();
const anyMasterSeed = fc.uint8Array({ minLength: 64, maxLength: 64 }).map((bytes) => sized(bytes, 64));
const masterSeed = sized(new Uint8Array(64).fill(3), 64);

test("the entropy of all zeros gives the master seed that the protocol binds", () => {
  expect(toHex(deriveMasterSeed(crypto, sized(new Uint8Array(32), 32)))).toBe(
    "38a1421ac3ce191fbdc46b1cca266a9d72d22320fb38bda6a3df90a1ead664a78951703197be882ace38e0f557a492a8e9ff5e3c02290a8eecf5939468708edb",
  );
});

describe("role seeds", () => {
  test("of one master seed differ from each other and are the same every time", () => {
    fc.assert(
      fc.property(anyMasterSeed, (seed) => {
        const seeds = deriveRoleSeeds(crypto, seed);
        expect(deriveRoleSeeds(crypto, seed)).toEqual(seeds);
        const starts = Object.values(seeds).map((role: Uint8Array) => toHex(role.subarray(0, 32)));
        expect(new Set(starts).size).toBe(4);
      }),
    );
  });

  test("are zeros after wiping", () => {
    const seeds = deriveRoleSeeds(crypto, masterSeed);
    wipeRoleSeeds(seeds);
    expect(Object.values(seeds).every((seed: Uint8Array) => seed.every((byte) => byte === 0))).toBe(true);
  });
});

describe("the label of an agent's key", () => {
  test("holds the name, and the machine where one is given", () => {
    expect(agentKeyLabel("juno")).toBe("mt-agent-juno-key");
    expect(agentKeyLabel("helper", 999)).toBe("mt-agent-helper-instance-999-key");
    expect(deriveSeed(crypto, masterSeed, agentKeyLabel("helper", 1), 32)).not.toEqual(
      deriveSeed(crypto, masterSeed, agentKeyLabel("helper"), 32),
    );
  });

  test.each(["a", "", "a".repeat(33), "Juno", "ju no", "jüno", "juno\n", "a.b"])("refuses the name %j", (name) => {
    expect(() => agentKeyLabel(name)).toThrow("invalid-agent-name");
  });

  test.each(["helper-instance-1", "helper-instance-999"])("refuses %j, whose key would be an instance's", (name) => {
    expect(() => agentKeyLabel(name)).toThrow("invalid-agent-name");
  });

  test.each([0, 1000, 1.5, -1, Number.NaN])("refuses the instance %j", (instance) => {
    expect(() => agentKeyLabel("juno", instance)).toThrow("invalid-agent-instance");
  });
});

describe("HKDF-Expand", () => {
  const prk = new Uint8Array(32).fill(1);
  const info = new Uint8Array([1, 2, 3]);

  test("gives a shorter output as the beginning of a longer one", () => {
    const longest = hkdfExpand(crypto, prk, info, 8160);
    fc.assert(
      fc.property(fc.nat(8160), (length) => {
        expect(hkdfExpand(crypto, prk, info, length)).toEqual(longest.subarray(0, length));
      }),
      { numRuns: 20 },
    );
  });

  test("refuses more than 255 blocks and leaves its inputs as they are", () => {
    expect(() => hkdfExpand(crypto, prk, info, 8161)).toThrow("length-too-large");
    expect([prk[0], ...info]).toEqual([1, 1, 2, 3]);
  });
});
