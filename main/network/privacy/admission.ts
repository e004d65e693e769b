/** Whom a server lets through the tunnel, and as what (chapter 06 §4.10, §4.13). */
import { equalBytes, type AccountId, type Hash32, type NodeId } from "../../protocol/bytes.ts";
import type { Crypto, PublicKey, Signature } from "../../protocol/crypto.ts";
import { accountIdOf, nodeIdOf, SUITE_MLDSA65 } from "../../protocol/identity/ids.ts";
import { clientIndexOf, type NonceFault, type NonceTracker } from "./nonceTracker.ts";
import { verifyOnline, type OnlineProofFault } from "./tunnelProof.ts";

/** `guest`: an unknown key that a bootstrap server admits for its work. */
export type AccessLevel = "node" | "candidate" | "account" | "guest";

/** The tables that give a key its level. */
export interface Membership {
  hasNode(nodeId: NodeId): boolean;
  /** The node key of a candidate. */
  candidateKey(nodeId: NodeId): PublicKey | undefined;
  hasAccount(accountId: AccountId): boolean;
}

/** Undefined for a key that no table knows. */
export function levelOf(crypto: Crypto, membership: Membership, publicKey: PublicKey): AccessLevel | undefined {
  const nodeId = nodeIdOf(crypto, publicKey);
  if (membership.hasNode(nodeId)) return "node";
  const candidateKey = membership.candidateKey(nodeId);
  if (candidateKey !== undefined && equalBytes(candidateKey, publicKey)) return "candidate";
  return membership.hasAccount(accountIdOf(crypto, SUITE_MLDSA65, publicKey)) ? "account" : undefined;
}

export interface Applicant {
  readonly publicKey: PublicKey;
  readonly nonce: Hash32;
  readonly proof: Signature;
}

export interface Gate {
  /** This server. */
  readonly nodeId: NodeId;
  readonly currentWindow: bigint;
  readonly nonces: NonceTracker;
  /** Undefined refuses the key; a bootstrap server gives `guest` for one that no table knows. */
  readonly levelOf: (publicKey: PublicKey) => AccessLevel | undefined;
}

export type AdmissionFault = OnlineProofFault | NonceFault;

/**
 * Signature, then level, then nonce: an unknown key never fills the tracker. What is unknown is refused with the same word
 * as what is forged.
 */
export function admit(
  crypto: Crypto,
  gate: Gate,
  { publicKey, nonce, proof }: Applicant,
): { readonly level: AccessLevel } | { readonly fault: AdmissionFault } {
  const verdict = verifyOnline(crypto, publicKey, proof, { verifier: gate.nodeId, nonce }, gate.currentWindow);
  if (verdict.fault !== undefined) return verdict;
  const level = gate.levelOf(publicKey);
  if (level === undefined) return { fault: "invalid-signature" };
  const client = clientIndexOf(crypto, publicKey);
  const fault = gate.nonces.use(client, nonce, gate.currentWindow, verdict.acceptedWindow);
  return fault === undefined ? { level } : { fault };
}
