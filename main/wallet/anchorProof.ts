/**
 * A proof of where an Anchor stands, that others check without this node (chapter 04 §4.14): made from what the network keeps
 * only for a while, checked against two headers of a chain that the reader trusts, their own node's say.
 *
 *     magic "mtap" ‖ version u8 ‖ header W−1 ‖ header W ‖ u16 length, inclusion proof of the sender before W ‖ u16 count,
 *     Node Table before W ‖ anchor ‖ u16 count, bundles of W
 *
 * Batching (point 2) and the chain of headers to genesis (points 6 and 7) are not in it: the first is the application's, the
 * second every node's.
 */
import { ascii, byteKey, compareBytes, equalBytes, type Hash32, type NodeId } from "../protocol/bytes.ts";
import { countAttestation, verifyAnchor } from "../protocol/accounts/anchorProof.ts";
import { bytes, decode, encode, list, struct, u8 } from "../protocol/codec/codec.ts";
import type { Crypto } from "../protocol/crypto.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { NetworkRules } from "../protocol/genesis/rules.ts";
import { decodeProof, verifyProof } from "../protocol/merkle/proof.ts";
import { rootOf } from "../protocol/merkle/tree.ts";
import { bundledConfirmation, proposalHeader, type ProposalHeader } from "../protocol/objects/consensus.ts";
import { operation, TYPE_ANCHOR, type Anchor } from "../protocol/objects/operations.ts";
import { weightsAt, type Weights } from "../protocol/quorum/weights.ts";
import { accountRecord, nodeRecord } from "../protocol/state/records.ts";
import { walletError } from "./errors.ts";
import type { AnchorMaterial } from "./ports.ts";

/** As the interface takes it: with about nine hundred nodes. */
export const PROOF_BYTES_MAX = 4_194_304;
const MAGIC = ascii("mtap");
const VERSION = 1;

const layout = struct({
  magic: bytes(4),
  version: u8,
  headerBefore: proposalHeader.codec,
  header: proposalHeader.codec,
  senderProof: list(u8),
  nodes: list(nodeRecord, { key: ({ nodeId }) => nodeId }),
  anchor: operation.codec,
  bundles: list(bundledConfirmation.codec, { key: ({ nodeId }) => nodeId }),
});

export interface AnchorProof extends AnchorMaterial {
  readonly anchor: Anchor;
}

export type ProofFailure =
  /** The reader's chain has no header of the window, or another one. */
  | "header-unknown"
  | "header-of-another-chain"
  | "sender-not-proven"
  | "signature-invalid"
  | "nodes-not-proven"
  | "quorum-missing";

/** With no more bundles than the quorum needs; undefined where even so it would be too large. Bytes are not checked. */
export function encodeAnchorProof(
  rules: NetworkRules,
  anchor: Anchor,
  material: AnchorMaterial,
): Uint8Array | undefined {
  const { header } = material;
  const weights = weightsAt(material.nodes, header.windowIndex, rules);
  const encoded = encode(layout, {
    magic: MAGIC as never,
    version: VERSION,
    headerBefore: material.headerBefore,
    header,
    senderProof: [...material.senderProof],
    nodes: material.nodes.toSorted((a, b) => compareBytes(a.nodeId, b.nodeId)),
    anchor,
    bundles: enoughOf(material.bundles, weights).toSorted((a, b) => compareBytes(a.nodeId, b.nodeId)),
  });
  return encoded.length > PROOF_BYTES_MAX ? undefined : encoded;
}

/** Throws `ProtocolError("proof-unreadable")`. */
export function decodeAnchorProof(encoded: Uint8Array): AnchorProof {
  if (encoded.length > PROOF_BYTES_MAX) throw walletError("proof-unreadable");
  try {
    const { magic, version, anchor, ...rest } = decode(layout, encoded);
    if (!equalBytes(magic, MAGIC) || version !== VERSION || anchor.type !== TYPE_ANCHOR) {
      throw walletError("proof-unreadable");
    }
    return { ...rest, anchor, senderProof: Uint8Array.from(rest.senderProof) };
  } catch (error) {
    if (error instanceof ProtocolError) throw walletError("proof-unreadable");
    throw error;
  }
}

/**
 * Whether the anchor was attested in the window of `proof.header`, undefined = it was. `trusted` gives the headers of the
 * reader's chain, whose TimeChain and signatures were checked when they were decided.
 */
export async function findProofFailure(
  crypto: Crypto,
  rules: NetworkRules,
  proof: AnchorProof,
  trusted: (window: bigint) => Promise<ProposalHeader | undefined>,
): Promise<ProofFailure | undefined> {
  const { header, headerBefore } = proof;
  if (header.windowIndex !== headerBefore.windowIndex + 1n) return "header-of-another-chain";
  for (const claimed of [headerBefore, header]) {
    const known = await trusted(claimed.windowIndex);
    if (known === undefined) return "header-unknown";
    if (!equalBytes(proposalHeader.identify(crypto, known), proposalHeader.identify(crypto, claimed))) {
      return "header-of-another-chain";
    }
  }
  return findContentFailure(crypto, rules, proof);
}

function findContentFailure(crypto: Crypto, rules: NetworkRules, proof: AnchorProof): ProofFailure | undefined {
  const { anchor, header, headerBefore, nodes, bundles } = proof;
  const key = senderKey(crypto, headerBefore.accountRoot, proof);
  if (key === undefined) return "sender-not-proven";
  const opHash = verifyAnchor(crypto, anchor, key);
  if (opHash === undefined) return "signature-invalid";
  const root = rootOf(
    crypto,
    nodes.map((node) => ({ key: node.nodeId, record: encode(nodeRecord, node) })),
  );
  if (!equalBytes(root, headerBefore.nodeRoot)) return "nodes-not-proven";
  const weights = weightsOrNone(nodes, header.windowIndex, rules);
  if (weights === undefined) return "quorum-missing";
  const evidence = {
    opHash,
    window: header.windowIndex,
    timechainValue: header.timechainValue,
    nodes: { get: (id: NodeId) => nodes.find(({ nodeId }) => equalBytes(nodeId, id)) },
    weights,
  };
  return countAttestation(crypto, evidence, bundles).isCemented ? undefined : "quorum-missing";
}

function senderKey(crypto: Crypto, accountRoot: Hash32, { senderProof, anchor }: AnchorProof) {
  try {
    const proof = decodeProof(crypto, senderProof, accountRecord.size);
    if (proof.leafValue.length === 0 || !equalBytes(proof.key, anchor.sender)) return undefined;
    if (!verifyProof(crypto, accountRoot, proof)) return undefined;
    return decode(accountRecord, proof.leafValue).currentPubkey;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function weightsOrNone(nodes: AnchorProof["nodes"], window: bigint, rules: NetworkRules): Weights | undefined {
  try {
    return weightsAt(nodes, window, rules);
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "no-active-weight") return undefined;
    throw error;
  }
}

/** The heaviest first, one a node, until they are a quorum. */
function enoughOf(bundles: AnchorMaterial["bundles"], weights: Weights): AnchorMaterial["bundles"] {
  const heaviest = bundles.toSorted((a, b) => (weights.of(a.nodeId) < weights.of(b.nodeId) ? 1 : -1));
  const enough = new Map<string, (typeof bundles)[number]>();
  for (const bundle of heaviest) {
    if (weights.isQuorum(weights.sumOf(Array.from(enough.values(), ({ nodeId }) => nodeId)))) break;
    const key = byteKey(bundle.nodeId);
    if (!enough.has(key)) enough.set(key, bundle);
  }
  return [...enough.values()];
}
