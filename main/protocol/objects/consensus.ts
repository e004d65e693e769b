/** Objects of consensus: reveal, bundle, header, body, vote (chapter 03 §3). None of them has a type byte. */
import type { Hash32 } from "../bytes.ts";
import {
  byItself,
  hash32,
  list,
  nodeId,
  signature,
  struct,
  u128,
  u32,
  u64,
  u8,
  type Codec,
  type Infer,
} from "../codec/codec.ts";
import { SignedClass } from "./signed.ts";

const vdfRevealLayout = struct({ nodeId, windowIndex: u64, endpoint: hash32, signature });
/** 3,381 bytes (§3.1). */
export type VdfReveal = Infer<typeof vdfRevealLayout>;
export const vdfReveal = new SignedClass<VdfReveal>("mt-vdf-reveal", vdfRevealLayout);

function bundledConfirmationLayout(hashes: Codec<readonly Hash32[]>) {
  return struct({
    nodeId,
    endpoint: hash32,
    windowIndex: u64,
    opHashes: hashes,
    revealHashes: hashes,
    signature,
  });
}
/** 3,385 + 32 bytes a hash (§3.2). Both lists are strictly ascending. */
export type BundledConfirmation = Infer<ReturnType<typeof bundledConfirmationLayout>>;
/** Refuses other orders on the way in and out; the scope of a bundle is defined in any order (§5.2 has a name for it). */
export const bundledConfirmation = new SignedClass<BundledConfirmation>(
  "mt-bundle",
  bundledConfirmationLayout(list(hash32, { key: byItself })),
  bundledConfirmationLayout(list(hash32)),
);

const proposalHeaderLayout = struct({
  prevProposalHash: hash32,
  windowIndex: u64,
  protocolVersion: u32,
  controlRoot: hash32,
  nodeRoot: hash32,
  candidateRoot: hash32,
  accountRoot: hash32,
  stateRoot: hash32,
  timechainValue: hash32,
  includedBundlesRoot: hash32,
  includedRevealsRoot: hash32,
  winnerEndpoint: hash32,
  winnerId: nodeId,
  proposerNodeId: nodeId,
  /** Lottery target in force. */
  target: u128,
  /** 1 = first proposer of the cascade. */
  fallbackDepth: u8,
  signature,
});
/** 3,722 bytes (§3.3). */
export type ProposalHeader = Infer<typeof proposalHeaderLayout>;
export const proposalHeader = new SignedClass<ProposalHeader>("mt-proposal", proposalHeaderLayout);

const namedHash = struct({ nodeId, hash: hash32 });
/** A node and the identifier of one object of it. */
export type NamedHash = Infer<typeof namedHash>;
const byNode = (entry: NamedHash): Uint8Array => entry.nodeId;

/** Message 0x23 (§3.6), unsigned: its lists hash to the roots of the signed header. */
export const proposalBody = struct({
  proposalHash: hash32,
  windowIndex: u64,
  /** Included bundles of the window before. */
  bundles: list(namedHash, { key: byNode }),
  /** Bundles of this window that prove which reveals are cemented. */
  evidence: list(namedHash, { key: byNode }),
  /** Included reveals of the window before. */
  reveals: list(namedHash, { key: byNode }),
  /** Identifiers of the control objects, in the order of the control set. */
  controlHashes: list(hash32),
});
export type ProposalBody = Infer<typeof proposalBody>;

export const PREVOTE = 1;
export const PRECOMMIT = 2;

/**
 * Message 0x24, 3,383 bytes (§3.6): a vote of `nodeId` in (window, round, phase); a zero `proposalHash` is nil. It has no
 * class tag: its fields name it.
 */
export const proposalVote = struct({
  nodeId,
  windowIndex: u64,
  round: u8,
  phase: u8,
  proposalHash: hash32,
  signature,
});
export type ProposalVote = Infer<typeof proposalVote>;
