/** Rules R1 and R2 of all signed objects (chapter 01 §4.12, §6 property 7). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { concatBytes, sized } from "../bytes.ts";
import { decode } from "../codec/codec.ts";
import { MLDSA_SIGNATURE_SIZE } from "../crypto.ts";
import { taggedHash } from "../hash.ts";
import { bundledConfirmation, proposalHeader, vdfReveal } from "./consensus.ts";
import { nodeRegistration } from "./nodeRegistration.ts";
import { decodeOperation, operation } from "./operations.ts";
import type { Signed, SignedClass } from "./signed.ts";

const { crypto } = loadCrypto();
const { publicKey, secretKey } = crypto.mldsa65.generate(new Uint8Array(32).fill(8));

/** Class, its first bytes where they are fixed, length of its scope, whether every byte after them is free. */
const classes: [string, SignedClass<Signed>, number[], number][] = (
  [
    ["transfer", operation, [0x02], 113],
    ["creation", operation, [0x0a], 2067],
    ["key change", operation, [0x03], 2019],
    ["anchor", operation, [0x04], 129],
    ["registration", nodeRegistration, [0x11], 2035],
    ["reveal", vdfReveal, [], 72],
    ["header", proposalHeader, [], 413],
  ] as const
).map(([name, signedClass, start, length]) => [
  name,
  signedClass as unknown as SignedClass<Signed>,
  [...start],
  length,
]);

describe.each(classes)("a %s", (_, signedClass, start, scopeLength) => {
  const anyScope = fc
    .uint8Array({ minLength: scopeLength - start.length, maxLength: scopeLength - start.length })
    .map((rest) => concatBytes(new Uint8Array(start), rest));
  const objectOf = (scope: Uint8Array, signatureByte = 0) =>
    signedClass.decode(concatBytes(scope, new Uint8Array(MLDSA_SIGNATURE_SIZE).fill(signatureByte)));

  test("is signed over everything before the signature and named by its tagged hash", () => {
    fc.assert(
      fc.property(anyScope, (scope) => {
        const signed = signedClass.sign(crypto, secretKey, objectOf(scope));
        expect(signedClass.encode(signed)).toEqual(concatBytes(scope, crypto.mldsa65.sign(secretKey, scope)));
        expect(signedClass.verify(crypto, publicKey, signed)).toBe(true);
        expect(signedClass.identify(crypto, signed)).toEqual(taggedHash(crypto, signedClass.tag, scope));
      }),
      { numRuns: 5 },
    );
  });

  test("keeps its name under another signature and loses it with any byte of its scope", () => {
    fc.assert(
      fc.property(anyScope, fc.nat(), fc.integer({ min: 1, max: 255 }), (scope, position, change) => {
        const name = signedClass.identify(crypto, objectOf(scope));
        expect(signedClass.identify(crypto, objectOf(scope, change))).toEqual(name);
        const at = start.length + (position % (scopeLength - start.length));
        const changed = scope.with(at, scope[at]! ^ change);
        expect(signedClass.identify(crypto, objectOf(changed))).not.toEqual(name);
      }),
    );
  });
});

test("the scopes that one node key signs differ in length, however many hashes a bundle holds", () => {
  const lengths = classes.filter(([, , start]) => start.length === 0).map(([, , , length]) => length);
  const bundle = { endpoint: sized(new Uint8Array(32), 32), windowIndex: 1n, opHashes: [], revealHashes: [] };
  const bundleScope = bundledConfirmation.scope({ ...bundle, nodeId: sized(new Uint8Array(32), 32) as never });
  expect(bundleScope).toHaveLength(76);
  const others = [...lengths, 2035, 74, 88, 86, 32];
  expect(new Set(others).size).toBe(others.length);
  for (const length of others) expect(length < 76 || (length - 76) % 32 !== 0).toBe(true);
});

test("an operation is read by its first byte and refused at any other length", () => {
  const transfer = new Uint8Array(3422).with(0, 0x02);
  expect(decodeOperation(transfer).type).toBe(0x02);
  expect(() => decodeOperation(transfer.subarray(1))).toThrow("unknown-type");
  expect(() => decodeOperation(transfer.subarray(0, -1))).toThrow("bad-length");
  expect(() => decodeOperation(concatBytes(transfer, new Uint8Array(1)))).toThrow("bad-length");
  expect(() => decodeOperation(new Uint8Array())).toThrow("bad-length");
  expect(() => decode(operation.codec, transfer.with(0, 0x0b))).toThrow("unknown-type");
});
