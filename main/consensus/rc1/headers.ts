/** Headers of an rc.1 chain as a follower keeps them. */
import { isAllZero, type Hash32 } from "../../protocol/bytes.ts";
import { MLDSA_SIGNATURE_SIZE, type Signature } from "../../protocol/crypto.ts";
import type { ProposalBody, ProposalHeader } from "../../protocol/objects/consensus.ts";
import type { Draft } from "../../protocol/objects/signed.ts";

/** A window whose header did not come: all of it is known but the signature, which is zeros. */
export function recomputed(header: Draft<ProposalHeader>): ProposalHeader {
  return { ...header, signature: new Uint8Array(MLDSA_SIGNATURE_SIZE) as Signature };
}

/** Computed here, not received; its parent is that of a producer that has not restarted meanwhile. */
export function isRecomputed({ signature }: ProposalHeader): boolean {
  return isAllZero(signature);
}

/** No rc.1 header has a body: it refers to nothing but the producer's own objects. */
export function emptyBody(windowIndex: bigint, proposalHash: Hash32): ProposalBody {
  return { proposalHash, windowIndex, bundles: [], evidence: [], reveals: [], controlHashes: [] };
}
