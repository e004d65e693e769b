import fc from "fast-check";
import { expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { sized, toHex, type Hash32 } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { genesisTimechainValue } from "./genesisValue.ts";
import { vdfStep, vdfVerify } from "./vdf.ts";

const { crypto } = loadCrypto();
const value = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => sized(bytes, 32));
const iterations = fc.bigInt(0n, 40n);

test("the TimeChain starts at the value that every implementation knows", () => {
  expect(toHex(genesisTimechainValue(crypto))).toBe("0619a36fd8b606aa6d6a799c1fac31e1187302a23484e7516b12122cbe49ebc3");
});

test("a window cut anywhere gives the value of the whole window", () => {
  fc.assert(
    fc.property(value, iterations, iterations, (start, a, b) => {
      expect(vdfStep(crypto, vdfStep(crypto, start, a), b)).toEqual(vdfStep(crypto, start, a + b));
    }),
  );
});

test("no iterations leave the value as it is", () => {
  const start = sized(new Uint8Array(32).fill(9), 32);
  expect(vdfStep(crypto, start, 0n)).toEqual(start);
});

test("one flipped bit of the input changes the output", () => {
  fc.assert(
    fc.property(value, iterations, fc.nat(255), (start, count, bit) => {
      const flipped = sized(start.slice(), 32);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(vdfStep(crypto, flipped, count)).not.toEqual(vdfStep(crypto, start, count));
    }),
  );
});

test("a claim is valid exactly when it is the value after all iterations", () => {
  fc.assert(
    fc.property(value, iterations, iterations, (start, count, claimed) => {
      expect(vdfVerify(crypto, start, count, vdfStep(crypto, start, claimed))).toBe(count === claimed);
    }),
  );
});

test("a window longer than one call of the primitive takes is split into calls", () => {
  const calls: number[] = [];
  const counting = {
    sha256Chain(state: Uint8Array, count: number): Hash32 {
      calls.push(count);
      return sized(state, 32);
    },
  } as Crypto;
  vdfStep(counting, sized(new Uint8Array(32), 32), 2n ** 31n + 5n);
  expect(calls).toEqual([2 ** 30, 2 ** 30, 5]);
});
