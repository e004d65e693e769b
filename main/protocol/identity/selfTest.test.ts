import { expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import type { Crypto } from "../crypto.ts";
import { findSelfTestFailure } from "./selfTest.ts";

const { crypto } = loadCrypto();
const { mldsa65 } = crypto;

test("the cryptography of this program passes the self-test", () => {
  expect(findSelfTestFailure(crypto)).toBeUndefined();
});

test("each kind of broken cryptography fails it by name", () => {
  const withSigning = (changes: Partial<Crypto["mldsa65"]>): Crypto => ({
    ...crypto,
    mldsa65: { ...mldsa65, ...changes },
  });
  const otherSeed = new Uint8Array(32).fill(1);
  let calls = 0;

  expect(findSelfTestFailure({ ...crypto, sha256: () => crypto.sha256(otherSeed) })).toBe("word-list");
  expect(findSelfTestFailure(withSigning({ generate: () => mldsa65.generate(otherSeed) }))).toBe("key-generation");
  expect(
    findSelfTestFailure(withSigning({ generate: (seed) => mldsa65.generate(calls++ === 0 ? seed : otherSeed) })),
  ).toBe("key-generation-not-repeatable");
  expect(findSelfTestFailure(withSigning({ verify: () => true }))).toBe("signature");
  expect(findSelfTestFailure(withSigning({ verify: () => false }))).toBe("signature");
});
