/**
 * Verifies the position of an Anchor without trusting a node (chapter 04 §4.14, steps 2, 4 and 5): the operation that the
 * bundles of a window attest, and by what weight. Steps 3, 6 and 7, the chain of headers and the TimeChain, are the caller's:
 * they say which Node Table and which T belong to the window.
 */
import { equalBytes, type Hash32 } from "../bytes.ts";
import type { Crypto, PublicKey } from "../crypto.ts";
import type { BundledConfirmation } from "../objects/consensus.ts";
import { operation, type Anchor } from "../objects/operations.ts";
import type { Weights } from "../quorum/weights.ts";
import { checkBundle, type BundleFailure } from "../validation/bundle.ts";
import type { NodeKeys } from "../validation/signer.ts";

export interface AnchorEvidence {
  readonly opHash: Hash32;
  readonly window: bigint;
  /** T of `window`. */
  readonly timechainValue: Hash32;
  /** The Node Table settled before `window`, and what its nodes weigh in it. */
  readonly nodes: NodeKeys;
  readonly weights: Weights;
}

export interface Attestation {
  /** What is wrong with each bundle on its own; undefined = nothing, though it may be of another window. */
  readonly bundleFailures: readonly (BundleFailure | undefined)[];
  /** Of the distinct nodes whose valid bundles of the window list the Anchor. */
  readonly weight: bigint;
  readonly isCemented: boolean;
}

/** `senderKey` is the key of the Anchor's sender in the state before the window. Gives the Anchor's identifier if it signed. */
export function verifyAnchor(crypto: Crypto, anchor: Anchor, senderKey: PublicKey): Hash32 | undefined {
  return operation.verify(crypto, senderKey, anchor) ? operation.identify(crypto, anchor) : undefined;
}

/** Counts the bundles that attest the Anchor; a node counts once, however many bundles of it there are. */
export function countAttestation(
  crypto: Crypto,
  evidence: AnchorEvidence,
  bundles: readonly BundledConfirmation[],
): Attestation {
  const { nodes, opHash, timechainValue, weights, window } = evidence;
  const bundleFailures = bundles.map((bundle) => checkBundle(crypto, bundle, nodes, timechainValue));
  const attesting = bundles.filter(
    (bundle, i) =>
      bundleFailures[i] === undefined &&
      bundle.windowIndex === window &&
      bundle.opHashes.some((listed) => equalBytes(listed, opHash)),
  );
  const weight = weights.sumOf(attesting.map(({ nodeId }) => nodeId));
  return { bundleFailures, weight, isCemented: weights.isQuorum(weight) };
}
