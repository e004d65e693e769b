import fc from "fast-check";
import { expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { sized, type NodeId } from "../bytes.ts";
import { candidateVdfInit, checkCandidateChain, extendCandidateChain } from "./candidateChain.ts";
import { vdfStep } from "./vdf.ts";

const { crypto } = loadCrypto();
const value = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => sized(bytes, 32));
const few = fc.bigInt(0n, 8n);

test("a chain is a VDF step for each of its segments", () => {
  fc.assert(
    fc.property(value, few, fc.nat(8), (init, d, segments) => {
      let expected = init;
      for (let i = 0; i < segments; i++) expected = vdfStep(crypto, expected, d);
      expect(extendCandidateChain(crypto, init, d, BigInt(segments))).toEqual(expected);
    }),
  );
});

test("an extension continues from the endpoint of the shorter chain", () => {
  fc.assert(
    fc.property(value, few, few, few, (init, d, first, more) => {
      const extended = extendCandidateChain(crypto, extendCandidateChain(crypto, init, d, first), d, more);
      expect(extended).toEqual(extendCandidateChain(crypto, init, d, first + more));
    }),
  );
});

test("a chain is checked as long as it stays within the budget of hashes", () => {
  const init = candidateVdfInit(crypto, sized(new Uint8Array(32), 32), sized(new Uint8Array(32), 32), id(1));
  const claim = { init, d: 10n, segments: 5n, endpoint: vdfStep(crypto, init, 50n) };
  expect(checkCandidateChain(crypto, claim, 50n)).toBe("valid");
  expect(checkCandidateChain(crypto, { ...claim, segments: 4n }, 50n)).toBe("invalid");
  expect(checkCandidateChain(crypto, claim, 49n)).toBe("unverified");
});

test("chains of two nodes start apart", () => {
  const zeros = sized(new Uint8Array(32), 32);
  expect(candidateVdfInit(crypto, zeros, zeros, id(1))).not.toEqual(candidateVdfInit(crypto, zeros, zeros, id(2)));
});

function id(byte: number): NodeId {
  return sized(new Uint8Array(32).fill(byte), 32) as NodeId;
}
