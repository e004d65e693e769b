import fc from "fast-check";
import { expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { compareBytes, sized, type Bytes, type NodeId } from "../bytes.ts";
import { U128_MAX, U64_MAX } from "../codec/codec.ts";
import type { Signature } from "../crypto.ts";
import { bundledConfirmation, proposalHeader, vdfReveal } from "./consensus.ts";
import type { Signed, SignedClass } from "./signed.ts";

const { crypto } = loadCrypto();
const bytesOf = <N extends number>(length: N): fc.Arbitrary<Bytes<N>> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => sized(bytes, length));
const hash = bytesOf(32);
const nodeId = hash as fc.Arbitrary<NodeId>;
const signature: fc.Arbitrary<Signature> = fc.nat(255).map((byte) => sized(new Uint8Array(3309).fill(byte), 3309));
const u64 = fc.bigInt(0n, U64_MAX);
const hashes = fc.uniqueArray(hash, { maxLength: 4, selector: String }).map((list) => list.sort(compareBytes));

const reveal = fc.record({ nodeId, windowIndex: u64, endpoint: hash, signature });
const bundle = fc.record({
  nodeId,
  endpoint: hash,
  windowIndex: u64,
  opHashes: hashes,
  revealHashes: hashes,
  signature,
});
const header = fc.record({
  prevProposalHash: hash,
  windowIndex: u64,
  protocolVersion: fc.nat(2 ** 32 - 1),
  controlRoot: hash,
  nodeRoot: hash,
  candidateRoot: hash,
  accountRoot: hash,
  stateRoot: hash,
  timechainValue: hash,
  includedBundlesRoot: hash,
  includedRevealsRoot: hash,
  winnerEndpoint: hash,
  winnerId: nodeId,
  proposerNodeId: nodeId,
  target: fc.bigInt(0n, U128_MAX),
  fallbackDepth: fc.nat(255),
  signature,
});

interface ClassUnderTest<T extends Signed> {
  readonly signedClass: SignedClass<T>;
  readonly object: fc.Arbitrary<T>;
  readonly sizeOf: (object: T) => number;
}

test("a reveal is 3,381 bytes, survives its encoding, and is named without its signature", () => {
  checkClass({ signedClass: vdfReveal, object: reveal, sizeOf: () => 3381 });
});

test("a bundle is 3,385 bytes and 32 a hash, survives its encoding, and is named without its signature", () => {
  checkClass({
    signedClass: bundledConfirmation,
    object: bundle,
    sizeOf: ({ opHashes, revealHashes }) => 3385 + 32 * (opHashes.length + revealHashes.length),
  });
});

test("a header is 3,722 bytes, survives its encoding, and is named without its signature", () => {
  checkClass({ signedClass: proposalHeader, object: header, sizeOf: () => 3722 });
});

test("a bundle in another order has a scope, but is neither written nor read", () => {
  fc.assert(
    fc.property(bundle, hash, hash, (sorted, a, b) => {
      fc.pre(compareBytes(a, b) < 0);
      const ascending = { ...sorted, opHashes: [a, b] };
      const descending = { ...sorted, opHashes: [b, a] };
      expect(bundledConfirmation.scope(descending)).not.toEqual(bundledConfirmation.scope(ascending));
      expect(() => bundledConfirmation.encode(descending)).toThrow("non-canonical-order");
      const wire = bundledConfirmation.encode(ascending);
      wire.set(b, 74);
      wire.set(a, 106);
      expect(() => bundledConfirmation.decode(wire)).toThrow("non-canonical-order");
    }),
  );
});

function checkClass<T extends Signed>({ signedClass, object, sizeOf }: ClassUnderTest<T>): void {
  fc.assert(
    fc.property(object, signature, (value, other) => {
      const wire = signedClass.encode(value);
      expect(wire).toHaveLength(sizeOf(value));
      expect(signedClass.decode(wire)).toEqual(value);
      expect(signedClass.encode(signedClass.decode(wire))).toEqual(wire);
      expect(wire.subarray(0, wire.length - 3309)).toEqual(signedClass.scope(value));
      expect(signedClass.identify(crypto, { ...value, signature: other })).toEqual(signedClass.identify(crypto, value));
      expect(() => signedClass.decode(wire.subarray(0, -1))).toThrow("truncated");
      expect(() => signedClass.decode(new Uint8Array([...wire, 0]))).toThrow("trailing-bytes");
    }),
  );
}
