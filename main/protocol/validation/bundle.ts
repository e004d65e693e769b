/** Checks of a BundledConfirmation in the reference's order (chapter 03 §5.2). */
import type { ValidationOptions } from "../accounts/validate.ts";
import { compareBytes, equalBytes, type Hash32 } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { bundledConfirmation, type BundledConfirmation } from "../objects/consensus.ts";
import { checkSigner, type NodeKeys, type SignerFailure } from "./signer.ts";

/** Of either kind of hash; what the counts of the layout can say. */
export const BUNDLE_HASHES_MAX = 65_535;

export type BundleFailure =
  | SignerFailure
  | "wrong-endpoint"
  | "too-many-ops"
  | "too-many-reveals"
  | "ops-out-of-order"
  | "reveals-out-of-order"
  | "invalid-signature";

/**
 * Checks 1 to 7. `endpoint` is T of the bundle's window, `nodes` the Node Table before it. The checks of the lists hold for
 * every bundle that was decoded; they are for those that come from elsewhere.
 */
export function checkBundle(
  crypto: Crypto,
  bundle: BundledConfirmation,
  nodes: NodeKeys,
  endpoint: Hash32,
  options: ValidationOptions = {},
): BundleFailure | undefined {
  const signerFailure = checkSigner(nodes, bundle.nodeId);
  if (signerFailure !== undefined) return signerFailure;
  if (!equalBytes(bundle.endpoint, endpoint)) return "wrong-endpoint";
  if (bundle.opHashes.length > BUNDLE_HASHES_MAX) return "too-many-ops";
  if (bundle.revealHashes.length > BUNDLE_HASHES_MAX) return "too-many-reveals";
  if (!isStrictlyAscending(bundle.opHashes)) return "ops-out-of-order";
  if (!isStrictlyAscending(bundle.revealHashes)) return "reveals-out-of-order";
  if (options.signature === "assume-valid") return undefined;
  const { nodePubkey } = nodes.get(bundle.nodeId)!;
  return bundledConfirmation.verify(crypto, nodePubkey, bundle) ? undefined : "invalid-signature";
}

export type BundleStandingFailure = "wrong-window" | "equivocation";

/**
 * Checks 8 and 9 of a bundle that passed those before: its window is the current one or the one before, and no bundle with
 * another `hash` is `held` of its node and window.
 */
export function checkBundleStanding(
  bundle: BundledConfirmation,
  currentWindow: bigint,
  hash: Hash32,
  held: Hash32 | undefined,
): BundleStandingFailure | undefined {
  const age = currentWindow - bundle.windowIndex;
  if (age !== 0n && age !== 1n) return "wrong-window";
  return held === undefined || equalBytes(held, hash) ? undefined : "equivocation";
}

function isStrictlyAscending(hashes: readonly Hash32[]): boolean {
  return hashes.every((hash, i) => i === 0 || compareBytes(hashes[i - 1]!, hash) < 0);
}
