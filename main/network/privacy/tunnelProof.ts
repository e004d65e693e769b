/** Proofs of the Identity-Bound Tunnel, online and over the mesh (chapter 06 §4.10, §4.13; chapter 07 §4.15). */
import type { Hash32, NodeId } from "../../protocol/bytes.ts";
import type { Crypto, PublicKey, SecretKey, Signature } from "../../protocol/crypto.ts";
import { meshProofMessage, onlineProofMessage } from "../../protocol/identity/tunnelProof.ts";

/** Windows before the current one whose slot still counts: the previous slot, whichever half of it the client was in. */
const ONLINE_PAST_WINDOWS = 2n;
/** A mesh proof is too old after this many τ₁. */
const MESH_AGE_TAU1_MAX = 7n;

/** What both kinds of proof bind. `nonce` is fresh for every proof. */
export interface ProofOf {
  /** Who shall accept the proof. */
  readonly verifier: NodeId;
  readonly nonce: Hash32;
}

export type OnlineProofFault = "invalid-signature";
export type MeshProofFault = "staleness-bound-exceeded" | "invalid-signature";

/** The window as which a proof counts, or why it does not. */
export type ProofVerdict<Fault> =
  { readonly acceptedWindow: bigint; readonly fault?: undefined } | { readonly fault: Fault };

/** 3,309 bytes, by the node key or the account key of the client, in the window that the client is in. */
export function proveOnline(
  crypto: Crypto,
  secretKey: SecretKey,
  { verifier, nonce }: ProofOf,
  window: bigint,
): Signature {
  return crypto.mldsa65.sign(secretKey, onlineProofMessage(verifier, window, nonce));
}

/**
 * A proof counts in its own slot of two windows and in the next one; `acceptedWindow` is the window of this node whose slot
 * it has. At most two signature checks.
 */
export function verifyOnline(
  crypto: Crypto,
  publicKey: PublicKey,
  proof: Signature,
  { verifier, nonce }: ProofOf,
  currentWindow: bigint,
): ProofVerdict<OnlineProofFault> {
  const previous = currentWindow > ONLINE_PAST_WINDOWS ? currentWindow - ONLINE_PAST_WINDOWS : 0n;
  for (const window of [currentWindow, previous]) {
    if (crypto.mldsa65.verify(publicKey, onlineProofMessage(verifier, window, nonce), proof)) {
      return { acceptedWindow: window };
    }
  }
  return { fault: "invalid-signature" };
}

/** 3,309 bytes, over the window that the sender had cached. Send that window with it. */
export function proveMesh(
  crypto: Crypto,
  secretKey: SecretKey,
  { verifier, nonce }: ProofOf,
  cachedWindow: bigint,
): Signature {
  return crypto.mldsa65.sign(secretKey, meshProofMessage(verifier, cachedWindow, nonce));
}

/** `declaredWindow` came with the proof. One signature check, none for a proof that is too old or of the future. */
export function verifyMesh(
  crypto: Crypto,
  publicKey: PublicKey,
  proof: Signature,
  { verifier, nonce }: ProofOf,
  declaredWindow: bigint,
  known: KnownTime,
): ProofVerdict<MeshProofFault> {
  if (declaredWindow > known.window || declaredWindow < oldestWindow(known))
    return { fault: "staleness-bound-exceeded" };
  const isValid = crypto.mldsa65.verify(publicKey, meshProofMessage(verifier, declaredWindow, nonce), proof);
  return isValid ? { acceptedWindow: declaredWindow } : { fault: "invalid-signature" };
}

/**
 * For a proof that came without its window: tries the windows from `known` down. Up to 7·τ₁ + 1 signature checks, so prefer
 * {@link verifyMesh}. Finds the later window of the slot, and accepts one window more than the bound where the slot does.
 */
export function searchMesh(
  crypto: Crypto,
  publicKey: PublicKey,
  proof: Signature,
  { verifier, nonce }: ProofOf,
  known: KnownTime,
): ProofVerdict<"invalid-signature"> {
  const oldest = oldestWindow(known);
  for (let window = known.window; window >= oldest; window--) {
    if (crypto.mldsa65.verify(publicKey, meshProofMessage(verifier, window, nonce), proof)) {
      return { acceptedWindow: window };
    }
  }
  return { fault: "invalid-signature" };
}

export interface KnownTime {
  /** The latest window that the verifier knows. */
  readonly window: bigint;
  readonly tau1Windows: bigint;
}

function oldestWindow({ window, tau1Windows }: KnownTime): bigint {
  const span = MESH_AGE_TAU1_MAX * tau1Windows;
  return window > span ? window - span : 0n;
}
