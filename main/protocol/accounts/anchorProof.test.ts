import { expect, test } from "vitest";

import { compareBytes, type Hash32 } from "../bytes.ts";
import { MONTANA_PARAMS } from "../genesis/montana.ts";
import { nodeIdOf, SUITE_MLDSA65 } from "../identity/ids.ts";
import { bundledConfirmation, type BundledConfirmation } from "../objects/consensus.ts";
import type { Anchor } from "../objects/operations.ts";
import { Weights } from "../quorum/weights.ts";
import { anchor, crypto, hashOf, held, keys } from "./accounts.fixture.ts";
import { countAttestation, verifyAnchor } from "./anchorProof.ts";

const document = anchor(0, hashOf("document")) as Anchor;
const { opHash } = held(document);
const timechainValue = hashOf("T");
const WINDOW = 900n;

const CHAIN_LENGTHS = [400n, 300n, 200n];
const confirmers = CHAIN_LENGTHS.map((chainLength, i) => ({
  nodeId: nodeIdOf(crypto, keys[i]!.publicKey),
  nodePubkey: keys[i]!.publicKey,
  suiteId: SUITE_MLDSA65,
  chainLength,
}));

function bundle(i: number, windowIndex = WINDOW, listed: readonly Hash32[] = [opHash]): BundledConfirmation {
  return bundledConfirmation.sign(crypto, keys[i]!.secretKey, {
    nodeId: confirmers[i]!.nodeId,
    endpoint: timechainValue,
    windowIndex,
    opHashes: [hashOf("another operation"), ...listed].sort(compareBytes),
    revealHashes: [],
  });
}

const count = (bundles: readonly BundledConfirmation[]) =>
  countAttestation(
    crypto,
    {
      opHash,
      window: WINDOW,
      timechainValue,
      nodes: { get: (id) => confirmers.find(({ nodeId }) => compareBytes(nodeId, id) === 0) },
      weights: new Weights(MONTANA_PARAMS, confirmers),
    },
    bundles,
  );

test("an anchor has an identifier only under the key that signed it", () => {
  expect(verifyAnchor(crypto, document, keys[0]!.publicKey)).toEqual(opHash);
  expect(verifyAnchor(crypto, document, keys[1]!.publicKey)).toBeUndefined();
});

test("bundles of quorum weight that list the anchor cement it", () => {
  expect(count([bundle(0), bundle(1)])).toEqual({
    bundleFailures: [undefined, undefined],
    weight: 700n,
    isCemented: true,
  });
  expect(count([bundle(0), bundle(2)])).toMatchObject({ weight: 600n, isCemented: false });
});

test("a node counts once, and only with a valid bundle of that window that lists the anchor", () => {
  expect(count([bundle(0), bundle(0), bundle(1, WINDOW - 1n), bundle(2, WINDOW, [])]).weight).toBe(400n);
  const forged = { ...bundle(1), signature: bundle(2).signature };
  expect(count([bundle(0), forged])).toEqual({
    bundleFailures: [undefined, "invalid-signature"],
    weight: 400n,
    isCemented: false,
  });
});
